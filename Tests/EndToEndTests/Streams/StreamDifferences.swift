// Captures in which tcptrace and tshark find different numbers of connections: reviewed, each with its reason.

/// One such capture.
struct StreamDifference {
    enum Reason: String {
        case damage =
            "a TCP header shorter than 20 octets or longer than its packet: tshark lets it begin a stream, hosts drop it"
        case proxy =
            "tshark's SOCKS dissector counts what the proxy carries as a stream of its own; the segments are the same"
        case several = "several TCP headers in one frame, sampled by sFlow: packets that nobody can put into a stream"
        case attempts = "a SYN sent again after its RST is another attempt, here and in Zeek; tshark goes by the ISN"
        case incarnation = "a SYN-ACK with another ISN after both FINs is another connection; tshark's stream goes on"
        case announced = "a connection that an FTP command announced: tshark forgets the SYN's bit"
        case lengthBeyondFrame = "the IP length is beyond the end of the frame: its word is taken here, not by tshark"
        case compressed = "compressed payload (IPComp) is not expanded here: not tshark's fault"
        case forgedSyn = "a SYN inside the open connection changes nothing (RFC 5961 4); tshark begins a stream with it"
    }

    var capture: String
    /// The number of connections that tcptrace finds.
    var found: Int
    var reason: Reason

    static let all: [StreamDifference] = [
        .init(capture: "ndpi/default/pcap/fuzz-2006-09-29-28586.pcap", found: 36, reason: .damage),
        .init(capture: "ndpi/default/pcap/ip_fragmented_garbage.pcap", found: 2, reason: .damage),
        .init(capture: "pcapplusplus/Packet++Test/PacketExamples/tcp-malformed.pcap", found: 0, reason: .damage),
        .init(capture: "ndpi/default/pcap/socks.pcap", found: 4, reason: .proxy),
        .init(capture: "ndpi/default/pcap/tls_heur__shadowsocks-tcp.pcapng", found: 3, reason: .proxy),
        .init(capture: "ndpi/default/pcap/tls_heur__vmess-tcp-tls.pcapng", found: 3, reason: .proxy),
        .init(capture: "ndpi/default/pcap/tls_heur__vmess-tcp.pcapng", found: 3, reason: .proxy),
        .init(capture: "pcapplusplus/ExamplesTest/pcap_examples/tcp-reassembly.pcap", found: 1, reason: .several),
        .init(capture: "zeek/pop3/pop3.pcap", found: 11, reason: .attempts),
        .init(
            capture: "ndpi/default/pcap/ndpi_match_string_subprotocol__error.pcapng", found: 2, reason: .incarnation),
    ]

    /// Captures with the same connections, some of which differ in completeness.
    static let completeness: [String: Reason] = [
        "blitz-tcptrace/rawppp.pcap.gz": .announced,
        "zeek/ftp/ipv4.pcap": .announced,
        "tcpdump/kday4.pcap": .lengthBeyondFrame,
        "tcpdump/kday7.pcap": .lengthBeyondFrame,
        "libpcap/tests/filter/AH-IPcomp-IPv4.pcap": .compressed,
        "libpcap/tests/filter/AH-IPcomp-IPv6.pcap": .compressed,
    ]

    /// Our own captures in which tshark finds a different number of streams.
    static let ownCaptures: [String: Reason] = ["challenge-acks.pcapng": .forgedSyn]
}
