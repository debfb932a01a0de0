// What the diagnosis finds in a simulated connection's capture, held against what really happened.

import Exchanges
import TCPModel
import TCPTimeline

@testable import Simulator
@testable import TCPDiagnosis

/// What a capture lets one expect of a finding.
enum Expectation {
    /// It is so, and the capture shows it.
    case required
    /// It is not so.
    case forbidden
    /// Nobody can tell from the capture.
    case open
}

extension Simulation {
    /// How long after the latest frame the capture ends, in nanoseconds.
    static let afterwards = 10 * Span.second

    /// The findings about each of its connections, in the order in which those began.
    func findings() -> [[Finding]] {
        var diagnosis = Diagnosis(isLive: false)
        var found: [UInt64: [Finding]] = [:]
        var numbers: [UInt64] = []
        let play = Play(keepsStatistics: true)
        play.observer = { event, timeline in
            if event.isFirst { numbers.append(event.number) }
            diagnosis.observe(event)
            if let old = event.replaced {
                found[timeline.connections.number(of: old), default: []] += diagnosis.conclude(
                    old, timeline.connections, nil, now: event.time)
            }
        }
        play.noticer = { event, timeline in diagnosis.observe(event, timeline.connections) }
        _ = self.play(into: play)
        play.observer = nil
        let end = play.now.advanced(by: Self.afterwards)
        for id in play.timeline.remaining() {
            found[play.timeline.connections.number(of: id), default: []] += diagnosis.conclude(
                id, play.timeline.connections, nil, now: end)
        }
        return numbers.map { found[$0] ?? [] }
    }

    /// Findings that are missing (`-`) or wrong (`+`), each behind its connection's place; nil if there are more connections, or fewer,
    /// than really were.
    func findingFaults() -> [String]? {
        let truths = SimulatedTruth.connections(self)
        let found = findings()
        // Other tests look at that; no finding has its place then.
        guard truths.count == found.count else { return nil }
        var faults: [String] = []
        for (index, (findings, truth)) in zip(found, truths).enumerated() {
            let codes = Set(findings.map { $0.code })
            let expected = FindingTruth(self, truth, isFirst: index == 0, isLast: index == truths.count - 1)
            for code in FindingCode.allCases {
                let expectation = expected.expectation(code)
                let isFound = codes.contains(code)
                if expectation == .required && !isFound || expectation == .forbidden && isFound {
                    faults.append("\(index) \(isFound ? "+" : "-")\(code.rawValue)")
                }
            }
        }
        return faults
    }
}
