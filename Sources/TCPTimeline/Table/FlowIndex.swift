// From flow key to connection: open addressing with linear probing and a seeded multiply-mix hash.

import TCPModel

/// The index of the latest incarnation of each flow.
///
/// An entry is 8 octets: the slot, and the upper half of the hash, so that nearly every probe that misses is settled
/// without touching the connection. The seed is drawn per process, so that no outsider can aim for collisions.
struct FlowIndex: ~Copyable {
    /// Not private, for the same reason as the entries of `DuplicateFilter`.
    struct Entry: BitwiseCopyable {
        var tag: UInt32
        /// Slot + 1; 0 = free.
        var occupant: UInt32
    }

    private var entries: FixedTable<Entry>
    private(set) var count = 0
    let flowHash: FlowHash

    init(seed: UInt64) {
        flowHash = FlowHash(seed: seed)
        entries = FixedTable(repeating: Entry(tag: 0, occupant: 0), count: 1024)
    }

    /// The half of the hash that an entry keeps.
    @inline(__always) private static func tag(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 32) }

    /// Where an entry with this tag belongs: nothing but the entry is needed to move
    /// it. Tags are in order in the table, except those that found their places taken,
    /// so growing passes through both tables from one end to the other.
    @inline(__always) private func home(_ tag: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(tag) &* UInt64(truncatingIfNeeded: entries.count)) >> 32)
    }

    /// The place after `position`, wrapping around at the end.
    @inline(__always) private func after(_ position: Int) -> Int {
        position &+ 1 == entries.count ? 0 : position &+ 1
    }

    /// The number of places from `start` to `end`, wrapping around at the end.
    private func distance(from start: Int, to end: Int) -> Int {
        end >= start ? end - start : end - start + entries.count
    }

    /// The hash of a flow, the same for both directions: each end goes through a keyed folded multiplication,
    /// and both together through another one.
    @inline(__always) func hash(_ tuple: FourTuple) -> UInt64 { flowHash.hash(tuple) }

    /// The result of a search: a connection, or the free place where the search ended.
    struct Search: BitwiseCopyable {
        /// The connection; nil if there is none with that key.
        let found: Found?
        /// Where `insert` puts such a key, as long as nothing else changes the index;
        /// meaningless if a connection was found.
        let vacancy: Int
    }

    /// A connection, and which of its sides sent the segment that was looked up.
    struct Found: BitwiseCopyable {
        let id: ConnectionID
        let sender: Int
    }

    /// The connection with this key.
    func find(_ tuple: FourTuple, hash: UInt64, in store: borrowing ConnectionStore) -> Found? {
        search(tuple, hash: hash, in: store).found
    }

    /// The connection with this key, and where the search ended.
    @inline(__always) func search(_ tuple: FourTuple, hash: UInt64, in store: borrowing ConnectionStore) -> Search {
        let tag = Self.tag(hash)
        var position = home(tag)
        while true {
            let entry = entries[position]
            if entry.occupant == 0 { return Search(found: nil, vacancy: position) }
            if entry.tag == tag {
                let id = ConnectionID(slot: entry.occupant &- 1)
                if let sender = store[id].sender(tuple) {
                    return Search(found: Found(id: id, sender: sender), vacancy: position)
                }
            }
            position = after(position)
        }
    }

    /// Fetches the entry that `find` will examine first into the cache.
    @inline(__always) func fetch(hash: UInt64) { entries.fetch(home(Self.tag(hash))) }

    /// The connection's place, counted from 1, in the entry that `find` will examine first,
    /// which this reads; 0 if that is free.
    @inline(__always) func likelyPlace(hash: UInt64) -> UInt32 {
        entries[home(Self.tag(hash))].occupant
    }

    /// Adds a key that is not in the index, at the place where the search for it ended.
    @inline(__always) mutating func insert(_ id: ConnectionID, hash: UInt64, at vacancy: Int) {
        let entry = Entry(tag: Self.tag(hash), occupant: id.slot &+ 1)
        count &+= 1
        if isFull { return insertGrowing(entry) }
        entries[vacancy] = entry
    }

    @inline(never) private mutating func insertGrowing(_ entry: Entry) {
        grow()
        place(entry)
    }

    /// A small table is kept rather empty, so that nearly every search ends where it begins. The larger it is, the more
    /// that costs: 8 MB of memory with 2 million flows in 8 parts.
    private var isFull: Bool {
        switch entries.count {
        // 512 KB.
        case ...0x1_0000: count &* 3 > entries.count
        // 2 MB.
        case ...0x4_0000: count &* 8 > entries.count &* 5
        default: count &* 16 > entries.count &* 11
        }
    }

    /// Points an existing key at another connection.
    mutating func replace(_ old: ConnectionID, by new: ConnectionID, hash: UInt64) {
        guard let position = position(of: old, hash) else { return }
        entries[position].occupant = new.slot + 1
    }

    /// Removes a connection's key if it still points at that connection; closes the gap so that probes stay short.
    mutating func remove(_ id: ConnectionID, hash: UInt64) {
        guard var gap = position(of: id, hash) else { return }
        var position = gap
        while true {
            position = after(position)
            let entry = entries[position]
            if entry.occupant == 0 { break }
            // Move it back only if its home is not between the gap and where it is now.
            if distance(from: home(entry.tag), to: position) >= distance(from: gap, to: position) {
                entries[gap] = entry
                gap = position
            }
        }
        entries[gap] = Entry(tag: 0, occupant: 0)
        count -= 1
    }

    private func position(of id: ConnectionID, _ hash: UInt64) -> Int? {
        var position = home(Self.tag(hash))
        while entries[position].occupant != 0 {
            if entries[position].occupant == id.slot + 1 { return position }
            position = after(position)
        }
        return nil
    }

    private mutating func place(_ entry: Entry) {
        var position = home(entry.tag)
        while entries[position].occupant != 0 { position = after(position) }
        entries[position] = entry
    }

    /// Grows by a half and by a third alternately, so that every second size is a power of two.
    private mutating func grow() {
        let isPower = entries.count & (entries.count - 1) == 0
        let size = isPower ? entries.count / 2 * 3 : entries.count / 3 * 4
        var old = FixedTable(repeating: Entry(tag: 0, occupant: 0), count: size)
        swap(&old, &entries)
        for position in 0..<old.count where old[position].occupant != 0 { place(old[position]) }
    }
}
