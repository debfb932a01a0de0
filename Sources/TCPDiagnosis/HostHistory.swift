// The moments in which this host's counters told something that packets do not: kept for a while, as connections are judged later.

import TCPModel
import TCPTimeline

/// What moved between two readings of the counters.
struct HostSpan: BitwiseCopyable {
    var from: Timestamp
    var to: Timestamp
    /// SYN cookies that came back right.
    var cookies: UInt64
    /// Connections that were opened to this host, in all.
    var opened: UInt64
    /// SYNs and last ACKs that found an accept queue full.
    var overflows: UInt64
    /// Bare last ACKs of handshakes that listeners with TCP_DEFER_ACCEPT did not heed.
    var deferred: UInt64
    /// Packets that connection tracking had no room for.
    var untracked: UInt64
    /// SYNs that found a SYN queue full where no cookies are sent.
    var crowded: UInt64
    /// TIME_WAITs, and FIN_WAIT_2 of sockets without an owner, that there was no room for.
    var timeWaitOverflows: UInt64
}

/// What the counters tell of the time of one connection; nil stands for nothing.
struct HostMoments {
    /// What is known of SYN cookies in the moment when it opened.
    var cookies: HostSpan?
    /// How often an accept queue was full in the moment of the first SYN.
    var overflows: UInt64?
    /// How many bare last ACKs of handshakes listeners did not heed since that SYN (TCP_DEFER_ACCEPT).
    var deferred: UInt64?
    /// How many packets connection tracking had no room for since then.
    var untracked: UInt64?
    /// How many SYNs found a SYN queue full, and no cookies allowed, since then.
    var crowded: UInt64?
    /// How many TIME_WAIT sockets there was no room for from the latest FIN until its socket was gone from FIN_WAIT_2.
    var timeWaitOverflows: UInt64?
}

/// The latest spans in which something of interest moved.
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

    /// What the counters tell of a connection, up to `now`.
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

    /// By how much this counter rose from one time to another, and at most in the spans around both; nil for not at all.
    private func rise(from start: Timestamp, to end: Timestamp, _ counter: (HostSpan) -> UInt64) -> UInt64? {
        let sum = spans.reduce(UInt64(0)) { $1.to >= start && $1.from <= end ? $0 &+ counter($1) : $0 }
        return sum > 0 ? sum : nil
    }

    /// The span around `time`, if this counter moved in it.
    private func span(at time: Timestamp, _ counter: (HostSpan) -> UInt64) -> HostSpan? {
        spans.last { $0.from <= time && time <= $0.to && counter($0) > 0 }
    }
}
