// Captures from other projects, if a corpus is present: reading never crashes and yields
// the number of packets given in the corpus index.

import CaptureBuilding
import Foundation
import PacketSource
import Testing

@Suite("Corpus", .enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS to a directory of them"))
struct CorpusTests {
    /// Captures whose packet count differs from the index, which was made with tshark, and the reason.
    static let exceptions: [String: String] = [
        "libpcap/tests/filter/brcm-tag.pcap": "tshark does not know the link type and reads nothing",
        "tcpdump/dsa.pcap": "tshark does not know the link type and reads nothing",
        "tcpdump/frf16_magic_ie-oobr.pcap": "tshark does not know the link type and reads nothing",
        "tcpdump/juniper_es_oobr.pcap": "tshark does not know the link type and reads nothing",
        "tcpdump/juniper_monitor_invalid_cookie_length.pcap": "tshark does not know the link type and reads nothing",
        "tcpdump/vtp_asan-2.pcap": "tshark does not know the link type and reads nothing",
        "tcpdump/vtp_asan-3.pcap": "tshark does not know the link type and reads nothing",
        "libpcap/tests/pcapng-invalid-vers-2.pcapng": "tshark refuses minor version 1; its packets are sound",
        "retis/test_events_packets.pcap": "tshark counts a custom block that is no packet (capinfos: 26)",
    ]

    @Test("each capture gives the packets that the index counts")
    func counts() throws {
        let folder = try #require(Corpus.path)
        let index = try String(contentsOfFile: folder + "/INDEX.tsv", encoding: .utf8)
        var read = 0
        for line in index.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count > 5, let expected = Int(fields[5]) else { continue }
            let name = fields[0]
            let path = folder + "/" + name
            guard FileManager.default.fileExists(atPath: path) else { continue }
            let result = readAll(path: path)
            read += 1
            if Self.exceptions[name] == nil {
                #expect(
                    result.frames.count == expected, "\(name) \(fields.last ?? ""): \(result.error?.description ?? "")")
            }
        }
        print("\(read) captures read")
    }
}
