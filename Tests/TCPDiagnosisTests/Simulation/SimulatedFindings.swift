// Compares the findings about a simulated connection's capture with what really happened.

import Exchanges
import TCPModel
import TCPTimeline

@testable import Simulator
@testable import TCPDiagnosis

/// What a capture implies for a finding.
enum Expectation {
    /// The finding is true, and the capture shows it.
    case required
    /// The finding is not true.
    case forbidden
    /// The capture does not decide it.
    case open
}

extension Simulation {
    /// How long the capture continues after its latest frame, in nanoseconds.
    static let afterwards = 10 * Span.second

    /// The findings about each connection, in the order in which they began, and the side of the client.
    func findings() -> [(findings: [Finding], client: Side)] {
        var diagnosis = Diagnosis(isLive: false)
        var found: [UInt64: (findings: [Finding], client: Side)] = [:]
        var numbers: [UInt64] = []
        let play = Play(keepsStatistics: true)
        func conclude(_ id: ConnectionID, _ connections: borrowing KnownConnections, at time: Timestamp) {
            let connection = connections[id]
            let client: Side = connection.tuple.source == play.client ? .originator : .responder
            let findings = diagnosis.conclude(id, connections, nil, now: time)
            // Keep the first conclusion: a replaced connection stays until the end.
            if found[connection.number] == nil { found[connection.number] = (findings, client) }
        }
        play.observer = { event, timeline in
            if event.isFirst { numbers.append(event.number) }
            diagnosis.observe(event)
            if let old = event.replaced { conclude(old, timeline.connections, at: event.time) }
        }
        play.noticer = { event, timeline in diagnosis.observe(event, timeline.connections) }
        _ = self.play(into: play)
        play.observer = nil
        play.noticer = nil
        let end = play.now.advanced(by: Self.afterwards)
        for id in play.timeline.remaining() { conclude(id, play.timeline.connections, at: end) }
        return numbers.compactMap { found[$0] }
    }

    /// Findings that are missing (`-`), wrong (`+`) or about the other side (`~`), each after its connection's index.
    /// Nil if the number of connections is not the real one.
    func findingFaults() -> [String]? {
        let truths = SimulatedTruth.connections(self)
        let found = findings()
        // Other tests check that number; here no finding could be assigned.
        guard truths.count == found.count else { return nil }
        var faults: [String] = []
        for (index, (found, truth)) in zip(found, truths).enumerated() {
            let expected = FindingTruth(self, truth, isFirst: index == 0, isLast: index == truths.count - 1)
            for code in FindingCode.allCases {
                let finding = found.findings.first { $0.code == code }
                switch (expected.expectation(code), finding) {
                case (.required, nil): faults.append("\(index) -\(code.rawValue)")
                case (.forbidden, .some): faults.append("\(index) +\(code.rawValue)")
                case (.required, .some(let finding)):
                    guard let end = expected.end(code), let side = finding.side else { continue }
                    let named = side == found.client ? 0 : 1
                    if named != end { faults.append("\(index) ~\(code.rawValue)") }
                case (.forbidden, nil), (.open, _): break
                }
            }
        }
        return faults
    }
}
