// All TCP sockets of one reading, with look-ups of sockets by four-tuple and of listeners, and the time of the reading.

public import TCPModel

/// The contents of the kernel's TCP tables in one reading.
///
/// The tables change while they are being read: the kernel may leave a socket out, or report one twice if its hash
/// chain changes ahead of it. Duplicates are removed. Two rows may reflect different moments between `readBegan` and
/// `readEnded`. A snapshot is meant to be reused for many readings, and keeps its memory.
public struct SocketSnapshot: Sendable {
    /// The sockets in the kernel's order, IPv4 first.
    public private(set) var sockets: [KernelSocket] = []
    /// The wall clock just before the reading began (CLOCK_REALTIME, the clock of packet time stamps).
    public internal(set) var readBegan = Timestamp(nanoseconds: 0)
    /// The wall clock just after the reading ended.
    public internal(set) var readEnded = Timestamp(nanoseconds: 0)
    /// The duration of the reading, in nanoseconds of the monotonic clock.
    public internal(set) var readNanoseconds: Int64 = 0
    /// Lines left out because they were truncated or are not socket lines.
    public internal(set) var malformedLines = 0
    /// Sockets left out because their state is unknown to this program.
    public internal(set) var unknownStates = 0
    /// The number of rows that repeated a socket already reported in this reading.
    public private(set) var repeated = 0

    /// Positions in `sockets` of the sockets in LISTEN.
    private var listeners: [Int32] = []
    /// The listeners' inodes: several listeners may share an address and port (SO_REUSEPORT).
    private var listenerInodes: Set<UInt64> = []
    /// The inode of the listener that the kernel chose for a peer, by four-tuple with the listener's end as its source.
    private var named: [FourTuple: UInt64] = [:]
    /// A hash table with open addressing: positions in `sockets` plus one, 0 = free. Its count is a power of two, or 0
    /// before first use.
    private var slots: [Int32] = []
    private var indexed = 0

    /// An empty snapshot.
    public init() {}

    /// Whether the snapshot has no sockets.
    public var isEmpty: Bool { sockets.isEmpty }

    /// Removes the sockets but keeps the memory.
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

    /// Adds a socket as read, or updates it in place if it is already there. Public so that tests and replays can build
    /// snapshots.
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
        // Of a socket and its TIME_WAIT row, the socket is the live one: one became the other while the table was being
        // read.
        let isOlder = socket.state == .timeWait && sockets[present].state != .timeWait
        if Self.areOne(socket, sockets[present]) {
            repeated += 1
            if !isOlder { sockets[present] = socket }
        } else {
            sockets.append(socket)
            if !isOlder { slots[slot] = position + 1 }
        }
    }

    /// Adds a listener unless it is already there: look-ups for many peers return the same one.
    mutating func add(listener: KernelSocket) {
        if listener.inode == 0 || !listenerInodes.contains(listener.inode) { append(listener) }
    }

    /// Records that the kernel chose this listener for the peer at the tuple's destination.
    mutating func name(_ listener: KernelSocket, for tuple: FourTuple) { named[tuple] = listener.inode }

    /// Whether two rows with the same ends are one connection. The kernel's table holds only one socket per four-tuple,
    /// except for sockets bound to different interfaces. TIME_WAIT sockets and connection requests have no inode to
    /// distinguish them.
    private static func areOne(_ left: KernelSocket, _ right: KernelSocket) -> Bool {
        left.isIPv6 == right.isIPv6 && (left.inode == right.inode || left.inode == 0 || right.inode == 0)
    }

    /// The socket whose own end is `local` and whose peer is `remote`, or nil.
    ///
    /// If the kernel listed two (bound to different interfaces, or one replaced the other during the reading), the one
    /// listed last is returned. Listeners are never returned.
    public func socket(local: SocketAddress, remote: SocketAddress) -> KernelSocket? {
        guard let slot = slot(local, remote) else { return nil }
        let position = slots[slot]
        return position == 0 ? nil : sockets[Int(position - 1)]
    }

    /// The listener to which a SYN to `local` goes, or nil.
    ///
    /// This follows Linux's choice: the listener bound to exactly this address, else the wildcard of the same family,
    /// else `[::]`, which accepts IPv4 as well (unless it is IPV6_V6ONLY, which /proc does not show). With SO_REUSEPORT
    /// several are equally good: the first one listed is returned, and `listeners(for:)` has them all.
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

    /// The listeners that are equally good for a SYN from `remote` to `local`: with SO_REUSEPORT several share an
    /// address. If the kernel has named its choice for this peer, that one comes first.
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

    /// The slot that holds this four-tuple, or else the free slot where it belongs; nil if there are no slots yet.
    private func slot(_ local: SocketAddress, _ remote: SocketAddress) -> Int? {
        guard !slots.isEmpty else { return nil }
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: Self.hash(local, remote)) & mask
        // At most half of the slots are occupied, so the search always reaches a free one.
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
        foldedProduct(value, HashFactor.golden)
    }
}
