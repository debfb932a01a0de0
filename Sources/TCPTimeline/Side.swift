// The two sides of a connection.

/// One of a connection's two sides.
public enum Side: UInt8, Sendable, BitwiseCopyable {
    /// The side that sent the SYN.
    case originator
    /// The side that answered it.
    case responder

    /// The opposite side.
    @inlinable public var other: Side { self == .originator ? .responder : .originator }
}
