// From flow key to connection: open addressing with linear probing and a seeded multiply-mix hash.

import TCPModel

/// The index of the latest incarnation of each flow.
///
/// An entry is 8 octets: the upper half of the hash, so that nearly every probe that misses is settled without touching
/// the connection, and the slot. The seed is drawn per process, so that nobody outside can aim for collisions.
struct FlowIndex: ~Copyable {
    private struct Entry: BitwiseCopyable {
        var tag: UInt32
        /// Slot + 1; 0 = free.
        var occupant: UInt32
    }

    private var entries: [Entry]
    private var mask: Int
    private(set) var count = 0
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        entries = Array(repeating: Entry(tag: 0, occupant: 0), count: 1024)
        mask = 1023
    }

    /// The hash of a key: two folded 64 x 64 multiplications over all its octets.
    func hash(_ key: FlowKey) -> UInt64 {
        let ports = UInt64(key.first.port) << 16 | UInt64(key.second.port)
        let a = Self.fold(key.first.address.low ^ seed, key.second.address.low ^ 0x9e37_79b9_7f4a_7c15)
        let b = Self.fold(key.first.address.high ^ ports ^ seed, key.second.address.high ^ 0xd1b5_4a32_d192_ed03)
        return Self.fold(a ^ ports, b ^ seed ^ 0x8cb9_2ba7_2f3d_8dd7)
    }

    private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b | 1)
        return product.high ^ product.low
    }

    func find(_ key: FlowKey, hash: UInt64, in store: borrowing ConnectionStore) -> ConnectionID? {
        let tag = UInt32(truncatingIfNeeded: hash >> 32)
        var position = Int(truncatingIfNeeded: hash) & mask
        while true {
            let entry = entries[position]
            if entry.occupant == 0 { return nil }
            if entry.tag == tag {
                let id = ConnectionID(slot: entry.occupant - 1)
                if FlowKey(store[id].tuple) == key { return id }
            }
            position = (position + 1) & mask
        }
    }

    /// Adds a key that is not in the index.
    mutating func insert(_ id: ConnectionID, hash: UInt64, in store: borrowing ConnectionStore) {
        if (count + 1) * 8 > entries.count * 5 { grow(store) }
        place(Entry(tag: UInt32(truncatingIfNeeded: hash >> 32), occupant: id.slot + 1), hash)
        count += 1
    }

    /// Points an existing key at another connection.
    mutating func replace(_ old: ConnectionID, by new: ConnectionID, hash: UInt64) {
        guard let position = position(of: old, hash) else { return }
        entries[position].occupant = new.slot + 1
    }

    /// Removes a connection's key if it still points at that connection; closes the gap so that probes stay short.
    mutating func remove(_ id: ConnectionID, hash: UInt64, in store: borrowing ConnectionStore) {
        guard var gap = position(of: id, hash) else { return }
        var position = gap
        while true {
            position = (position + 1) & mask
            let entry = entries[position]
            if entry.occupant == 0 { break }
            let other = ConnectionID(slot: entry.occupant - 1)
            let home = Int(truncatingIfNeeded: self.hash(FlowKey(store[other].tuple))) & mask
            // Move it back only if its home is not between the gap and where it is now.
            if (position &- home) & mask >= (position &- gap) & mask {
                entries[gap] = entry
                gap = position
            }
        }
        entries[gap] = Entry(tag: 0, occupant: 0)
        count -= 1
    }

    private func position(of id: ConnectionID, _ hash: UInt64) -> Int? {
        var position = Int(truncatingIfNeeded: hash) & mask
        while entries[position].occupant != 0 {
            if entries[position].occupant == id.slot + 1 { return position }
            position = (position + 1) & mask
        }
        return nil
    }

    private mutating func place(_ entry: Entry, _ hash: UInt64) {
        var position = Int(truncatingIfNeeded: hash) & mask
        while entries[position].occupant != 0 { position = (position + 1) & mask }
        entries[position] = entry
    }

    private mutating func grow(_ store: borrowing ConnectionStore) {
        let old = entries
        entries = Array(repeating: Entry(tag: 0, occupant: 0), count: old.count * 2)
        mask = entries.count - 1
        for entry in old where entry.occupant != 0 {
            place(entry, hash(FlowKey(store[ConnectionID(slot: entry.occupant - 1)].tuple)))
        }
    }
}
