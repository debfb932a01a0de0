// The differences between --long and classic tcptrace 6.6.7, and which of them is right: the only list, and a reviewed
// one.

/// A known difference.
struct ClassicDifference: Sendable {
    /// The affected fields; nil for all.
    var fields: Set<String>?
    /// The affected capture; nil for any.
    var capture: String?
    /// Why they differ.
    var reason: String
    /// Whether two values differ in the way that the reason describes.
    var explains: @Sendable (_ classic: String, _ ours: String, _ isComplete: Bool) -> Bool

    init(
        _ fields: Set<String>?, in capture: String? = nil, _ reason: String,
        _ explains: @escaping @Sendable (String, String, Bool) -> Bool = { _, _, _ in true }
    ) {
        self.fields = fields
        self.capture = capture
        self.reason = reason
        self.explains = explains
    }

    static let all = [
        ClassicDifference(
            nil, in: "hardware_dups.dmp",
            "classic names hardware duplicates, and counts them as retransmissions all the same; here they count once"),
        ClassicDifference(
            nil, in: "stale-close-wait.pcapng",
            "on loopback classic splits connections in two and mixes incarnations of a four-tuple"),
        ClassicDifference(
            nil, in: "challenge-acks.pcapng",
            "classic takes the numbers of forged segments, which no receiver heeds, into the stream"),
        ClassicDifference(
            ["duplicate acks"], in: "mtu-black-hole.pcapng",
            "an ACK with new SACK is a duplicate though its window changes (RFC 6675 2); to classic it is none"
        ) { classic, ours, _ in classic == "0" && ours == "1" },
        ClassicDifference(
            [
                "RTT samples", "min non-zero owin", "max owin", "avg owin", "min win adv", "max win adv", "avg win adv",
                "max # retrans",
            ], in: "self-connect.pcapng",
            "one socket sends and acknowledges: classic credits its ACKs and windows to the side that sends nothing"),
        ClassicDifference(
            ["outoforder pkts", "missed data", "ttl stream length"],
            in: "single_byte_rexmit.dmp",
            "classic takes the number of the last RST into the stream and no FIN that fills a hole for out of order"),
        ClassicDifference(
            ["hardware dups", "ttl stream length", "missed data"], in: "time-wait-assassination.pcapng",
            "an old segment comes again after 100 ms, with the identification of the first: to classic a copy made by hardware; and"
                + " it takes the number of the last RST into the stream"),
        ClassicDifference(
            ["RTT full_sz smpls", "RTT full_sz min", "RTT full_sz max", "RTT full_sz avg", "RTT full_sz stdev"],
            "classic takes a segment of one octet for one of 2^32 - 1: its full-sized segments are SYN and FIN"),
        ClassicDifference(["avg segm size"], "classic divides by n + 0.001 and cuts") { classic, ours, _ in
            1...2 ~= (Int(ours) ?? 0) - (Int(classic) ?? 0)
        },
        ClassicDifference(
            ["RTT avg", "RTT avg (last)", "avg retr time"], "classic divides by n + 0.001"
        ) { classic, ours, _ in
            guard let classic = Double(classic), let ours = Double(ours) else { return false }
            return classic < ours && ours - classic <= ours * 0.001 + 0.051
        },
        ClassicDifference(
            ["RTT stdev", "RTT sdv (last)", "sdv retr time"], "classic gives no deviation of two samples"
        ) { classic, _, _ in classic == "0.0" },
        ClassicDifference(["RTT min"], "classic takes a least time of 0 for one not set") { _, ours, _ in
            ours == "0.000"
        },
        ClassicDifference(["mss requested"], "classic keeps the MSS of loopback in a signed 16-bit number") {
            classic, ours, _ in classic == "4294967255" && ours == "65495"
        },
        ClassicDifference(
            ["idletime max"], "classic counts the silence up to the end of the capture if a connection did not close"
        ) { classic, ours, isComplete in
            guard let classic = Double(classic), let ours = Double(ours) else { return false }
            return !isComplete && classic > ours
        },
        ClassicDifference(
            ["duplicate acks", "triple dupacks"],
            "classic counts every ACK that ends where one before did, answers to keep-alives and text of the other side"
                + " included; here it is RFC 5681's duplicate ACK"
        ) { classic, ours, _ in (Int(ours) ?? .max) < (Int(classic) ?? 0) },
        ClassicDifference(
            ["truncated data", "truncated packets"],
            "classic also counts what a frame lacks that the capture says was whole: it was not cut here"
        ) { classic, ours, _ in (Int(ours) ?? .max) < (Int(classic) ?? 0) },
        ClassicDifference(["adv wind scale"], "classic shows 0 where only one side offered; here it is the offer") {
            classic, ours, _ in classic == "0" && ours != "0"
        },
        ClassicDifference(["wavg owin"], "classic cuts each weighted sample to whole octets; the sum is too small") {
            classic, ours, _ in (Int(ours) ?? -1) > (Int(classic) ?? 0)
        },
        ClassicDifference(
            ["segs cum acked"], in: "path-mtu.pcapng",
            "what a router refused is sent again in two pieces, and an ACK ends with the first: classic, which never cuts a segment,"
                + " takes it for the ACK of a later one"
        ) { classic, ours, _ in classic == "2" && ours == "1" },
        ClassicDifference(
            ["ttl stream length", "missed data"], in: "write-to-closed-peer.pcapng",
            "classic takes the number of the client's RST, which follows its FIN, into the stream"),
    ]

    /// Captures in which only one of the two programs knows a connection by these addresses, and why.
    static let connections = [
        "ipv6.pcapng": "classic prints ::1 as :0001",
        "stale-close-wait.pcapng": "classic splits the connection",
    ]
}
