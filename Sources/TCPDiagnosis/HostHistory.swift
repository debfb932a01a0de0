// The moments in which this host's counters told something that packets do not: kept for a while, as connections are judged later.

import TCPModel

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
            overflows: change["TcpExtListenOverflows"])
        guard span.cookies > 0 || span.overflows > 0 else { return }
        if spans.count >= Self.limit { spans.removeFirst() }
        spans.append(span)
    }

    /// The span around `time`, if this counter moved in it.
    func span(at time: Timestamp, _ counter: (HostSpan) -> UInt64) -> HostSpan? {
        spans.last { $0.from <= time && time <= $0.to && counter($0) > 0 }
    }
}
