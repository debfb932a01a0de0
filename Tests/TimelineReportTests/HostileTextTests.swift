// Names come from outside: nothing in them may act on a terminal or break a record.

import Exchanges
import Foundation
import TCPModel
import TCPTimeline
import Testing
import TimelineReport

/// Names with hostile contents.
let hostileNames = [
    "\u{1b}[2J\u{1b}]0;owned\u{7}", "a\"b\\c", "line\nfeed\rback\ttab", "\u{0}nul", "\u{202e}gnp.exe", "\u{9b}31m",
    "\u{2028}\u{2029}", "\u{feff}bom\u{200b}", String(decoding: [0x66, 0xff, 0xfe, 0x80, 0x67], as: UTF8.self),
    "\u{e0001}\u{e0041}tags", "\u{f0000}private", "=cmd|'/c'!A1", "e\u{301}\u{1F600}", "\u{7f}delete", "",
]

/// Whether a scalar may reach the output unescaped.
func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: scalar == "\n"
    default: true
    }
}

@Suite struct HostileTextTests {
    private func scene(_ name: String) -> KernelScene {
        KernelScene(client: .established, server: .established, clientProcess: name, serverProcess: name)
    }

    @Test(arguments: hostileNames)
    func jsonStaysValidAndSaysTheName(_ name: String) throws {
        let text = Render().run(handshake, JSONReport(), interface: name, scene: scene(name))
        #expect(text.unicodeScalars.allSatisfy(isHarmless), "\(text.debugDescription)")
        var names: Set<String> = []
        for line in lines(text).dropLast() {
            let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(record["schema_version"] as? Int == 1)
            if record["_path"] as? String == "capture" { names.insert(record["interface"] as? String ?? "missing") }
            if let process = record["orig_process"] as? [String: Any] {
                names.insert(process["comm"] as? String ?? "missing")
            }
        }
        #expect(names == [name])
    }

    @Test(arguments: hostileNames, [100, 80, 60])
    func textIsPrintable(_ name: String, _ width: Int) {
        var style = TextStyle()
        style.width = width
        let ladder = Render().run(
            handshake, TextTimelineReport(style: style, order: .blocks), interface: name, scene: scene(name))
        #expect(ladder.unicodeScalars.allSatisfy(isHarmless), "\(ladder.debugDescription)")
        let table = Render().run(handshake, SummaryReport(width: width), interface: name, scene: scene(name))
        #expect(table.unicodeScalars.allSatisfy(isHarmless), "\(table.debugDescription)")
        #expect(lines(table).count == (width < 80 ? 2 : 3), "a name makes no lines of its own")
    }
}

@Suite struct JSONReportTests {
    /// Every record of an exchange, parsed.
    private func records(_ text: String, scene: KernelScene? = nil) throws -> [[String: Any]] {
        try lines(Render().run(text, JSONReport(), scene: scene)).dropLast().map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test func theSample() throws {
        let all = try records(sample)
        #expect(all.first?["_path"] as? String == "capture" && all.first?["event"] as? String == "start")
        #expect(all.last?["_path"] as? String == "capture" && all.last?["event"] as? String == "end")
        let states = all.filter { $0["_path"] as? String == "state" }
        let steps = states.map { "\($0["endpoint"] ?? "-") \($0["from"] ?? "-") \($0["to"] ?? "-")" }
        #expect(
            steps == [
                "orig closed syn_sent", "resp listen syn_received", "orig syn_sent established",
                "resp syn_received established", "orig established fin_wait_1", "resp established close_wait",
                "orig fin_wait_1 fin_wait_2", "resp close_wait last_ack", "orig fin_wait_2 time_wait",
                "resp last_ack closed",
            ])
        let known: Set = ["observed", "inferred", "confirmed", "assumed"]
        #expect(states.allSatisfy { known.contains($0["certainty"] as? String ?? "") })
        #expect(states.allSatisfy { $0["cause"] as? String == "packet" && $0["frame"] != nil && $0["rule"] != nil })
        let connection = try #require(all.first { $0["_path"] as? String == "conn" })
        #expect(connection["conn_state"] as? String == "SF")
        #expect(connection["history"] as? String == "ShADadFf")
        #expect(connection["orig_bytes"] as? Int == 12)
        #expect(connection["resp_bytes"] as? Int == 20)
        #expect(connection["orig_pkts"] as? Int == 7)
        #expect(connection["resp_pkts"] as? Int == 6)
        #expect(connection["completeness"] as? Int == 31)
        #expect(connection["outcome"] as? String == "closed")
        #expect(connection["closed_by"] as? String == "orig")
        #expect(connection["orig_state"] as? String == "time_wait")
        #expect(connection["resp_state"] as? String == "closed")
        #expect(connection["ts_ns"] as? Int64 == epoch.nanoseconds)
        let uids = Set(all.dropFirst().dropLast().map { $0["uid"] as? String ?? "none" })
        #expect(uids.count == 1 && !uids.contains("none"))
    }

    @Test func absentMeansUnknown() throws {
        let connection = try #require(try records("> P. 500:510 ack 300").first { $0["_path"] as? String == "conn" })
        #expect(connection["handshake"] == nil)
        #expect(connection["closed_by"] == nil)
        #expect(!connection.values.contains { $0 as? String == "-" })
    }

    @Test func keysComeInOneOrder() throws {
        let lines = lines(Render().run(sample, JSONReport())).filter { $0.contains("\"_path\":\"conn\"") }
        #expect(
            lines[0].hasPrefix(
                "{\"_path\":\"conn\",\"schema_version\":1,\"ts\":1795363634.454475,\"ts_ns\":1795363634454475000,\"uid\":\"C"
            ))
    }

    @Test func processesOfBothEnds() throws {
        let scene = KernelScene(client: .established, server: .established)
        let connection = try #require(try records(handshake, scene: scene).first { $0["_path"] as? String == "conn" })
        #expect((connection["orig_process"] as? [String: Any])?["comm"] as? String == "lab-client")
        #expect((connection["resp_process"] as? [String: Any])?["pid"] as? Int == 7410)
        let sources = try records(handshake, scene: scene).filter { $0["_path"] as? String == "kernel" }
        #expect(!sources.isEmpty && sources.allSatisfy { $0["source"] as? String == "proc" })
    }
}
