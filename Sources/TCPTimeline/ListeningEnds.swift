// Where programs of the traced host listen, which tells the server of a connection whose opening was not captured.

public import TCPModel

/// The ends at which the traced host listened when the trace began.
public struct ListeningEnds: Sendable {
    /// Where sockets listen; the address may be a wildcard.
    private var ends: Set<SocketAddress> = []
    /// The addresses of the host, which its wildcards stand for.
    private let hosts: Set<IPAddress>
    /// The most ends to know: a capture file may name any number.
    private static let limit = 65_536

    /// No ends yet.
    ///
    /// - Parameter hosts: the addresses of the host besides the loopback addresses.
    public init(of hosts: Set<IPAddress> = []) { self.hosts = hosts }

    /// Whether nothing is known to listen.
    @inline(__always) public var isEmpty: Bool { ends.isEmpty }

    /// Notes that a socket listens here.
    public mutating func insert(_ end: SocketAddress) {
        if ends.count < Self.limit { ends.insert(end) }
    }

    /// Whether the host listens at this end.
    public func contains(_ end: SocketAddress) -> Bool {
        if ends.contains(end) { return true }
        guard end.address.isLoopback || hosts.contains(end.address) else { return false }
        return ends.contains(SocketAddress(.anyV6, end.port))
            || end.address.isV4 && ends.contains(SocketAddress(.anyV4, end.port))
    }

    /// The four-tuple from client to server of a connection that begins with this segment, if one of its ends listens
    /// and the segment itself does not tell; else nil. A program may also connect from a port at which another listens.
    func tuple(from first: Segment) -> FourTuple? {
        guard !isEmpty, !first.flags.has(.syn), !first.refusesSyn else { return nil }
        let isServer = contains(first.tuple.source)
        if isServer == contains(first.tuple.destination) { return nil }
        return isServer ? first.tuple.reversed : first.tuple
    }
}

extension Timeline {
    /// Notes that the roles of a connection that begins with this segment are no guess, if a listener shows them.
    mutating func learnRoles(of id: ConnectionID, from first: Segment) {
        guard listening.tuple(from: first) == connections.store[id].tuple else { return }
        connections.store[id].facts.remove(.rolesGuessed)
    }
}
