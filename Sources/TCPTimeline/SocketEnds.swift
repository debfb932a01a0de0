// The ends of a connection's sockets, if its packets have others on the wire (NAT).

public import TCPModel

/// One end of a connection as a socket has it, if address translation (NAT) lies between the socket and the capture.
public enum TranslatedEnd: Hashable, Sendable {
    /// The client's socket called this address (DNAT).
    case called(SocketAddress)
    /// The client's socket has this address (SNAT).
    case client(SocketAddress)
    /// The server's socket has this address (DNAT).
    case served(SocketAddress)
    /// The server's socket has this address for its client (SNAT).
    case caller(SocketAddress)
}

/// Both ends of both sockets of a connection, as far as they differ from the wire.
public struct SocketEnds: BitwiseCopyable, Hashable, Sendable {
    /// The address that the client's socket called; nil: where its packets went.
    public private(set) var called: SocketAddress?
    /// The address of the client's socket; nil: where its packets came from.
    public private(set) var client: SocketAddress?
    /// The address of the server's socket; nil: where the packets went.
    public private(set) var served: SocketAddress?
    /// The client's address as the server's socket has it; nil: where the packets came from.
    public private(set) var caller: SocketAddress?

    init() {}

    mutating func note(_ end: TranslatedEnd) {
        switch end {
        case .called(let address): called = address
        case .client(let address): client = address
        case .served(let address): served = address
        case .caller(let address): caller = address
        }
    }

    /// Whether all ends are as on the wire.
    public var isEmpty: Bool { self == SocketEnds() }
}
