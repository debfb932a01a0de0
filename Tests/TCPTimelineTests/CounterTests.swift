// What the counters count: octets by sequence space, retransmissions, and remarks on single segments.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite struct CounterTests {
    @Test func synAndFinAreNoText() {
        let play = Play(
            handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n> F. 11:11 ack 1\n< F. 1:1 ack 12\n> . 12:12 ack 2")
        #expect(play.connection.counters[0].uniqueBytes == 10)
        #expect(play.connection.counters[1].uniqueBytes == 0)
        #expect(play.connection.counters[0].packets == 5)
        #expect(play.connection.counters[1].packets == 3)
        #expect(play.connection.counters[0].ipBytes == 5 * 40 + 10)
    }

    @Test func retransmittedTextCountsOnce() {
        let play = Play(handshake + "> P. 1:11 ack 1\n> P. 1:11 ack 1\n> P. 1:21 ack 1\n< . 1:1 ack 21")
        #expect(play.connection.counters[0].uniqueBytes == 20)
        #expect(play.connection.counters[0].retransmissions == 2)
        #expect(play.connection.counters[1].retransmissions == 0)
    }

    @Test(arguments: ["> . 10:10 ack 1", "> . 10:11 ack 1"])
    func E2_keepAliveIsNeitherTextNorRetransmission(_ probe: String) {
        let play = Play(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n" + probe)
        #expect(play.last.notes.contains(.keepAlive))
        #expect(play.connection.counters[0].uniqueBytes == 10)
        #expect(play.connection.counters[0].retransmissions == 0)
        play.feed("< . 1:1 ack 11")
        #expect(play.last.notes.contains(.probeAck))
    }

    @Test("the last octet again, as long as it was not acknowledged, is a retransmission, and no keep-alive")
    func E7_lastOctetAgain() {
        let play = Play(handshake + "> P. 1:2 ack 1\n> P. 1:2 ack 1")
        #expect(play.last.notes == .retransmission)
        play.feed("< . 1:1 ack 2\n> . 1:2 ack 1")
        #expect(play.last.notes == .keepAlive)
        #expect(play.connection.counters[0].retransmissions == 1 && play.connection.counters[0].uniqueBytes == 1)
    }

    @Test("an ACK that the FIN overtook is no keep-alive, nor a probe of the window that a RST seems to have")
    func E9_finOvertakesAck() {
        let play = Play(handshake + "> F. 1:1 ack 1\n> . 1:1 ack 1")
        #expect(play.last.notes == [])
        play.feed("< . 1:1 ack 2\n> . 1:1 ack 1")
        #expect(play.last.notes == .keepAlive)
        #expect(Play(handshake + "< R. 1:1 ack 1 win 0\n> F. 1:1 ack 1\n> . 1:1 ack 1").last.notes == [])
    }

    @Test func E4_windowProbeIsNoKeepAlive() {
        let play = Play(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11 win 0")
        #expect(play.last.notes.contains(.zeroWindow))
        play.feed("> . 10:10 ack 1")
        #expect(play.last.notes.contains(.windowProbe))
        #expect(!play.last.notes.contains(.keepAlive))
        play.feed("< . 1:1 ack 11 win 500")
        #expect(play.last.notes.contains(.windowUpdate))
        #expect(play.connection.historyText == "ShADaw")
    }

    @Test func E6_duplicateAcksAndTheHole() {
        let play = Play(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n> P. 21:31 ack 1")
        #expect(play.last.notes == .hole)
        play.feed("< . 1:1 ack 11")
        #expect(play.last.notes == .duplicateAck)
    }

    @Test func T10_filledHoleIsNoRetransmission() {
        let play = Play(handshake + "> P. 11:21 ack 1\n> P. 1:11 ack 1\n< . 1:1 ack 21")
        #expect(play.connection.counters[0].uniqueBytes == 20)
        #expect(play.connection.counters[0].retransmissions == 0)
    }

    @Test func X7_acknowledgedTextThatWasNotCapturedIsCounted() {
        let play = Play(handshake + "< . 1:1 ack 400\n> P. 400:410 ack 1")
        #expect(play.connection.counters[0].uniqueBytes == 409)
    }

    @Test func X7_acknowledgedFinThatWasNotCaptured() {
        // The client acknowledges one octet of the server's that was not captured: text or a FIN.
        let play = Play(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n> . 11:11 ack 2")
        #expect(play.connection.counters[0].uniqueBytes == 10)
        #expect(play.connection.counters[1].uniqueBytes == 1)
        // It was a FIN, which takes a sequence number, but is no text.
        play.feed("< F. 1:1 ack 11")
        #expect(play.connection.counters[1].uniqueBytes == 0)
        play.feed("> . 11:11 ack 2")
        #expect(play.connection.counters[0].uniqueBytes == 10)
        #expect(play.connection.counters[1].uniqueBytes == 0)
    }

    @Test func E12_wrapCountsEveryOctet() {
        let play = Play(handshake, clientISN: .max - 2)
        var next = 1
        for _ in 0..<10 {
            play.feed("> P. \(next):\(next + 7) ack 1\n< . 1:1 ack \(next + 7)")
            next += 7
        }
        #expect(play.connection.counters[0].uniqueBytes == 70)
        #expect(play.connection.counters[0].retransmissions == 0)
        #expect(play.last.relativeAck == 71)
    }

    @Test func moreThanFourGibibytes() {
        let play = Play(handshake, clientISN: 123_456_789)
        let step: Int64 = 1 << 24
        var next: Int64 = 1
        for _ in 0..<320 {
            play.feed("> P. \(next):\(next + step) ack 1\n< . 1:1 ack \(next + step)")
            next += step
        }
        #expect(play.connection.counters[0].uniqueBytes == 5 << 30)
        #expect(play.connection.counters[0].retransmissions == 0)
        #expect(play.connection.counters[0].ipBytes == 5 << 30 + 322 * 40)
    }

    @Test func resetPayloadIsNoText() {
        let play = Play(handshake + "> R. 1:21 ack 1")
        #expect(play.connection.counters[0].uniqueBytes == 0)
    }

    @Test func handshakeDelays() {
        let play = Play("0.0 > S 0:0\n0.010 < S. 0:0 ack 1\n0.025 > . 1:1 ack 1\n0.1 > F. 1:1 ack 1")
        #expect(play.connection.synAckDelay == 10 * Span.millisecond)
        #expect(play.connection.openDelay == 25 * Span.millisecond)
        #expect(play.connection.duration == 100 * Span.millisecond)
    }

    @Test func X14_clockGoingBackMakesNoNegativeDuration() {
        let play = Play("5.0 > S 0:0\n4.0 < S. 0:0 ack 1\n4.5 > . 1:1 ack 1")
        #expect(play.connection.duration == 0)
        play.feed("6.0 > F. 1:1 ack 1")
        #expect(play.connection.duration == Span.second)
    }
}
