// The scenarios cover everything: every rule, every anomaly, and every edge of the diagram that a segment can cause.

import TCPMachine
import TCPModel
import Testing

@Suite struct CoverageTests {
    /// Edges that no scenario takes; only the enumeration in TCPMachineTests does.
    static let enumeratedOnly: Set<TransitionDiagram.Edge> = [
        // Only the kernel tables of both ends reveal this one.
        .init(from: .established, to: .listen, rule: .retraction)
    ]

    private static let runs: [MachineRun] = ScenarioFile.names.compactMap { name in
        (try? ScenarioFile(named: name)).map { MachineRun($0) }
    }

    @Test func everyRuleIsInAScenario() {
        let seen = Set(Self.runs.flatMap { $0.transitions.map { $0.rule } })
        for rule in RFCRule.allCases where !seen.contains(rule) { Issue.record("no scenario has \(rule.id)") }
    }

    @Test func everyAnomalyIsInAScenario() {
        let seen = Set(Self.runs.flatMap { $0.results.values.flatMap { $0.anomalies } })
        for word in anomalyWords(Anomalies(rawValue: .max)) where !seen.contains(word) {
            Issue.record("no scenario has \(word)")
        }
    }

    @Test func everyEdgeIsInAScenarioOrListed() {
        let seen = Set(
            Self.runs.flatMap { $0.transitions.map { TransitionDiagram.Edge(from: $0.from, to: $0.to, rule: $0.rule) } }
        )
        for edge in TransitionDiagram.edges where !seen.contains(edge) && !Self.enumeratedOnly.contains(edge) {
            Issue.record("no scenario takes \(edge.from) > \(edge.to) by \(edge.rule)")
        }
        for edge in Self.enumeratedOnly where seen.contains(edge) {
            Issue.record("a scenario takes \(edge.from) > \(edge.to) by \(edge.rule): take it off the list")
        }
    }
}
