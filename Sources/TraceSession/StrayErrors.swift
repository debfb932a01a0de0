// ICMP errors about segments that were never captured: their number, and the first of them.

import TCPModel

/// ICMP errors about unknown connections. The first one is described: a SYN whose ARP request goes unanswered never
/// reaches the wire, and its own host's ICMP error is the only trace of it.
struct StrayErrors: BitwiseCopyable, Sendable {
    private(set) var count: UInt64 = 0
    private var first: (frame: UInt64, error: ICMPError)?

    mutating func note(_ error: ICMPError, frame: UInt64) {
        count &+= 1
        if first == nil { first = (frame, error) }
    }

    /// Adds the errors of another part of the same frames.
    mutating func add(_ other: StrayErrors) {
        count &+= other.count
        if let theirs = other.first, first.map({ theirs.frame < $0.frame }) ?? true { first = theirs }
    }

    /// A sentence about them; nil if there were none.
    var sentence: String? {
        guard let (frame, error) = first else { return nil }
        let what =
            "\(error.kind.displayName) from \(error.sender), about a segment from \(error.quoted.source) to"
            + " \(error.quoted.destination)"
        return count == 1
            ? "1 frame was an ICMP error about no known connection: frame \(frame), \(what)"
            : "\(count) frames were ICMP errors about no known connection; the first is frame \(frame): \(what)"
    }
}
