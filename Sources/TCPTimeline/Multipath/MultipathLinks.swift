// Which connections are subflows of one MPTCP connection (CASES H33, H34): MP_JOIN names it by a token of its keys.

import TCPModel

/// A connection that joined an MPTCP connection.
public struct MultipathSubflow: BitwiseCopyable, Sendable {
    /// What its SYN called the connection that it joins.
    public let token: UInt32
    /// The connection whose MP_CAPABLE had the key of that token; nil if that was not captured, or is gone.
    public let connection: ConnectionID?
}

/// Tokens seen, and who joined by them. Empty without MPTCP.
struct MultipathLinks {
    private typealias Place = (place: ConnectionID, number: UInt64)

    /// Keys and subflows that are kept.
    private static let most = 65_536
    private var tokens: [UInt32: Place] = [:]
    /// By the subflow's number.
    private var subflows: [UInt64: (token: UInt32, parent: Place?)] = [:]

    /// Takes in a segment with MPTCP options, of connection `number` at `id`.
    mutating func note(_ segment: Segment, _ number: UInt64, at id: ConnectionID) {
        let options = segment.options
        // Before version and digest are agreed on, a SYN's key is the initiator's all the same.
        if options.has(.capable), options.multipathValue != 0 {
            if tokens.count >= Self.most { tokens.removeAll() }
            let token = MultipathToken.token(of: options.multipathValue, version: options.multipathDetail)
            if tokens[token] == nil { tokens[token] = (id, number) }
        }
        if options.has(.join), segment.flags.has(.syn), !segment.flags.has(.ack), subflows.count < Self.most {
            let token = UInt32(truncatingIfNeeded: options.multipathValue)
            subflows[number] = (token, tokens[token])
        }
    }

    func subflow(_ number: UInt64) -> (token: UInt32, place: ConnectionID?, parent: UInt64)? {
        guard !subflows.isEmpty, let found = subflows[number] else { return nil }
        return (found.token, found.parent?.place, found.parent?.number ?? 0)
    }

    mutating func forget(_ number: UInt64) {
        if !subflows.isEmpty { subflows[number] = nil }
    }
}
