// This host's addresses during a trace: a container, a VPN or a failover may add some after its start.

import KernelSockets
import TCPModel

/// This host's addresses, read again at intervals, and sooner when a connection has an endpoint that is not among them.
///
/// An address once seen stays known: sockets bound to it remain in the tables when an interface loses it.
struct HostAddresses {
    /// Minimum time between two readings, in nanoseconds: most connections have a remote endpoint.
    static let interval = Span.second
    /// Time after which the addresses are read again in any case, in nanoseconds.
    static let routine = 5 * Span.second
    /// Readings may take at most one part in this many of the time: a host may have thousands of addresses.
    static let share: Int64 = 200

    private var known = LocalAddresses([])
    private let clock: () -> Int64
    private let read: () -> LocalAddresses?
    private var hasStranger = false
    private var latest: Int64
    private var cost: Int64 = 0

    /// Reads the addresses for the first time.
    init(
        clock: @escaping () -> Int64 = monotonicNow,
        read: @escaping () -> LocalAddresses? = { try? LocalAddresses.current() }
    ) {
        self.clock = clock
        self.read = read
        latest = clock()
        take()
    }

    /// Whether the address belongs to this host.
    func contains(_ address: IPAddress) -> Bool { known.contains(address) }

    /// All addresses known so far.
    var current: LocalAddresses { known }

    /// Notes the endpoints of a new connection.
    mutating func note(_ tuple: FourTuple) {
        guard !hasStranger else { return }
        hasStranger = !known.contains(tuple.source.address) || !known.contains(tuple.destination.address)
    }

    /// Reads the addresses again if that is due.
    mutating func refresh() {
        let now = clock()
        guard now - latest >= max(hasStranger ? Self.interval : Self.routine, cost * Self.share) else { return }
        latest = now
        hasStranger = false
        take()
    }

    private mutating func take() {
        let start = clock()
        if let addresses = read() { known.formUnion(addresses) }
        cost = clock() - start
    }
}
