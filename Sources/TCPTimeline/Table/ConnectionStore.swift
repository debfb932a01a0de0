// Where connections live: chunks that never move, so that growth copies nothing and stalls nobody.

import CMemoryHints

/// A connection's place in the store. Places are reused after `free`; `Connection.number` is the name that is not.
public struct ConnectionID: Hashable, BitwiseCopyable, Sendable {
    /// The index of the place.
    public let slot: UInt32

    /// The place with this index.
    public init(slot: UInt32) { self.slot = slot }
}

/// A growing array of connections in chunks of fixed size, with a free list.
@safe struct ConnectionStore: ~Copyable {
    private static let chunkShift = 10
    private static let chunkSize = 1 << chunkShift

    private var chunks: [UnsafeMutablePointer<HotPart>] = unsafe []
    private var used: UInt32 = 0
    private var freeSlots: [UInt32] = []
    /// One bit a slot in use, for walking.
    private var occupied: [UInt64] = []
    /// The rare parts, and the places among them that are free.
    private var rareParts: [RarePart] = []
    private var freeRare: [UInt32] = []

    init() {}

    deinit {
        // Every chunk was allocated by `addChunk` with this size and is freed only here; HotPart is trivial.
        for index in unsafe chunks.indices { unsafe chunks[index].deallocate() }
    }

    /// How many connections there are.
    var count: Int { Int(used) - freeSlots.count }

    /// Just beyond the highest slot ever used.
    var limit: UInt32 { used }

    @inline(__always) mutating func insert(_ connection: HotPart) -> ConnectionID {
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = used
            used += 1
            if unsafe Int(slot) >> Self.chunkShift == chunks.count { addChunk() }
        }
        occupied[Int(slot >> 6)] |= 1 << UInt64(slot & 63)
        // slot < used, and the chunk for it was allocated above or earlier.
        unsafe place(slot).initialize(to: connection)
        return ConnectionID(slot: slot)
    }

    @inline(never) private mutating func addChunk() {
        unsafe chunks.append(.allocate(capacity: Self.chunkSize))
        occupied.append(contentsOf: repeatElement(0, count: Self.chunkSize / 64))
    }

    /// Where the connection of a slot below `used` is.
    @inline(__always) private func place(_ slot: UInt32) -> UnsafeMutablePointer<HotPart> {
        // The slot was handed out, so its chunk exists and has room for this index.
        unsafe chunks[Int(slot) >> Self.chunkShift] + Int(slot) & (Self.chunkSize - 1)
    }

    mutating func free(_ id: ConnectionID) {
        guard isOccupied(id.slot) else { return }
        let rare = self[id].rarePlace
        if rare != 0 { freeRare.append(rare) }
        occupied[Int(id.slot >> 6)] &= ~(1 << UInt64(id.slot & 63))
        freeSlots.append(id.slot)
    }

    func isOccupied(_ slot: UInt32) -> Bool {
        slot < used && occupied[Int(slot >> 6)] & 1 << UInt64(slot & 63) != 0
    }

    /// Has the cache lines of the place counted from 1 fetched; nothing for the place 0, or one that was never handed out.
    @inline(__always) func fetch(_ place: UInt32) {
        guard place != 0, place <= used else { return }
        // Checked just above: the slot was handed out, so that all of these octets are the connection's.
        let base = unsafe UnsafeRawPointer(self.place(place - 1))
        unsafe memory_hint_fetch(base)
        unsafe memory_hint_fetch(base + 64)
        unsafe memory_hint_fetch(base + 128)
        unsafe memory_hint_fetch(base + 192)
        unsafe memory_hint_fetch(base + (MemoryLayout<HotPart>.size - 1))
    }

    /// Both parts of the connection in a slot that `insert` returned and `free` has not taken back.
    func whole(_ id: ConnectionID) -> Connection { Connection(self[id], rare(id)) }

    /// The rare part of a connection; an empty one if it has none.
    @inline(__always) func rare(_ id: ConnectionID) -> RarePart {
        let place = self[id].rarePlace
        return place == 0 ? RarePart() : rareParts[Int(place) - 1]
    }

    /// Keeps the rare part of a connection, if there is anything in it or there was.
    @inline(__always) mutating func keep(_ rare: RarePart, _ id: ConnectionID) {
        let place = self[id].rarePlace
        if place == 0 && rare.isEmpty { return }
        keep(rare, id, at: place)
    }

    @inline(never) private mutating func keep(_ rare: RarePart, _ id: ConnectionID, at known: UInt32) {
        var place = known
        if place == 0, let free = freeRare.popLast() { place = free }
        if place == 0 {
            rareParts.append(rare)
            place = UInt32(rareParts.count)
        } else {
            rareParts[Int(place) - 1] = rare
        }
        self[id].rarePlace = place
        if rare.gaps.isEmpty { self[id].facts.remove(.hasHoles) } else { self[id].facts.insert(.hasHoles) }
    }

    /// The hot part of the connection in a slot that `insert` returned and `free` has not taken back.
    subscript(id: ConnectionID) -> HotPart {
        @inline(__always) unsafeAddress {
            precondition(id.slot < used)
            // Checked just above: the slot was handed out, and its place was initialized.
            return unsafe UnsafePointer(place(id.slot))
        }
        @inline(__always) unsafeMutableAddress {
            precondition(id.slot < used)
            // As above.
            return unsafe place(id.slot)
        }
    }
}
