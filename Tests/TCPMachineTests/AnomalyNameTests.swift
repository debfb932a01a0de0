// Every anomaly has a name, and the schema page explains it.

import Foundation
import TCPMachine
import Testing

@Suite struct AnomalyNameTests {
    @Test func everyBitHasOneAndThePageHasAll() throws {
        let names = Anomalies.names
        #expect(names.map { $0.anomaly.rawValue } == (0..<names.count).map { 1 << UInt32($0) })
        #expect(names.last?.anomaly == .staleSegment, "a new anomaly needs a name")
        let page = try String(
            contentsOfFile: URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
                + "/../../Sources/tcptrace/Documentation.docc/Schema.md", encoding: .utf8)
        for (_, name) in names { #expect(page.contains("\n| `\(name)` | "), "\(name)") }
    }
}
