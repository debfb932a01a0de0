// Plays every scenario file through the machines, through the decoder and the timeline, and through the text report.
//
// RECORD_GOLDEN=1 writes the results into the files, and fails the run for each file that changes, so that nobody
// records by accident.

import Foundation
import TCPMachine
import TCPModel
import Testing

/// Known failures, by case id, with the reason: the file states the right result, which
/// the program does not yet produce.
let pendingScenarios: [String: Comment] = [:]

@Suite struct ScenarioTests {
    /// The ids of all situations in the case list.
    static let ids =
        (1...37).map { "H\($0)" } + (1...23).map { "E\($0)" } + (1...27).map { "T\($0)" } + (1...20).map { "X\($0)" }

    @Test func everyCaseHasAScenario() throws {
        let known = Set(try ScenarioFile.names.map { try ScenarioFile(named: $0).id })
        for id in Self.ids where !known.contains(id) { Issue.record("no scenario for \(id)") }
        #expect(known.isSubset(of: Self.ids), "\(known.subtracting(Self.ids).sorted())")
    }

    @Test(arguments: ScenarioFile.names)
    func machines(_ name: String) throws {
        let scenario = try ScenarioFile(named: name)
        let run = MachineRun(scenario)
        for step in scenario.steps {
            guard let expected = step.expected, let result = run.results[step.line] else { continue }
            let found = result.states + result.anomalies + result.rules
            #expect(expected.filter { !$0.hasPrefix("~") } == found, "\(name):\(step.line + 1): \(step.left)")
        }
        for transition in run.transitions {
            #expect(TransitionDiagram.allows(transition), "\(name): \(transition)")
        }
    }

    @Test(arguments: ScenarioFile.names)
    func golden(_ name: String) throws {
        let scenario = try ScenarioFile(named: name)
        let run = try WireRun(scenario)
        #expect(run.problems.isEmpty, "\(name): \(run.problems)")
        if let reason = pendingScenarios[scenario.id] {
            // The steps already state the right result; the text is recorded once they pass.
            withKnownIssue(reason) { compareSteps(scenario, run) }
            return
        }
        if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] != "1" {
            compare(scenario, run)
            return
        }
        let recorded = scenario.recorded(run)
        let before = try String(contentsOf: scenario.url, encoding: .utf8)
        if recorded == before { return }
        try recorded.write(to: scenario.url, atomically: true, encoding: .utf8)
        Issue.record("\(name) was recorded: read the change, then run without RECORD_GOLDEN")
    }

    private func compare(_ scenario: ScenarioFile, _ run: WireRun) {
        compareSteps(scenario, run)
        #expect(scenario.endings.mapValues { $0.words } == run.endings, "\(scenario.name)")
        #expect(scenario.text == run.text, "\(scenario.name): the text differs")
    }

    private func compareSteps(_ scenario: ScenarioFile, _ run: WireRun) {
        for step in scenario.steps {
            if case .notCaptured = step.kind { continue }
            guard let expected = step.expected else {
                Issue.record("\(scenario.name):\(step.line + 1): expects nothing: \(step.left)")
                continue
            }
            #expect(
                expected == run.results[step.line]?.words ?? [], "\(scenario.name):\(step.line + 1): \(step.left)")
        }
    }
}

extension ScenarioFile {
    /// The file's content, with the results of `run` in place of the expectations.
    func recorded(_ run: WireRun) -> String {
        var new = lines.filter { !$0.hasPrefix("= ") }
        for step in steps {
            guard let result = run.results[step.line] else { continue }
            // Endings follow all steps, so that their removal above has left the steps' indices valid.
            let left = step.left.trimmingCharacters(in: .whitespaces).padded(46)
            let states = result.states.map { $0.padded(14) }.joined(separator: " ")
            let rest = (result.anomalies + result.notes + result.rules).joined(separator: " ")
            var line = "\(left) | \(states) \(rest)".trimmingTrailingSpaces
            if !step.comment.isEmpty { line += "  #" + step.comment }
            new[step.line] = line
        }
        while new.last?.isEmpty == true { new.removeLast() }
        new.append("")
        new += run.endings.keys.sorted().map { "= \($0) \(run.endings[$0]?.joined(separator: " ") ?? "")" }
        return (new + [Self.textMark, run.text]).joined(separator: "\n")
    }
}

extension String {
    func padded(_ width: Int) -> String { count < width ? self + String(repeating: " ", count: width - count) : self }
    var trimmingTrailingSpaces: String { String(reversed().drop { $0 == " " }.reversed()) }
}
