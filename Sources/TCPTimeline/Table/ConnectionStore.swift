// Where connections live: a table with reusable places, and beside it what only few connections have.

/// A connection's place in the store. Places are reused after `free`; `Connection.number` is the name that is not.
public struct ConnectionID: Hashable, BitwiseCopyable, Sendable {
    /// The index of the place.
    public let slot: UInt32

    /// The place with this index.
    public init(slot: UInt32) { self.slot = slot }
}

/// A growing table of connections with a free list.
struct ConnectionStore: ~Copyable {
    private var places = ChunkedTable<HotPart>()
    private var freeSlots: [UInt32] = []
    /// One bit per slot in use, for iteration.
    private var occupied: [UInt64] = []
    /// The rare parts, and the free places among them.
    private var rareParts: [RarePart] = []
    private var freeRare: [UInt32] = []

    init() {}

    /// How many connections there are.
    var count: Int { Int(places.count) - freeSlots.count }

    /// Just beyond the highest slot ever used.
    var limit: UInt32 { places.count }

    @inline(__always) mutating func insert(_ connection: HotPart) -> ConnectionID {
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
            places[slot] = connection
        } else {
            slot = places.count
            places.append(connection)
            if slot & 63 == 0 { occupied.append(0) }
        }
        occupied[Int(slot >> 6)] |= 1 << UInt64(slot & 63)
        return ConnectionID(slot: slot)
    }

    /// Puts a connection at a place of the caller's choice, which `clear` will empty; do not mix with `insert`.
    mutating func keep(_ connection: Connection, at id: ConnectionID) {
        while places.count <= id.slot {
            if places.count & 63 == 0 { occupied.append(0) }
            places.append(connection.hot)
        }
        let rare = isOccupied(id.slot) ? places[id.slot].rarePlace : 0
        occupied[Int(id.slot >> 6)] |= 1 << UInt64(id.slot & 63)
        places[id.slot] = connection.hot
        places[id.slot].rarePlace = rare
        keep(connection.rare, id)
    }

    mutating func free(_ id: ConnectionID) {
        guard isOccupied(id.slot) else { return }
        clear(id)
        freeSlots.append(id.slot)
    }

    /// Empties a place that `keep` filled.
    mutating func clear(_ id: ConnectionID) {
        guard isOccupied(id.slot) else { return }
        let rare = self[id].rarePlace
        if rare != 0 { freeRare.append(rare) }
        occupied[Int(id.slot >> 6)] &= ~(1 << UInt64(id.slot & 63))
    }

    func isOccupied(_ slot: UInt32) -> Bool {
        slot < places.count && occupied[Int(slot >> 6)] & 1 << UInt64(slot & 63) != 0
    }

    /// Fetches the cache lines of the place counted from 1; does nothing for place 0, or for one never used.
    @inline(__always) func fetch(_ place: UInt32) { places.fetch(place &- 1) }

    /// Both parts of the connection in a slot that `insert` returned and `free` has not freed.
    func whole(_ id: ConnectionID) -> Connection { Connection(self[id], rare(id)) }

    /// The rare part of a connection; an empty one if it has none.
    @inline(__always) func rare(_ id: ConnectionID) -> RarePart {
        let place = self[id].rarePlace
        return place == 0 ? RarePart() : rareParts[Int(place) - 1]
    }

    /// Stores the rare part of a connection, if there is anything in it or there was before.
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
        if rare.needsGeneralPath {
            self[id].facts.insert(.needsGeneralPath)
        } else {
            self[id].facts.remove(.needsGeneralPath)
        }
    }

    /// The hot part of the connection in a slot that `insert` returned and `free` has not freed.
    subscript(id: ConnectionID) -> HotPart {
        @inline(__always) _read { yield places[id.slot] }
        @inline(__always) _modify { yield &places[id.slot] }
    }
}
