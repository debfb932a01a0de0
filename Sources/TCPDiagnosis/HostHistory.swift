// Keeps, for a while, the moments in which this host's counters showed something that packets do not: connections are
// judged later.

import TCPModel
import TCPTimeline

/// The changes between two readings of the counters.
struct HostSpan: BitwiseCopyable {
    var from: Timestamp
    var to: Timestamp
    /// Valid SYN cookies that were received.
    var cookies: UInt64
    /// The total number of connections opened to this host.
    var opened: UInt64
    /// SYNs and last ACKs that found an accept queue full.
    var overflows: UInt64
    /// Bare final ACKs of handshakes that listeners with TCP_DEFER_ACCEPT ignored.
    var deferred: UInt64
    /// Packets that connection tracking dropped for lack of room.
    var untracked: UInt64
    /// SYNs that found a SYN queue full while SYN cookies were not sent.
    var crowded: UInt64
    /// TIME_WAIT sockets, including ownerless ones in FIN_WAIT_2, for which there was no room.
    var timeWaitOverflows: UInt64
}

/// What the counters show for the lifetime of one connection; nil means nothing.
struct HostMoments {
    /// The counts of SYN cookies around the moment at which the connection opened.
    var cookies: HostSpan?
    /// The number of accept queue overflows around the moment of the first SYN.
    var overflows: UInt64?
    /// The number of bare final ACKs that listeners ignored since that SYN (TCP_DEFER_ACCEPT).
    var deferred: UInt64?
    /// The number of packets for which connection tracking had no room since that SYN.
    var untracked: UInt64?
    /// The number of SYNs that found a SYN queue full, with no cookies allowed, since that SYN.
    var crowded: UInt64?
    /// The number of TIME_WAIT sockets for which there was no room, from the latest FIN until its socket had left
    /// FIN_WAIT_2.
    var timeWaitOverflows: UInt64?
}

/// The latest spans in which a counter of interest changed.
struct HostHistory {
    private var spans: [HostSpan] = []
    private static let limit = 256

    mutating func note(_ change: HostCounterChange) {
        guard spans.last?.to != change.to else { return }
        let cookies = change["TcpExtSyncookiesRecv"]
        let span = HostSpan(
            from: change.from, to: change.to, cookies: cookies, opened: max(cookies, change["TcpPassiveOpens"]),
            overflows: change["TcpExtListenOverflows"], deferred: change["TcpExtTCPDeferAcceptDrop"],
            untracked: change["ConntrackDrop"], crowded: change["TcpExtTCPReqQFullDrop"],
            timeWaitOverflows: change["TcpExtTCPTimeWaitOverflow"])
        let all = [
            span.cookies, span.overflows, span.deferred, span.untracked, span.crowded, span.timeWaitOverflows,
        ]
        guard all.contains(where: { $0 > 0 }) else { return }
        if spans.count >= Self.limit { spans.removeFirst() }
        spans.append(span)
    }

    /// What the counters show for a connection, up to `now`.
    func moments(of connection: Connection, _ file: CaseFile, now: Timestamp) -> HostMoments {
        var moments = HostMoments()
        guard !spans.isEmpty else { return moments }
        moments.cookies = connection.surelyOpenTime.flatMap { time in span(at: time) { $0.cookies } }
        let syn = file[.originator].syn
        if syn.isSeen {
            moments.overflows = span(at: syn.time) { $0.overflows }?.overflows
            moments.deferred = rise(from: syn.time, to: now) { $0.deferred }
            moments.untracked = rise(from: syn.time, to: now) { $0.untracked }
            moments.crowded = rise(from: syn.time, to: now) { $0.crowded }
        }
        if let end = file.earlyFinWait2 {
            moments.timeWaitOverflows = rise(from: end.fin, to: end.gone) { $0.timeWaitOverflows }
        }
        return moments
    }

    /// An upper bound on how much this counter rose from `start` to `end`, since whole spans are counted; nil if it did
    /// not rise.
    private func rise(from start: Timestamp, to end: Timestamp, _ counter: (HostSpan) -> UInt64) -> UInt64? {
        let sum = spans.reduce(UInt64(0)) { $1.to >= start && $1.from <= end ? $0 &+ counter($1) : $0 }
        return sum > 0 ? sum : nil
    }

    /// The span around `time`, if this counter changed in it.
    private func span(at time: Timestamp, _ counter: (HostSpan) -> UInt64) -> HostSpan? {
        spans.last { $0.from <= time && time <= $0.to && counter($0) > 0 }
    }
}
