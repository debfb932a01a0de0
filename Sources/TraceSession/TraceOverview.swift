// The overview of a trace, for readers who skip the details: how many connections ended in which way, and their
// findings.

import TCPModel
import TCPTimeline
import TimelineReport

/// Counts of the connections shown, by outcome, and of their findings, by code.
struct TraceOverview: Sendable {
    /// Indexed by the outcome's raw value.
    private var outcomes: InlineArray<8, UInt64> = .init(repeating: 0)
    /// Outcomes of connections not shown because --state or --outcome excluded them.
    private var outcomesLeftOut: InlineArray<8, UInt64> = .init(repeating: 0)
    private var findings: [FindingCode: UInt64] = [:]

    init() { precondition(Outcome.allCases.count == outcomes.count) }

    /// Counts a connection that is shown and is over, or was open when the capture ended.
    @inline(__always) mutating func note(_ outcome: Outcome) { outcomes[Int(outcome.rawValue)] &+= 1 }

    /// How many connections are shown and over.
    var shown: UInt64 { outcomes.indices.reduce(0) { $0 + outcomes[$1] } }

    /// Counts a finished connection that is not shown.
    @inline(__always) mutating func leaveOut(_ outcome: Outcome) { outcomesLeftOut[Int(outcome.rawValue)] &+= 1 }

    /// Counts a finding of a connection that is shown.
    mutating func note(_ code: FindingCode) { findings[code, default: 0] += 1 }

    /// Merges the counts of a part of the replay.
    mutating func add(_ part: TraceOverview) {
        for index in outcomes.indices {
            outcomes[index] += part.outcomes[index]
            outcomesLeftOut[index] += part.outcomesLeftOut[index]
        }
        findings.merge(part.findings, uniquingKeysWith: +)
    }

    /// `outcomes: 12 closed, 2 reset`, then `errors: 2 close-wait-leak`, `warnings: 3 refused` and `notes: 7
    /// retransmission`, the most frequent first. Empty for a single connection, which needs no overview.
    var sentences: [String] {
        let ended = Outcome.allCases.map { (name: "\($0.displayName)", count: outcomes[Int($0.rawValue)]) }
        guard ended.reduce(0, { $0 + $1.count }) > 1 else { return [] }
        var sentences = ["outcomes: " + Self.list(ended)]
        for (severity, title) in [(Severity.error, "errors"), (.warning, "warnings"), (.info, "notes")] {
            let found = FindingCode.allCases.filter { $0.severity == severity }
                .map { (name: $0.rawValue, count: findings[$0] ?? 0) }
            let list = Self.list(found)
            if !list.isEmpty { sentences.append("\(title): \(list)") }
        }
        return sentences
    }

    /// The message for a trace in which --state and --outcome matched no connection; nil otherwise.
    func unmet(_ selection: ConnectionSelection) -> String? {
        let isShown = outcomes.indices.contains { outcomes[$0] > 0 }
        let others = Outcome.allCases.map { (name: "\($0.displayName)", count: outcomesLeftOut[Int($0.rawValue)]) }
        guard !isShown, others.contains(where: { $0.count > 0 }) else { return nil }
        let states = selection.states.map { "\($0.displayName)" }.joined(separator: " or ")
        let wanted = selection.outcomes.map { "\($0.displayName)" }.joined(separator: " or ")
        let criteria =
            (states.isEmpty ? [] : ["with an end in \(states)"]) + (wanted.isEmpty ? [] : ["that was \(wanted)"])
        guard !criteria.isEmpty else { return nil }
        let verb = others.reduce(0) { $0 + $1.count } == 1 ? "was" : "were"
        return "no connection \(criteria.joined(separator: " and ")); there \(verb) \(Self.list(others))"
    }

    /// The nonzero counts, most frequent first; equal counts keep the given order.
    private static func list(_ counts: [(name: String, count: UInt64)]) -> String {
        let there = counts.enumerated().filter { $0.element.count > 0 }
        let order = there.sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
        return order.map { "\($0.element.count) \($0.element.name)" }.joined(separator: ", ")
    }
}
