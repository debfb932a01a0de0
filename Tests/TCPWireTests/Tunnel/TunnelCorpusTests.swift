// Captures with tunnels and layered links: the segments and four-tuples equal those of tshark, or a difference has a
// reason.

import CaptureBuilding
import Foundation
import TCPModel
import TCPWire
import Testing

@Suite("Corpus of tunnels", .enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS to a directory of them"))
struct TunnelCorpusTests {
    static let files: [String] = [
        "libpcap/tests/filter/AH-IPcomp-IPv4.pcap",
        "libpcap/tests/filter/AH-IPcomp-IPv6.pcap",
        "ndpi/default/pcap/ajp.pcap",
        "ndpi/default/pcap/capwap_data.pcapng",
        "ndpi/default/pcap/http_origin_different_than_host.pcap",
        "ndpi/default/pcap/ja3_lots_of_cipher_suites_2_anon.pcap",
        "ndpi/default/pcap/reasm_segv_anon.pcapng",
        "ndpi/default/pcap/tls_change_cipher.pcap",
        "ndpi/default/pcap/tls_invalid_reads.pcap",
        "ndpi/default/pcap/vxlan.pcap",
        "pcapplusplus/ExamplesTest/pcap_examples/tcp-reassembly.pcap",
        "pcapplusplus/Pcap++Test/PcapExamples/one_http_stream_rst.pcap",
        "suricata-verify/defrag/bug-6887-defrag-ppp-ipv4-tcp-syn/frag-ppp-ip-tcp-syn.pcap",
        "suricata-verify/defrag/bug-6887-defrag-ppp-ipv6-tcp/frag-ppp-ipv6-tcp.pcap",
        "suricata-verify/vxlan-non-zero-reserved-fields/input.pcap",
        "tcpdump/bgp_vpn_attrset.pcap",
        "tcpdump/arcnet-rfc1051-arp-icmp-http.pcap",
        "tcpdump/bgp-aigp.pcap",
        "tcpdump/geneve-gcp.pcap",
        "tcpdump/gso-ipv4-geneve-ipv4.pcap",
        "tcpdump/gso-ipv4-geneve-ipv6.pcap",
        "tcpdump/gso-ipv6-geneve-ipv4.pcap",
        "tcpdump/gso-ipv6-geneve-ipv6.pcap",
        "tcpdump/gso-ipv6-vxlan-ipv4.pcap",
        "tcpdump/gso-ipv6-vxlan-ipv6.pcap",
        "tcpdump/wccp_redirect_gre.pcap",
        "zeek/cisco-fabric-path.pcap",
        "zeek/erspan.pcap",
        "zeek/erspanI.pcap",
        "zeek/erspanIII.pcap",
        "zeek/mixed-vlan-mpls.pcap",
        "zeek/mpls-in-vlan.pcap",
        "zeek/tunnels/4in4.pcap",
        "zeek/tunnels/6in6-tunnel-change.pcap",
        "zeek/tunnels/ayiya3.pcap",
        "zeek/tunnels/geneve-47101.pcap",
        "zeek/tunnels/geneve-inner-tcp-bad-checksum.pcap",
        "zeek/tunnels/geneve-ipv6.pcap",
        "zeek/tunnels/geneve-many-options.pcap",
        "zeek/tunnels/geneve.pcap",
        "zeek/tunnels/gre-aruba-amsdu.pcap",
        "zeek/tunnels/gre-over-udp-4754.pcap",
        "zeek/tunnels/gre-pptp.pcap",
        "zeek/tunnels/gre-sample.pcap",
        "zeek/tunnels/gtp/gtp10_not_0xff.pcap",
        "zeek/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap",
        "zeek/tunnels/gtp/gtp2_different_udp_port.pcap",
        "zeek/tunnels/gtp/gtp3_false_gtp.pcap",
        "zeek/tunnels/gtp/gtp4_udp_2152_inside.pcap",
        "zeek/tunnels/gtp/gtp6_gtp_0x32.pcap",
        "zeek/tunnels/gtp/gtp7_ipv6.pcap",
        "zeek/tunnels/mpls-6in6-6in6-4in6-invalid-version-4.pcap",
        "zeek/tunnels/tunnel-direct-bypass.pcap",
        "zeek/tunnels/vxlan-encapsulated-http.pcap",
        "zeek/tunnels/vxlan-triple-v2.pcap",
        "zeek/vntag_vlan_sandwich_clean.pcap",
    ]

    /// By how much a capture's result may differ from tshark's, and why.
    struct Difference {
        /// Segments that only this decoder finds.
        var onlyOurs = 0
        /// Segments that only tshark finds.
        var onlyTheirs = 0
        /// Frames in which both find a segment, but with different fields.
        var unlike = 0
        var reason: String
    }

    static let differences: [String: Difference] = [
        "libpcap/tests/filter/AH-IPcomp-IPv4.pcap": Difference(
            onlyTheirs: 4, reason: "compressed payload (IPComp) is not expanded"),
        "libpcap/tests/filter/AH-IPcomp-IPv6.pcap": Difference(
            onlyTheirs: 7, reason: "compressed payload (IPComp) is not expanded"),
        "ndpi/default/pcap/ajp.pcap": Difference(
            unlike: 4, reason: "tshark takes the last four octets of a FabricPath payload for a checksum, not text"),
        "pcapplusplus/ExamplesTest/pcap_examples/tcp-reassembly.pcap": Difference(
            onlyTheirs: 1, reason: "the start of a frame that sFlow sampled is no segment of this connection"),
    ]

    @Test(
        "tshark reads the same segments", .enabled(if: TsharkOracle.isInstalled, "tshark is not installed"),
        arguments: files)
    func oracle(name: String) throws {
        let path = (Corpus.path ?? "") + "/" + name
        guard FileManager.default.fileExists(atPath: path) else {
            print("corpus: \(name) is not there, skipped")
            return
        }
        var capture = ClassicPcap(path: path)
        if capture == nil, let copy = TsharkOracle.classicCopy(of: path) {
            capture = ClassicPcap(path: copy)
            try? FileManager.default.removeItem(atPath: copy)
        }
        let expected = try #require(TsharkOracle.segments(of: path))
        var same = 0
        var (onlyOurs, onlyTheirs, unlike): ([Int], [Int], [Int]) = ([], [], [])
        var fragments = FragmentReassembly()
        for (index, frame) in try #require(capture).frames.enumerated() {
            var decoded = try? fragments.decode(
                frame.bytes, frame.header.linkType, original: Int(frame.header.originalLength), at: frame.header.time)
            // tshark reports the last packet of a frame.
            if case .aggregate(var several) = decoded {
                // Every octet of an array of UInt8 is initialized; `bytes` is unsafe because it cannot know this of
                // other element types.
                while let next = try? several.next(unsafe frame.bytes.span.bytes) { decoded = next }
            }
            switch (decoded, expected[index + 1]) {
            case (.segment(let segment), let line?):
                if agree(segment, line) { same += 1 } else { unlike.append(index + 1) }
            case (.segment, nil): onlyOurs.append(index + 1)
            case (_, .some): onlyTheirs.append(index + 1)
            default: break
            }
        }
        let allowed = Self.differences[name]
        print("corpus: \(name): \(same) of \(expected.count) agree\(allowed.map { "; \($0.reason)" } ?? "")")
        #expect(onlyOurs.count == allowed?.onlyOurs ?? 0, "\(onlyOurs)")
        #expect(onlyTheirs.count == allowed?.onlyTheirs ?? 0, "\(onlyTheirs)")
        #expect(unlike.count == allowed?.unlike ?? 0, "\(unlike)")
    }
}
