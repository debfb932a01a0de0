// Address and port together, the directional four-tuple, and the flow key that both directions share.

/// One end's address and port.
public struct SocketAddress: Hashable, BitwiseCopyable, Sendable, CustomStringConvertible {
    /// The IP address.
    public var address: IPAddress
    /// The TCP port.
    public var port: UInt16

    /// The end at this address and port.
    @inlinable public init(_ address: IPAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    /// `127.0.0.1:9500` or `[::1]:9500`.
    public var description: String { address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)" }

    /// A fixed but arbitrary total order, which lets a flow key store its two ends in canonical order.
    @inlinable public func orders(before other: SocketAddress) -> Bool {
        if address.high != other.address.high { return address.high < other.address.high }
        if address.low != other.address.low { return address.low < other.address.low }
        return port < other.port
    }
}

/// The directional four-tuple of a segment: its sender and its receiver.
public struct FourTuple: Hashable, BitwiseCopyable, Sendable {
    /// The sender.
    public var source: SocketAddress
    /// The receiver.
    public var destination: SocketAddress

    /// The tuple of a segment from `source` to `destination`.
    @inlinable public init(source: SocketAddress, destination: SocketAddress) {
        self.source = source
        self.destination = destination
    }

    /// The same connection seen from the other side.
    @inlinable public var reversed: FourTuple { FourTuple(source: destination, destination: source) }
}

/// A four-tuple without direction: equal for both directions of a connection.
///
/// Both ends are (address, port) pairs, never addresses alone, because both addresses may be 127.0.0.1. Even the pairs
/// may be equal: in a self-connect (one socket connected to itself) the tuple says nothing about direction.
public struct FlowKey: Hashable, BitwiseCopyable, Sendable {
    /// The end that orders first.
    public var first: SocketAddress
    /// The other end.
    public var second: SocketAddress

    /// The key of the connection that `tuple` belongs to.
    @inlinable public init(_ tuple: FourTuple) {
        if tuple.destination.orders(before: tuple.source) {
            first = tuple.destination
            second = tuple.source
        } else {
            first = tuple.source
            second = tuple.destination
        }
    }

    /// Whether one socket is connected to itself.
    @inlinable public var isSelfConnect: Bool { first == second }
}
