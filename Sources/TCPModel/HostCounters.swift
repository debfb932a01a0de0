// The kernel's counters of one network namespace at one moment, and their changes between two moments: plain values.

/// TCP's counters of one network namespace (/proc/net/snmp, /proc/net/netstat) and its counts of missing routes, by
/// nstat's names: `TcpRetransSegs`, `TcpExtListenOverflows`. They cover everything in the namespace, not only what is
/// traced.
public struct HostCounters: Sendable {
    /// When they were read, on the clock that timestamps frames.
    public var time: Timestamp
    /// The values by name.
    public var values: [String: UInt64]

    /// Counters from their parts.
    public init(time: Timestamp, values: [String: UInt64]) {
        self.time = time
        self.values = values
    }

    /// One counter; nil if this kernel does not have it.
    public subscript(name: String) -> UInt64? { values[name] }

    /// Whether an octet may be part of a counter's name: a letter, digit or underscore.
    public static func isNameOctet(_ octet: UInt8) -> Bool {
        octet | 0x20 >= 0x61 && octet | 0x20 <= 0x7a || octet >= 0x30 && octet <= 0x39 || octet == 0x5f
    }

    /// Values that are settings or levels rather than counters: their difference means nothing.
    static let levels: Set<String> = ["TcpRtoAlgorithm", "TcpRtoMin", "TcpRtoMax", "TcpMaxConn", "TcpCurrEstab"]

    /// The counters that rose since `earlier`. A counter that is missing in either reading, or that went backwards, is
    /// left out.
    public func change(since earlier: HostCounters) -> HostCounterChange {
        var increases: [HostCounterChange.Increase] = []
        for (name, value) in values where !Self.levels.contains(name) {
            guard let before = earlier.values[name], value > before else { continue }
            increases.append(HostCounterChange.Increase(name: name, count: value - before))
        }
        increases.sort { $0.name < $1.name }
        return HostCounterChange(from: earlier.time, to: time, increases: increases)
    }
}

/// The counters that rose in a span of time.
public struct HostCounterChange: Sendable {
    /// One counter and by how much it rose.
    public struct Increase: Hashable, Sendable {
        /// Its name, as in `HostCounters`.
        public var name: String
        /// The increase; never 0.
        public var count: UInt64

        /// An increase from its parts.
        public init(name: String, count: UInt64) {
            self.name = name
            self.count = count
        }

        /// The meaning of the increase if the counter points to trouble; nil for other counters.
        public var trouble: String? { HostCounterTroubles.meanings[name] }
    }

    /// Start of the span.
    public var from: Timestamp
    /// End of the span.
    public var to: Timestamp
    /// The counters that rose, sorted by name.
    public var increases: [Increase]

    /// A change from its parts; the increases must be sorted by name.
    public init(from: Timestamp, to: Timestamp, increases: [Increase]) {
        self.from = from
        self.to = to
        self.increases = increases
    }

    /// How much a counter rose; 0 if it did not, or if no counter has that name.
    public subscript(name: String) -> UInt64 { increases.first { $0.name == name }?.count ?? 0 }

    /// The increases that point to trouble.
    public var troubles: [Increase] { increases.filter { $0.trouble != nil } }
}

/// The meanings of counters that point to trouble (Documentation/networking/snmp_counter.rst,
/// include/uapi/linux/snmp.h).
public enum HostCounterTroubles {
    /// A short description of each counter, by its name.
    public static let meanings: [String: String] = [
        "ConntrackDrop": "packets dropped: connection tracking had no room (nf_conntrack_max)",
        "IpOutNoRoutes": "packets and calls of connect() for which there was no route (ENETUNREACH)",
        "Ip6OutNoRoutes": "IPv6 packets and calls of connect() for which there was no route (ENETUNREACH)",
        "TcpAttemptFails": "connections that failed while being opened",
        "TcpEstabResets": "open sockets that a RST or a timeout ended (both ends, if both are here)",
        "TcpInErrs": "segments received with errors",
        "TcpOutRsts": "RSTs sent",
        "TcpRetransSegs": "segments retransmitted",
        "TcpExtListenDrops": "SYNs and last ACKs that listeners dropped",
        "TcpExtListenOverflows": "SYNs and last ACKs dropped: an accept queue was full",
        "TcpExtPFMemallocDrop": "segments dropped: memory was short",
        "TcpExtPAWSTimewait": "segments with a timestamp too old for a TIME_WAIT",
        "TcpExtPruneCalled": "receive queues shrunk: memory was short",
        "TcpExtRcvPruned": "segments dropped: a receive buffer was full",
        "TcpExtSyncookiesFailed": "SYN cookies that came back wrong",
        "TcpExtSyncookiesRecv": "SYN cookies that came back right",
        "TcpExtSyncookiesSent": "SYN cookies sent: a SYN queue was full, or tcp_syncookies is 2",
        "TcpExtTCPAbortFailed": "RSTs that could not be sent: no memory, a firewall rule, or no route",
        "TcpExtTCPAbortOnClose": "RSTs: closed with unread data",
        "TcpExtTCPAbortOnData": "RSTs: data came for a closed socket, or SO_LINGER 0",
        "TcpExtTCPAbortOnLinger": "RSTs: FIN_WAIT_2 was forbidden (TCP_LINGER2)",
        "TcpExtTCPAbortOnMemory": "RSTs: too many orphans, or memory was short",
        "TcpExtTCPAbortOnTimeout": "connections given up for lack of an answer",
        "TcpExtTCPBacklogDrop": "segments dropped: a busy process held its socket",
        "TcpExtTCPChallengeACK": "challenge ACKs: a SYN, RST or ACK was not acceptable",
        "TcpExtTCPDeferAcceptDrop": "bare last ACKs ignored: their listener uses TCP_DEFER_ACCEPT",
        "TcpExtTCPLossProbes": "tail loss probes: the last segment was retransmitted early",
        "TcpExtTCPMD5Failure": "segments with a wrong signature",
        "TcpExtTCPMTUPFail": "probes for a larger path MTU that were lost (RFC 4821)",
        "TcpExtTCPMTUPSuccess": "probes for a larger path MTU that got through (RFC 4821)",
        "TcpExtTCPMemoryPressures": "times that TCP came under memory pressure (second value of tcp_mem)",
        "TcpExtTCPReqQFullDoCookies": "SYNs answered with cookies: a SYN queue was full, or tcp_syncookies is 2",
        "TcpExtTCPReqQFullDrop": "SYNs dropped: a SYN queue was full",
        "TcpExtTCPSpuriousRTOs": "timeouts that turned out to be needless",
        "TcpExtTCPSynRetrans": "SYNs and SYN-ACKs retransmitted",
        "TcpExtTCPTimeWaitOverflow": "TIME_WAITs skipped: there were too many",
        "TcpExtTCPTimeouts": "retransmission timeouts",
        "TcpExtTCPZeroWindowDrop": "segments dropped: the window was closed",
        "TcpExtTCPRcvQDrop": "segments dropped: a receive queue was full",
    ]
}
