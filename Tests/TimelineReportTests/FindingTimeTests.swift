// A finding that held in the middle of a connection tells the time.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TimelineReport

@Suite struct FindingTimeTests {
    private func sentence(at offset: Int64) -> String {
        let play = Play()
        play.feed(sample)
        let connection = play.timeline[play.last.connection]
        let finding = Finding(
            connection: play.last.connection, code: .neverAccepted, time: connection.firstTime.advanced(by: offset),
            side: .responder, message: "open for 50ms and not accepted", frames: [], evidence: [])
        var out = OutputBuffer()
        out.append(messageOf: finding, connection)
        return String(decoding: out.bytes, as: UTF8.self)
    }

    @Test func whatCameBeforeTheLastSegmentHasItsTime() {
        #expect(sentence(at: 50 * Span.millisecond) == "found at 50.00ms: open for 50ms and not accepted")
    }

    @Test func whatWasFoundAtTheEndHasNone() {
        #expect(sentence(at: Span.second) == "open for 50ms and not accepted")
    }
}
