// The two sides of a connection.

/// One of a connection's two sides.
public enum Side: UInt8, Sendable, BitwiseCopyable {
    /// The side that sent the SYN.
    case originator
    /// The side that answered it.
    case responder

    /// The role that it has in the output: client or server.
    public var roleName: StaticString { self == .originator ? "client" : "server" }

    /// The opposite side.
    @inlinable public var other: Side { self == .originator ? .responder : .originator }
}

/// A value for each side of a connection.
public struct PerSide<Value> {
    /// The originator's value.
    public var originator: Value
    /// The responder's value.
    public var responder: Value

    /// A value for each side.
    @inlinable public init(originator: Value, responder: Value) {
        self.originator = originator
        self.responder = responder
    }

    /// The same value for both sides.
    @inlinable public init(both value: Value) { self.init(originator: value, responder: value) }

    /// A side's value.
    @inlinable public subscript(side: Side) -> Value {
        get { side == .originator ? originator : responder }
        set { if side == .originator { originator = newValue } else { responder = newValue } }
    }
}

extension PerSide: Sendable where Value: Sendable {}
extension PerSide: BitwiseCopyable where Value: BitwiseCopyable {}
