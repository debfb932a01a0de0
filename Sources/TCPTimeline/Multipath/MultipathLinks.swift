// Which connections are subflows of one MPTCP connection (CASES H33, H34): MP_JOIN names it by a token of its keys.

import TCPModel

/// A connection that joined an MPTCP connection.
public struct MultipathSubflow: BitwiseCopyable, Sendable {
    /// The token by which its SYN named the connection that it joins.
    public let token: UInt32
    /// The connection whose MP_CAPABLE had the key for that token; nil if that was not captured.
    public let connection: ConnectionName?
}

/// The tokens seen so far. Empty without MPTCP.
struct MultipathLinks {
    /// The most tokens that are kept.
    private static let most = 65_536
    private var tokens: [UInt32: ConnectionName] = [:]

    /// Takes in a segment with MPTCP options.
    ///
    /// - Returns: what its connection joins with it; nil if it is not a SYN with MP_JOIN.
    mutating func take(_ segment: Segment, _ name: ConnectionName) -> MultipathSubflow? {
        let options = segment.options
        // Even before version and digest are agreed on, the key in a SYN is the initiator's.
        if options.has(.capable), options.multipathValue != 0 {
            if tokens.count >= Self.most { tokens.removeAll() }
            let token = MultipathToken.token(of: options.multipathValue, version: options.multipathDetail)
            if tokens[token] == nil { tokens[token] = name }
        }
        guard options.has(.join), segment.flags.has(.syn), !segment.flags.has(.ack) else { return nil }
        let token = UInt32(truncatingIfNeeded: options.multipathValue)
        return MultipathSubflow(token: token, connection: tokens[token])
    }
}
