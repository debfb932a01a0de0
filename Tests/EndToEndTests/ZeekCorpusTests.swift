// Zeek's own conn.log baselines: conn_state, history, packets and bytes, where a corpus of captures is at hand.

import Foundation
import Testing

@Suite struct ZeekCorpusTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// TCPTRACE_CORPUS, or the folder beside the checkout.
    static let corpus: String? = {
        let stated = ProcessInfo.processInfo.environment["TCPTRACE_CORPUS"]
        let path = stated ?? root.deletingLastPathComponent().path + "/shared/corpus"
        return FileManager.default.fileExists(atPath: path + "/zeek_expected.tsv") ? path : nil
    }()

    /// Encapsulations that are not opened here (MPLS, FabricPath), and a letter of Zeek's application analysers.
    private static let leftOut: Set = [
        "zeek/mpls-in-vlan.pcap", "zeek/mixed-vlan-mpls.pcap", "zeek/cisco-fabric-path.pcap",
        "zeek/ftp/fake-long-commands.pcap",
    ]

    @Test(.enabled(if: corpus != nil, "there is no corpus")) func baselines() throws {
        let corpus = try #require(Self.corpus)
        let text = try String(contentsOfFile: corpus + "/zeek_expected.tsv", encoding: .utf8)
        let lines = text.split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        let titles = lines[0]
        var traced: [String: [[String: Any]]] = [:]
        var compared = 0
        for line in lines.dropFirst() {
            let row = Dictionary(uniqueKeysWithValues: zip(titles, line))
            guard let trace = row["trace"], row["use"]?.hasPrefix("strict") == true, !Self.leftOut.contains(trace)
            else {
                continue
            }
            if traced[trace] == nil {
                traced[trace] = try records(tcptrace("-T", "json", "-r", corpus + "/" + trace), "conn")
            }
            let ends: Set = [
                "\(row["id.orig_h"] ?? "") \(row["id.orig_p"] ?? "")",
                "\(row["id.resp_h"] ?? "") \(row["id.resp_p"] ?? "")",
            ]
            let ours = (traced[trace] ?? []).filter {
                ends == [
                    "\($0["id.orig_h"] ?? "") \($0["id.orig_p"] ?? "")",
                    "\($0["id.resp_h"] ?? "") \($0["id.resp_p"] ?? "")",
                ]
            }
            // Some baselines have no numbers: those columns are empty.
            let keys = ["conn_state", "history", "orig_pkts", "resp_pkts", "orig_bytes", "resp_bytes"].filter {
                row[$0] != ""
            }
            let wanted = keys.map { row[$0] ?? "" }
            let found = ours.map { record in keys.map { "\(record[$0] ?? "")" } }
            #expect(found.contains(wanted), "\(trace) \(ends.sorted()): \(found)")
            compared += 1
        }
        #expect(compared >= 40)
    }
}
