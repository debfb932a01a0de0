// The two sides of a connection.

/// One of a connection's two sides.
public enum Side: UInt8, Sendable, BitwiseCopyable {
    /// Who sent the SYN.
    case originator
    /// Who answered it.
    case responder

    /// The other one.
    @inlinable public var other: Side { self == .originator ? .responder : .originator }
}
