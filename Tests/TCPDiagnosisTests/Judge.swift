// Plays an exchange and returns the findings at its end.

import Exchanges
import TCPModel
import TCPTimeline

@testable import TCPDiagnosis

/// The findings about the exchange's connections, oldest first, judged `after` seconds after the latest segment.
func findings(
    _ text: String, after seconds: Double = 0, serverISN: UInt32 = 5000, keepsStatistics: Bool = false
) -> [Finding] {
    let play = Play(keepsStatistics: keepsStatistics)
    play.serverISN = serverISN
    var diagnosis = Diagnosis(isLive: false)
    var found: [Finding] = []
    play.observer = { event, timeline in
        diagnosis.observe(event)
        if let old = event.replaced { found += diagnosis.conclude(old, timeline.connections, nil, now: event.time) }
    }
    play.feed(text)
    play.observer = nil
    let end = play.now.advanced(by: Int64(seconds * 1e9))
    for id in play.timeline.remaining() { found += diagnosis.conclude(id, play.timeline.connections, nil, now: end) }
    return found
}

/// The codes of these findings only.
func codes(_ text: String, after seconds: Double = 0, keepsStatistics: Bool = false) -> [FindingCode] {
    findings(text, after: seconds, keepsStatistics: keepsStatistics).map { $0.code }
}
