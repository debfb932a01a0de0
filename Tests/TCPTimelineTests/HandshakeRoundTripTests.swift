// What the handshake reveals about the path's delay, and which later ACKs are delayed beyond that.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite struct HandshakeRoundTripTests {
    private func roundTrip(_ text: String) -> HandshakeMeasures {
        var found = HandshakeMeasures()
        let play = Play()
        play.observer = { event, _ in found.take(event) }
        play.feed(text)
        return found
    }

    @Test func anACKIsLateByMoreThanTheWay() {
        // The capture was taken at the client.
        let atClient = roundTrip("0 > S 0:0\n0.08 < S. 0:0 ack 1\n0.0801 > . 1:1 ack 1")
        let milliseconds = Span.millisecond
        #expect(!atClient.isDelayedAck(after: 80 * milliseconds, by: .responder))
        #expect(!atClient.isDelayedAck(after: 159 * milliseconds, by: .responder))
        #expect(atClient.isDelayedAck(after: 161 * milliseconds, by: .responder))
        #expect(!atClient.isDelayedAck(after: 29 * milliseconds, by: .originator))
        #expect(atClient.isDelayedAck(after: 40 * milliseconds, by: .originator), "it is here")
        let near = roundTrip("0 > S 0:0\n0.0001 < S. 0:0 ack 1\n0.0002 > . 1:1 ack 1")
        #expect(near.isDelayedAck(after: 40 * milliseconds, by: .responder))
        let unknown = roundTrip("0 > . 1:1 ack 1\n0.1 < . 1:1 ack 1")
        #expect(!unknown.isDelayedAck(after: 40 * milliseconds, by: .responder))
    }
}
