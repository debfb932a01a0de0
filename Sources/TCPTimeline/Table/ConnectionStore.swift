// Where connections live: chunks that never move, so that growth copies nothing and stalls nobody.

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

    private var chunks: [UnsafeMutablePointer<Connection>] = unsafe []
    private var used: UInt32 = 0
    private var freeSlots: [UInt32] = []
    /// One bit a slot in use, for walking.
    private var occupied: [UInt64] = []

    init() {}

    deinit {
        // Every chunk was allocated by `insert` with this size and is freed only here; Connection is trivial.
        for index in unsafe chunks.indices { unsafe chunks[index].deallocate() }
    }

    /// How many connections there are.
    var count: Int { Int(used) - freeSlots.count }

    /// Just beyond the highest slot ever used.
    var limit: UInt32 { used }

    mutating func insert(_ connection: Connection) -> ConnectionID {
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = used
            used += 1
            if unsafe Int(slot) >> Self.chunkShift == chunks.count {
                unsafe chunks.append(.allocate(capacity: Self.chunkSize))
                occupied.append(contentsOf: repeatElement(0, count: Self.chunkSize / 64))
            }
        }
        occupied[Int(slot >> 6)] |= 1 << UInt64(slot & 63)
        // slot < used, and the chunk for it was allocated above or earlier.
        unsafe (chunks[Int(slot) >> Self.chunkShift] + Int(slot) & (Self.chunkSize - 1)).initialize(to: connection)
        return ConnectionID(slot: slot)
    }

    mutating func free(_ id: ConnectionID) {
        guard isOccupied(id.slot) else { return }
        occupied[Int(id.slot >> 6)] &= ~(1 << UInt64(id.slot & 63))
        freeSlots.append(id.slot)
    }

    func isOccupied(_ slot: UInt32) -> Bool {
        slot < used && occupied[Int(slot >> 6)] & 1 << UInt64(slot & 63) != 0
    }

    /// The connection in a slot that `insert` returned and `free` has not taken back.
    subscript(id: ConnectionID) -> Connection {
        unsafeAddress {
            precondition(id.slot < used)
            // Checked just above: the slot was handed out, so its chunk exists and the place was initialized.
            return unsafe UnsafePointer(
                chunks[Int(id.slot) >> Self.chunkShift] + Int(id.slot) & (Self.chunkSize - 1))
        }
        unsafeMutableAddress {
            precondition(id.slot < used)
            // As above.
            return unsafe chunks[Int(id.slot) >> Self.chunkShift] + Int(id.slot) & (Self.chunkSize - 1)
        }
    }
}
