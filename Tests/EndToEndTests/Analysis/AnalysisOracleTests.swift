// `--events packet` says of each segment what tshark 4.0 says of it, on other projects' captures and on a random one.

import Foundation
import Testing

@Suite(
    "Wireshark's analysis", .serialized, .enabled(if: AnalysisOracle.isInstalled, "tshark 4.0 is not installed"))
struct AnalysisOracleTests {
    /// Captures with much to remark, and some where the two are known to differ.
    static let captures = [
        "ndpi/default/pcap/KakaoTalk_chat.pcap", "ndpi/default/pcap/ajp.pcap", "ndpi/default/pcap/avast.pcap",
        "ndpi/default/pcap/fuzz-2006-09-29-28586.pcap", "ndpi/default/pcap/heuristic_tcp_ack_payload.pcap",
        "ndpi/default/pcap/hislip.pcap", "ndpi/default/pcap/http_ipv6.pcap", "ndpi/default/pcap/jabber.pcap",
        "ndpi/default/pcap/long_tls_certificate.pcap",
        "ndpi/default/pcap/ndpi_match_string_subprotocol__error.pcapng", "ndpi/default/pcap/ocs.pcap",
        "ndpi/default/pcap/psiphon3.pcap", "ndpi/default/pcap/quickplay.pcap",
        "ndpi/default/pcap/tls_invalid_reads.pcap", "ndpi/default/pcap/whatsapp_login_chat.pcap",
        "pcapplusplus/Pcap++Test/PcapExamples/650HttpResponses.pcap",
        "suricata-verify/tcp-empty-sack/tcp-opt.pcap", "suricata-verify/tcp-fastopen-05/tfo.pcap",
        "tcpdump/kday4.pcap", "tcpdump/mptcp-aa-echo.pcap", "zeek/http/docker-http-upgrade.pcap",
        "zeek/http/vnd.ms-cab-compressed-multi-conn.pcap", "zeek/rdp/rdp-proprietary-encryption.pcap", "zeek/smtp.pcap",
        "zeek/tcp/ssh-dups.pcap",
    ]

    @Test(
        "captures of other projects", .enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS"),
        .timeLimit(.minutes(2)))
    func corpusCaptures() throws {
        var (segments, equal, remarked) = (0, 0, 0)
        for name in Self.captures {
            let path = (Corpus.path ?? "") + "/" + name
            guard FileManager.default.fileExists(atPath: path) else {
                print("analysis: \(name) is not there, skipped")
                continue
            }
            let expected = try #require(AnalysisOracle.expected(path, passes: 2))
            let found = try #require(try AnalysisOracle.found(path))
            #expect(!found.isEmpty, "\(name)")
            let known = AnalysisDifference.all.filter { $0.capture == name }.flatMap { $0.frames }
            var different: Set<Int> = []
            for (frame, flags) in found {
                segments += 1
                if !flags.isEmpty { remarked += 1 }
                if expected[frame] == flags { equal += 1 } else { different.insert(frame) }
            }
            for frame in different.subtracting(known).sorted() {
                Issue.record(
                    "\(name) frame \(frame): \(found[frame]?.sorted() ?? []), tshark \(expected[frame]?.sorted() ?? [])"
                )
            }
            #expect(different.isSuperset(of: known), "\(name): listed as different, but equal")
        }
        print("analysis: \(segments) segments, \(remarked) with remarks, \(equal) equal to tshark's")
        #expect(equal * 100 >= segments * 99)
    }

    @Test("random exchanges", .timeLimit(.minutes(1)))
    func randomExchanges() throws {
        var exchanges = RandomExchanges(seed: 20_261_123)
        let path = NSTemporaryDirectory() + "/analysis-" + UUID().uuidString + ".pcap"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(exchanges.capture(exchanges: 600)).write(to: URL(fileURLWithPath: path))
        // One pass, because the second one judges SYN-ACKs by later ones.
        let expected = try #require(AnalysisOracle.expected(path, passes: 1))
        let found = try #require(try AnalysisOracle.found(path))
        #expect(expected.count > 5000 && found.count == expected.count)
        let different = expected.filter { found[$0.key] != $0.value }
        for (frame, flags) in different.sorted(by: { $0.key < $1.key }).prefix(10) {
            Issue.record("frame \(frame): \(found[frame]?.sorted() ?? []), tshark \(flags.sorted())")
        }
        #expect(different.isEmpty)
        let seen = expected.values.reduce(into: Set<String>()) { $0.formUnion($1) }
        #expect(seen == Set(AnalysisOracle.names))
    }
}
