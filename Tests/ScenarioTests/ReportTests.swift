// Every scenario through every report: lines fit the page, and records can be parsed.

import Foundation
import TCPModel
import Testing
import TimelineReport

@Suite struct ReportTests {
    /// A text timeline of this width: complete at verbosity 3 (`-vvv`), folded at 0.
    private static func text(_ width: Int, _ verbosity: Int) -> TextTimelineReport {
        var style = TextStyle()
        style.width = width
        style.detail.verbosity = verbosity
        return TextTimelineReport(style: style, order: .blocks)
    }

    @Test(arguments: [80, 100, 140], [0, 3])
    func linesFitThePage(_ width: Int, _ verbosity: Int) throws {
        for name in ScenarioFile.names {
            let run = try WireRun(ScenarioFile(named: name), Self.text(width, verbosity))
            #expect(!run.text.isEmpty, "\(name)")
            for line in run.text.split(separator: "\n") {
                #expect(line.count <= width, "\(name) at \(width) columns: \(line)")
            }
        }
    }

    @Test func recordsAreJSONWithOneConnEach() throws {
        for name in ScenarioFile.names {
            let scenario = try ScenarioFile(named: name)
            let run = try WireRun(scenario, JSONReport(packets: true))
            var connections = 0
            for line in run.text.split(separator: "\n") {
                let record = try #require(
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(name): \(line)")
                #expect(record["schema_version"] as? Int == 1)
                if record["_path"] as? String == "conn" { connections += 1 }
            }
            #expect(connections == run.endings.count, "\(name)")
        }
    }

    @Test func rowsHaveAllTheirColumns() throws {
        for name in ScenarioFile.names {
            let scenario = try ScenarioFile(named: name)
            let rows = try WireRun(scenario, CSVReport()).text.split(whereSeparator: \.isNewline)
            // No field of these scenarios contains a comma, so that counting commas counts columns.
            let columns = Set(rows.map { row in row.count { $0 == "," } })
            #expect(columns.count == 1, "\(name)")
            let log = try WireRun(scenario, ZeekLog())
            let lines = log.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(lines.count == log.endings.count, "\(name)")
            for line in lines { #expect(line.split(separator: "\t", omittingEmptySubsequences: false).count >= 21) }
        }
    }
}
