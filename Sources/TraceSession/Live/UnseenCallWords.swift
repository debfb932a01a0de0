// The closing remarks of a live trace on connect() calls of which it captured nothing.

import PacketSource
import TCPDiagnosis
import TCPModel
import TCPTimeline
import TimelineReport

/// Sentences on such calls, for standard error.
enum UnseenCallWords {
    /// The most groups of calls to list one by one.
    private static let most = 3

    /// Sentences on the calls; calls by the same process to the same address share one. `now` is the end of the trace;
    /// `isLocal` says whether this network namespace has an address.
    static func sentences(
        _ calls: [UnseenCall], now: Timestamp, isLocal: (IPAddress) -> Bool = { _ in true }
    ) -> [String] {
        var groups: [(call: UnseenCall, count: Int)] = []
        for call in calls {
            let same = groups.firstIndex { isSame($0.call, call) }
            if let same { groups[same].count += 1 } else { groups.append((call, 1)) }
        }
        var sentences = groups.prefix(most).map { sentence($0.call, $0.count, now, isLocal) }
        let rest = groups.dropFirst(most).reduce(0) { $0 + $1.count }
        if rest > 0 { sentences.append("\(counted(rest, "more call")) of connect() of which nothing was captured") }
        return sentences
    }

    private static func isSame(_ one: UnseenCall, _ other: UnseenCall) -> Bool {
        one.process?.pid == other.process?.pid && one.remote == other.remote && one.hadNoPort == other.hadNoPort
            && one.state == other.state && one.errno == other.errno && one.dropReason == other.dropReason
    }

    private static func sentence(
        _ call: UnseenCall, _ count: Int, _ now: Timestamp, _ isLocal: (IPAddress) -> Bool
    ) -> String {
        let name = call.process.map { "\(printable($0.command))[\($0.pid)]" } ?? "a process"
        let times = count == 1 ? "" : " \(count) times"
        if call.hadNoPort {
            return
                "\(name) called connect() to \(call.remote)\(times), and it failed before any SYN: EADDRNOTAVAIL, no port in"
                + " net.ipv4.ip_local_port_range is free for that destination (TIME_WAIT counts, too)"
        }
        // Events come from all network namespaces.
        let place = isLocal(call.local.address) ? "" : " (in another network namespace: none of this one's addresses)"
        let end = call.local.port == 0 ? "" : " from \(call.local)\(place)"
        return "\(name) called connect() to \(call.remote)\(end)\(times), and nothing of it was captured: "
            + states(call, now) + cause(call)
    }

    /// `SYN_SENT, CLOSED after 2.50s`.
    private static func states(_ call: UnseenCall, _ now: Timestamp) -> String {
        func span(to time: Timestamp) -> String { spanText(time.since(call.began), .measured) }
        if call.state == .synSent { return "in SYN_SENT for \(span(to: now))" }
        let between = call.isAnswered && call.state == .closed ? "it was answered, " : ""
        return "SYN_SENT, \(between)\(call.state.displayName) after \(span(to: call.since))"
    }

    private static func cause(_ call: UnseenCall) -> String {
        if let reason = call.dropReason {
            return "; the kernel dropped a packet of it: \(dropMeaning(reason))"
                + (call.errno.map { "; connect() = \(name(of: $0))" } ?? "")
        }
        if call.isAnswered { return "; its packets do not pass the traced interfaces (-i any traces all of them)" }
        switch call.errno {
        case .hostUnreachable:
            return "; connect() = EHOSTUNREACH: no neighbour answered (ARP, NDP), or a router reported it (ICMP)"
        case .networkUnreachable: return "; connect() = ENETUNREACH: there is no route"
        case .some(let errno):
            return "; connect() = \(name(of: errno))\(errno == .timedOut ? ", and \(unseen)" : "")"
        case nil: return "; \(unseen)"
        }
    }

    private static func name(of errno: LinuxErrno) -> String { errno.name.map { "\($0)" } ?? "errno \(errno.rawValue)" }

    /// Reasons why a SYN may not be seen, for calls without a reason from the kernel.
    static let unseen =
        "a firewall rule on this host drops its SYN on its way out, there is no route or no neighbour, or it leaves by another"
        + " interface"

    /// Sentences on a command without any activity: no event reports a call that finds no route, but a counter of the
    /// whole namespace does.
    static func sentences(noRoutes count: UInt64) -> [String] {
        guard count > 0 else { return [] }
        return [
            "no connect() by the command was seen, and a route was missing \(counted(count, "time")) during the trace (IpOutNoRoutes):"
                + " connect() = ENETUNREACH, as `ip route get ADDRESS` will show"
        ]
    }

    /// The sentence for a command that is in another network namespace than the trace.
    static let calledElsewhere =
        "the command called connect() in another network namespace, over the loopback interface there: --netns traces there"

    /// The sentence for a command without any sign of activity: none of its calls began.
    static func nothingBegan(hasPorts: Bool) -> String {
        "no connect() by the command\(hasPorts ? " to a port of the filter" : "") was seen: it made none, or it failed before any SYN, as"
            + " with an unreachable, prohibit or blackhole route: `ip route get ADDRESS` will show that"
    }

    /// Whether a filter would have let the SYN of such a call pass, as far as its endpoints decide.
    static func passes(_ filter: String, _ call: UnseenCall) -> Bool {
        // A filter on link headers cannot be evaluated.
        guard var filters = try? FilterSet(filter, linkType: .raw) else { return true }
        let syn = synOctets(call)
        let header = FrameHeader(
            time: call.began, capturedLength: UInt32(syn.count), originalLength: UInt32(syn.count), linkType: .raw)
        // The span is read only as raw octets, and only during the call.
        return filters.matches(header, unsafe syn.span.bytes)
    }

    /// The SYN as it would have been sent.
    private static func synOctets(_ call: UnseenCall) -> [UInt8] {
        func big(_ value: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
        }
        let (local, remote) = (call.local.address, call.remote.address)
        // Ports, both sequence numbers, 20 octets of header, SYN, the window; the checksum is not examined.
        let tcp =
            big(UInt64(call.local.port), 2) + big(UInt64(call.remote.port), 2) + big(0, 8) + [0x50, 0x02, 0xff, 0xff]
            + big(0, 4)
        if local.isV4 && remote.isV4 {
            return [0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0] + big(UInt64(local.v4), 4) + big(UInt64(remote.v4), 4)
                + tcp
        }
        return [0x60, 0, 0, 0, 0, 20, 6, 64] + big(local.high, 8) + big(local.low, 8) + big(remote.high, 8)
            + big(remote.low, 8) + tcp
    }
}
