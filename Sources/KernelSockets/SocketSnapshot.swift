// All TCP sockets of one reading, with look-ups by four-tuple and of listeners, and when the reading happened.

public import TCPModel

/// What the kernel's TCP tables said in one reading.
///
/// The tables change while they are read: a socket may be missing or be there twice, and two rows may be of different
/// moments between `readBegan` and `readEnded`. A value is reused from reading to reading, so its memory stays.
public struct SocketSnapshot: Sendable {
    /// The sockets in the kernel's order, IPv4 first.
    public private(set) var sockets: [KernelSocket] = []
    /// The wall clock just before the reading began (CLOCK_REALTIME, the clock of packet time stamps).
    public internal(set) var readBegan = Timestamp(nanoseconds: 0)
    /// The wall clock just after the reading ended.
    public internal(set) var readEnded = Timestamp(nanoseconds: 0)
    /// How long the reading took, in nanoseconds of the monotonic clock.
    public internal(set) var readNanoseconds: Int64 = 0
    /// Lines that were cut or were no socket lines; they are left out.
    public internal(set) var malformedLines = 0
    /// Sockets left out because their state's number is not known here.
    public internal(set) var unknownStates = 0

    /// Positions in `sockets` of those in LISTEN.
    private var listeners: [Int32] = []
    /// Open addressing: positions in `sockets` plus one, 0 = free. Its count is a power of two, or 0 before first use.
    private var slots: [Int32] = []
    private var indexed = 0

    /// An empty snapshot.
    public init() {}

    /// Whether it has no socket.
    public var isEmpty: Bool { sockets.isEmpty }

    /// Forgets the sockets but keeps the memory.
    mutating func clear() {
        sockets.removeAll(keepingCapacity: true)
        listeners.removeAll(keepingCapacity: true)
        for index in slots.indices { slots[index] = 0 }
        indexed = 0
        malformedLines = 0
        unknownStates = 0
    }

    /// Adds a socket as read. Public so that tests and replays can build a snapshot by hand.
    public mutating func append(_ socket: KernelSocket) {
        guard let position = Int32(exactly: sockets.count), position < .max else { return }
        sockets.append(socket)
        if socket.state == .listen {
            listeners.append(position)
        } else {
            insert(position)
        }
    }

    /// The socket whose own end is `local` and whose peer is `remote`, or nil.
    ///
    /// If the kernel listed two (a TIME_WAIT beside its successor, or a table that changed while it was read), a socket
    /// that is not in TIME_WAIT wins, then the one listed last. Listeners are never the answer.
    public func socket(local: SocketAddress, remote: SocketAddress) -> KernelSocket? {
        guard let slot = slot(local, remote) else { return nil }
        let position = slots[slot]
        return position == 0 ? nil : sockets[Int(position - 1)]
    }

    /// The listener that a SYN to `local` goes to, or nil.
    ///
    /// As Linux chooses: the listener bound to the very address, else the wildcard of the same family, else `[::]`,
    /// which takes IPv4 as well (unless it is IPV6_V6ONLY: /proc does not tell). With SO_REUSEPORT several are equally
    /// good; the first listed is returned, `listeners(for:)` has them all.
    public func listener(for local: SocketAddress) -> KernelSocket? {
        var best: KernelSocket?
        var bestScore = 0
        for position in listeners {
            let candidate = sockets[Int(position)]
            let score = Self.score(candidate, for: local)
            if score > bestScore {
                best = candidate
                bestScore = score
            }
        }
        return best
    }

    /// Every listener that could take a SYN to `local`, in the kernel's order.
    public func listeners(for local: SocketAddress) -> [KernelSocket] {
        listeners.lazy.map { sockets[Int($0)] }.filter { Self.score($0, for: local) > 0 }
    }

    private static func score(_ listener: KernelSocket, for local: SocketAddress) -> Int {
        guard listener.local.port == local.port else { return 0 }
        let bound = listener.local.address
        if bound == local.address { return 3 }
        if bound == .anyV4 && local.address.isV4 { return 2 }
        return bound == .anyV6 ? 1 : 0
    }

    // MARK: The index

    private mutating func insert(_ position: Int32) {
        if (indexed + 1) * 2 > slots.count { grow() }
        let socket = sockets[Int(position)]
        guard let slot = slot(socket.local, socket.remote) else { return }
        let present = slots[slot]
        if present == 0 {
            indexed += 1
        } else if socket.state == .timeWait && sockets[Int(present - 1)].state != .timeWait {
            return
        }
        slots[slot] = position + 1
    }

    private mutating func grow() {
        let old = slots
        slots = [Int32](repeating: 0, count: max(64, old.count * 2))
        for position in old where position != 0 {
            let socket = sockets[Int(position - 1)]
            if let slot = slot(socket.local, socket.remote) { slots[slot] = position }
        }
    }

    /// The slot that holds this four-tuple, or the free one where it belongs; nil if there are no slots yet.
    private func slot(_ local: SocketAddress, _ remote: SocketAddress) -> Int? {
        guard !slots.isEmpty else { return nil }
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: Self.hash(local, remote)) & mask
        // At most half of the slots are taken, so a free one ends the search.
        while slots[index] != 0 {
            let socket = sockets[Int(slots[index] - 1)]
            if socket.local == local && socket.remote == remote { return index }
            index = (index + 1) & mask
        }
        return index
    }

    private static let seed = UInt64.random(in: .min ... .max)

    private static func hash(_ local: SocketAddress, _ remote: SocketAddress) -> UInt64 {
        var state = mix(seed ^ local.address.high)
        state = mix(state ^ local.address.low)
        state = mix(state ^ remote.address.high)
        state = mix(state ^ remote.address.low)
        return mix(state ^ (UInt64(local.port) << 16 | UInt64(remote.port)))
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        return product.high ^ product.low
    }
}
