// What a trace came to, for whoever does not read all of it: how many connections ended how, and what was found of them.

import TCPModel
import TCPTimeline
import TimelineReport

/// Counts of the connections that are shown, by outcome, and of their findings, by code.
struct TraceOverview: Sendable {
    /// By the outcome's number.
    private var outcomes: InlineArray<8, UInt64> = .init(repeating: 0)
    /// Of those that are not shown, because --state or --outcome chose others.
    private var outcomesLeftOut: InlineArray<8, UInt64> = .init(repeating: 0)
    private var findings: [FindingCode: UInt64] = [:]

    init() { precondition(Outcome.allCases.count == outcomes.count) }

    /// A connection is over, or the capture is.
    @inline(__always) mutating func note(_ outcome: Outcome) { outcomes[Int(outcome.rawValue)] &+= 1 }

    /// A connection is over that is not shown.
    @inline(__always) mutating func leaveOut(_ outcome: Outcome) { outcomesLeftOut[Int(outcome.rawValue)] &+= 1 }

    /// Something was found of one that is shown.
    mutating func note(_ code: FindingCode) { findings[code, default: 0] += 1 }

    /// Takes over what a part has counted.
    mutating func add(_ part: TraceOverview) {
        for index in outcomes.indices {
            outcomes[index] += part.outcomes[index]
            outcomesLeftOut[index] += part.outcomesLeftOut[index]
        }
        findings.merge(part.findings, uniquingKeysWith: +)
    }

    /// `outcomes: 12 closed, 2 reset`, then `errors: 2 close-wait-leak`, `warnings: 3 refused` and `notes: 7 retransmission`, what is
    /// most frequent first. None for a single connection, of which everything is there to see.
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

    /// What to say where --state and --outcome chose none of the connections that there were; nil elsewhere.
    func unmet(_ selection: ConnectionSelection) -> String? {
        let isShown = outcomes.indices.contains { outcomes[$0] > 0 }
        let others = Outcome.allCases.map { (name: "\($0.displayName)", count: outcomesLeftOut[Int($0.rawValue)]) }
        guard !isShown, others.contains(where: { $0.count > 0 }) else { return nil }
        let states = selection.states.map { "\($0.displayName)" }.joined(separator: " or ")
        let wanted = selection.outcomes.map { "\($0.displayName)" }.joined(separator: " or ")
        let criteria =
            (states.isEmpty ? [] : ["with an end in \(states)"]) + (wanted.isEmpty ? [] : ["that was \(wanted)"])
        guard !criteria.isEmpty else { return nil }
        return "no connection \(criteria.joined(separator: " and ")); there were \(Self.list(others))"
    }

    /// What there is of each; of equally frequent ones, in the order given.
    private static func list(_ counts: [(name: String, count: UInt64)]) -> String {
        let there = counts.enumerated().filter { $0.element.count > 0 }
        let order = there.sorted { ($1.element.count, $0.offset) < ($0.element.count, $1.offset) }
        return order.map { "\($0.element.count) \($0.element.name)" }.joined(separator: ", ")
    }
}
