// What the sockets of a connection have for their ends, where its packets have others on the wire (NAT).

public import TCPModel

/// One end of a connection as a socket has it, where a translation of addresses (NAT) lies between the socket and the capture.
public enum TranslatedEnd: Hashable, Sendable {
    /// The client's socket called this (DNAT).
    case called(SocketAddress)
    /// The client's socket is here (SNAT).
    case client(SocketAddress)
    /// The server's socket is here (DNAT).
    case served(SocketAddress)
    /// The server's socket has this for its client (SNAT).
    case caller(SocketAddress)
}

/// Both ends of both sockets of a connection, as far as they are others than on the wire.
public struct SocketEnds: BitwiseCopyable, Hashable, Sendable {
    /// What the client's socket called; nil: where its packets went.
    public private(set) var called: SocketAddress?
    /// Where the client's socket is; nil: where its packets came from.
    public private(set) var client: SocketAddress?
    /// Where the server's socket is; nil: where the packets went.
    public private(set) var served: SocketAddress?
    /// Whom the server's socket has for its client; nil: where the packets came from.
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

    /// Whether all are as on the wire.
    public var isEmpty: Bool { self == SocketEnds() }
}
