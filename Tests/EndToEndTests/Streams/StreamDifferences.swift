// Captures in which tcptrace finds another number of connections than tshark: reviewed, each with its reason.

/// One such capture.
struct StreamDifference {
    enum Reason: String {
        case linkType = "a link type that is not decoded: ARCNET, Juniper"
        case wireless = "802.11 frames inside, which are not decoded: CAPWAP data, an A-MSDU in GRE"
        case fragments =
            "fragments that are not complete, or contradict each other: tshark takes the ports from the first one"
        case damage =
            "a TCP header that ends beyond its packet: tshark lets it begin a stream, here the frame is damaged"
        case proxy =
            "tshark's SOCKS dissector counts what the proxy carries as a stream of its own; the segments are the same"
        case several = "several TCP headers in one frame, sampled by sFlow: packets that nobody can put into a stream"
        case attempts = "a SYN sent again after its RST is another attempt, here and in Zeek; tshark goes by the ISN"
        case incarnation = "a SYN-ACK with another ISN after both FINs is another connection; tshark's stream goes on"
        case forgedSyn = "a SYN inside the open connection changes nothing (RFC 5961 4); tshark begins a stream with it"
    }

    var capture: String
    /// How many connections tcptrace finds.
    var found: Int
    var reason: Reason

    static let all: [StreamDifference] = [
        .init(capture: "libpcap/tests/filter/arcnet-rfc1051-arp-icmp-http.pcap", found: 0, reason: .linkType),
        .init(capture: "tcpdump/arcnet-rfc1051-arp-icmp-http.pcap", found: 0, reason: .linkType),
        .init(capture: "tcpdump/bgp-aigp.pcap", found: 0, reason: .linkType),
        .init(capture: "ndpi/default/pcap/capwap_data.pcapng", found: 0, reason: .wireless),
        .init(capture: "zeek/tunnels/gre-aruba-amsdu.pcap", found: 0, reason: .wireless),
        .init(capture: "ndpi/default/pcap/fuzz-2006-09-29-28586.pcap", found: 36, reason: .fragments),
        .init(capture: "ndpi/default/pcap/ip_fragmented_garbage.pcap", found: 2, reason: .fragments),
        .init(capture: "tcpdump/bgp-bgp_capabilities_print-oobr-1.pcap", found: 0, reason: .fragments),
        .init(capture: "tcpdump/bgp-bgp_capabilities_print-oobr-2.pcap", found: 0, reason: .fragments),
        .init(capture: "tcpdump/rpki-rtr-oobr.pcap", found: 0, reason: .fragments),
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

    /// Our own captures in which tshark has another number of streams.
    static let ownCaptures: [String: Reason] = ["challenge-acks.pcapng": .forgedSyn]
}
