// All TCP sockets of one reading, with look-ups by four-tuple and of listeners, and when the reading happened.

public import TCPModel

/// What the kernel's TCP tables said in one reading.
///
/// The tables change while they are read: the kernel may leave a socket out, or tell of one twice when what stands before it
/// in its hash chain changes; of those one is kept. Two rows may be of different moments between `readBegan` and
/// `readEnded`. A value is reused from reading to reading, so its memory stays.
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
    /// How often the kernel told of a socket that it had told of before in this reading.
    public private(set) var repeated = 0

    /// Positions in `sockets` of those in LISTEN.
    private var listeners: [Int32] = []
    /// Their inodes: several listeners may have the same address and port (SO_REUSEPORT).
    private var listenerInodes: Set<UInt64> = []
    /// Inodes of listeners that the kernel named for a peer, by the four-tuple from the listener's end.
    private var named: [FourTuple: UInt64] = [:]
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
        listenerInodes.removeAll(keepingCapacity: true)
        named.removeAll(keepingCapacity: true)
        for index in slots.indices { slots[index] = 0 }
        indexed = 0
        malformedLines = 0
        unknownStates = 0
        repeated = 0
    }

    /// Adds a socket as read; one that is there already is brought up to date in its place. Public so that tests and replays
    /// can build a snapshot by hand.
    public mutating func append(_ socket: KernelSocket) {
        guard let position = Int32(exactly: sockets.count), position < .max else { return }
        guard socket.state != .listen else {
            if socket.inode != 0, !listenerInodes.insert(socket.inode).inserted {
                repeated += 1
            } else {
                sockets.append(socket)
                listeners.append(position)
            }
            return
        }
        if (indexed + 1) * 2 > slots.count { grow() }
        guard let slot = slot(socket.local, socket.remote) else { return }
        guard slots[slot] != 0 else {
            indexed += 1
            sockets.append(socket)
            slots[slot] = position + 1
            return
        }
        let present = Int(slots[slot] - 1)
        // Of a socket and a TIME_WAIT, the socket is what lives: either came out of the other while the table was read.
        let isOlder = socket.state == .timeWait && sockets[present].state != .timeWait
        if Self.areOne(socket, sockets[present]) {
            repeated += 1
            if !isOlder { sockets[present] = socket }
        } else {
            sockets.append(socket)
            if !isOlder { slots[slot] = position + 1 }
        }
    }

    /// Adds a listener unless it is there already: look-ups name the same one for many peers.
    mutating func add(listener: KernelSocket) {
        if listener.inode == 0 || !listenerInodes.contains(listener.inode) { append(listener) }
    }

    /// The kernel named this listener for the tuple's destination.
    mutating func name(_ listener: KernelSocket, for tuple: FourTuple) { named[tuple] = listener.inode }

    /// Whether two rows with the same ends are one connection: the kernel's table has room for one only, but for sockets that
    /// are bound to different interfaces. TIME_WAITs and requests have no inode to tell by.
    private static func areOne(_ left: KernelSocket, _ right: KernelSocket) -> Bool {
        left.isIPv6 == right.isIPv6 && (left.inode == right.inode || left.inode == 0 || right.inode == 0)
    }

    /// The socket whose own end is `local` and whose peer is `remote`, or nil.
    ///
    /// If the kernel listed two (bound to different interfaces, or the later one took the former's place meanwhile), the one
    /// listed last. Listeners are never the answer.
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

    /// The listeners of which the kernel takes one for a SYN from `remote` to `local`: several have the same address with
    /// SO_REUSEPORT. The one that it named for this peer is the first.
    public func listeners(for local: SocketAddress, from remote: SocketAddress) -> [KernelSocket] {
        let all = listeners(for: local)
        guard all.count > 1 else { return all }
        let best = all.reduce(0) { max($0, Self.score($1, for: local)) }
        let equal = all.filter { Self.score($0, for: local) == best }
        let inode = named[FourTuple(source: local, destination: remote)]
        return equal.filter { $0.inode == inode } + equal.filter { $0.inode != inode }
    }

    private static func score(_ listener: KernelSocket, for local: SocketAddress) -> Int {
        guard listener.local.port == local.port else { return 0 }
        let bound = listener.local.address
        if bound == local.address { return 3 }
        if bound == .anyV4 && local.address.isV4 { return 2 }
        return bound == .anyV6 ? 1 : 0
    }

    // MARK: The index

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
        foldedProduct(value, 0x9e37_79b9_7f4a_7c15)
    }
}
