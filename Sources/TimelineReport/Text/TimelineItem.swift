// What a connection has to print: rows, and the notes between them.

import TCPModel
import TCPTimeline

/// Something to print for a connection.
enum TimelineItem {
    /// A row with its place in the sequence, and the excerpt of its frame to show.
    case row(TimelineRow, KeptExcerpt?)
    /// A remark across the lane.
    case note(TimelineNote)

    /// An upper bound on the memory used by its excerpt, in octets.
    var excerptSize: Int { if case .row(_, let excerpt?) = self { excerpt.size } else { 0 } }
}

/// A remark across the lane.
enum TimelineNote {
    /// One side has closed and the other may still send; with the time, or nil at the end.
    case halfClosed(stillSending: Side, at: Timestamp?)
    /// Nothing happened for this long (in nanoseconds).
    case idle(Int64)
    /// No SYN was seen.
    case midstream
    /// Rows that were left out, with the number of their segments.
    case elided(rows: Int, segments: UInt64)
    /// This is another connection, with this number, seen behind an address translation.
    case translated(UInt64)
    /// The client called this address, and its host redirected it to the server.
    case redirected(SocketAddress)
    /// An earlier retransmission turned out to have been needless.
    case notNeeded(RetransmissionRecord)
    /// This subflow joined an MPTCP connection by this token; with the number of the connection that has the token, or
    /// 0.
    case subflow(token: UInt32, of: UInt64)
    /// A kernel event.
    case kernel(KernelEvent)
    /// The kernel reported what the capture lacks. With the states to which that had brought the reported end and the
    /// other one; `.unseen` = no new state.
    case uncaptured(KernelEvent, own: TCPState, peer: TCPState)
    /// An ICMP error came.
    case icmp(ICMPEvent)
}
