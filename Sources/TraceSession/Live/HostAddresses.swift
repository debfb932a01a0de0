// This host's addresses as the trace goes on: a container, a VPN or a failover brings new ones after its start.

import KernelSockets
import TCPModel

/// The addresses of this host, read again when a connection has an end that is not among them, and now and then.
///
/// What was the host's once stays so: the sockets that have the address stay in the tables, too, when an interface loses it.
struct HostAddresses {
    /// The least time between two readings, in nanoseconds: most connections have an end elsewhere.
    static let interval = Span.second
    /// The addresses are read again after so long in any case, in nanoseconds.
    static let routine = 5 * Span.second
    /// Readings may take no more than one part in this many of the time: a host may have thousands of addresses.
    static let share: Int64 = 200

    private var known = LocalAddresses([])
    private let clock: () -> Int64
    private let read: () -> LocalAddresses?
    private var hasStranger = false
    private var latest: Int64
    private var cost: Int64 = 0

    /// Reads them for the first time.
    init(
        clock: @escaping () -> Int64 = monotonicNow,
        read: @escaping () -> LocalAddresses? = { try? LocalAddresses.current() }
    ) {
        self.clock = clock
        self.read = read
        latest = clock()
        take()
    }

    /// Whether it is this host's.
    func contains(_ address: IPAddress) -> Bool { known.contains(address) }

    /// What is known now.
    var current: LocalAddresses { known }

    /// A new connection has these ends.
    mutating func note(_ tuple: FourTuple) {
        guard !hasStranger else { return }
        hasStranger = !known.contains(tuple.source.address) || !known.contains(tuple.destination.address)
    }

    /// Reads them again if that is due.
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
