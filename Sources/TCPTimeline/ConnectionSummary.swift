// What a table's row says about a connection.

public import TCPModel

/// A few facts about a connection, read from the table without copying the rest: see `Connection` for what they mean.
public struct ConnectionSummary: Sendable {
    /// From the originator to the responder.
    public let tuple: FourTuple
    /// Whether it is a guess which of them is which.
    public let areRolesGuessed: Bool
    /// Nanoseconds from the first SYN to the first ACK of the SYN-ACK; negative if unknown.
    public let handshakeTime: Int64
    /// Nanoseconds from the first to the latest segment.
    public let duration: Int64
    /// Octets of text that the originator sent.
    public let originatorBytes: UInt64
    /// Octets of text that the responder sent.
    public let responderBytes: UInt64
    /// What became of it.
    public let outcome: Outcome
    /// Zeek's conn_state.
    public let zeekState: StaticString
    /// Who ended it.
    public let closer: Side?
    /// Whether an ICMP error ended the originator's attempt.
    public let isUnreachable: Bool

    @inline(__always) init(_ hot: borrowing HotPart) {
        tuple = hot.tuple
        areRolesGuessed = hot.facts.contains(.rolesGuessed)
        handshakeTime = hot.handshake.measured
        duration = hot.duration
        originatorBytes = hot.sides[0].uniqueBytes
        responderBytes = hot.sides[1].uniqueBytes
        outcome = hot.outcome
        zeekState = hot.zeekConnectionState
        closer = hot.closer
        isUnreachable = hot.isUnreachable
    }
}

extension Connection {
    /// What a table's row says about it.
    public var summary: ConnectionSummary { ConnectionSummary(hot) }
}
