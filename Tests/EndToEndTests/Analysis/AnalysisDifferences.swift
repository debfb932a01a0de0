// The known differences between tcptrace's analysis and tshark's: reviewed, each with its reason. The test fails on any
// other difference, and on a listed one that no longer occurs.

/// Frames of one capture that the two programs analyse differently, and why.
struct AnalysisDifference {
    enum Reason: String {
        /// Copies of segments in FabricPath frames: tshark sees four octets less of text in them.
        case fabricPathChecksum =
            "tshark takes the last four octets of a FabricPath frame for its checksum, not for text"
        /// tshark lets a header that ends beyond its packet begin a conversation; tcptrace refuses the frame.
        case damagedSegment = "a segment before it is damaged, and tshark takes something from it"
        /// The IP header claims more octets than the frame has: tcptrace believes it, tshark does not.
        case lengthBeyondFrame = "the IP length of this or an earlier frame is beyond the end of the frame"
        /// At most 10,000 unacknowledged segments are remembered.
        case manyUnacknowledged = "tshark follows no more than 10,000 segments without an ACK"
        /// Hosts drop such a packet. tshark reads none of it; tcptrace skips the options by the header length.
        case badOption = "an IP option of an impossible length in this or an earlier frame"
        /// Not tshark's fault.
        case compressed = "compressed payload (IPComp) before it, which tshark expands"
        /// In its second pass tshark compares a SYN-ACK with the ISN of a later one.
        case secondPass = "tshark's second pass knows the ISN of a later SYN-ACK"
    }

    var capture: String
    var frames: [Int]
    var reason: Reason

    static let all: [AnalysisDifference] = [
        .init(capture: "ndpi/default/pcap/KakaoTalk_chat.pcap", frames: [42], reason: .secondPass),
        .init(
            capture: "ndpi/default/pcap/ajp.pcap", frames: [3, 6, 8, 10, 13, 15, 16, 22, 25, 29],
            reason: .fabricPathChecksum),
        .init(capture: "ndpi/default/pcap/fuzz-2006-09-29-28586.pcap", frames: [40, 42, 43], reason: .damagedSegment),
        .init(capture: "ndpi/default/pcap/fuzz-2006-09-29-28586.pcap", frames: [81], reason: .lengthBeyondFrame),
        .init(capture: "ndpi/default/pcap/tls_invalid_reads.pcap", frames: [6, 7, 8], reason: .lengthBeyondFrame),
        .init(capture: "tcpdump/kday4.pcap", frames: [10], reason: .lengthBeyondFrame),
        .init(capture: "tcpdump/kday7.pcap", frames: [10], reason: .lengthBeyondFrame),
        .init(
            capture: "suricata-verify/firewall/tcp-session-decode-malformed-ipv4/input.pcap", frames: [8, 9],
            reason: .badOption),
        .init(capture: "libpcap/tests/filter/AH-IPcomp-IPv4.pcap", frames: [6, 8, 9], reason: .compressed),
        .init(capture: "libpcap/tests/filter/AH-IPcomp-IPv6.pcap", frames: [8, 13, 14], reason: .compressed),
        .init(
            capture: "zeek/contentline/rlogin-long-client-user-no-nul.pcapng.gz", frames: [13987],
            reason: .manyUnacknowledged),
        .init(
            capture: "zeek/contentline/rsh-long-client-user-no-nul.pcapng.gz", frames: [13987],
            reason: .manyUnacknowledged),
        .init(
            capture: "zeek/contentline/telnet-long-line-no-eol.pcapng.gz", frames: [13987], reason: .manyUnacknowledged),
    ]

    /// Captures in which this many frames differ, all for one reason.
    static let captures: [String: (frames: Int, reason: Reason)] = [
        "blitz-tcptrace/6syns.dmp.gz": (42, .lengthBeyondFrame),
        "blitz-tcptrace/long_rtt.dmp.gz": (23, .lengthBeyondFrame),
        "blitz-tcptrace/tcpudp.dmp.gz": (4, .lengthBeyondFrame),
        "zeek/cisco-fabric-path.pcap": (16, .fabricPathChecksum),
    ]
}
