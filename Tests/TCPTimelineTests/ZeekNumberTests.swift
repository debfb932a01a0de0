// Numbers that only Zeek has: content gaps, and a duration that ends when the second side ends.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite struct ZeekNumberTests {
    @Test func acknowledgedHoleIsMissed() {
        let play = Play(handshake + "> P. 1:11 ack 1\n> P. 21:31 ack 1\n< . 1:1 ack 31")
        #expect(play.connection.missedBytes == 10)
        #expect(play.connection.historyText == "ShADaG")
        #expect(play.connection.counters[0].uniqueBytes == 30)
    }

    @Test func filledHoleIsNot() {
        let play = Play(handshake + "> P. 11:21 ack 1\n> P. 1:11 ack 1\n< . 1:1 ack 21")
        #expect(play.connection.missedBytes == 0)
    }

    @Test(arguments: ["> P. 1:5 ack 1", "> P. 7:11 ack 1", "> P. 3:7 ack 1"])
    func partlyFilledHole(_ filler: String) {
        let play = Play(handshake + "> P. 11:21 ack 1\n\(filler)\n< . 1:1 ack 21")
        #expect(play.connection.missedBytes == 6)
    }

    @Test func holeBelowTheAckOnly() {
        let play = Play(handshake + "> P. 11:21 ack 1\n> P. 31:41 ack 1\n< . 1:1 ack 5\n< . 1:1 ack 25")
        #expect(play.connection.missedBytes == 14)
        play.feed("< . 1:1 ack 41")
        #expect(play.connection.missedBytes == 20)
        #expect(play.connection.historyText == "ShADaG")
    }

    @Test func ackBeyondEverythingSeen() {
        let play = Play(handshake + "< . 1:1 ack 400\n> P. 400:410 ack 1")
        #expect(play.connection.missedBytes == 399)
    }

    @Test func neitherWithoutHandshakeNorAfterReset() {
        #expect(Play("> P. 1:11 ack 1\n> P. 21:31 ack 1\n< . 1:1 ack 31").connection.missedBytes == 0)
        let play = Play(handshake + "> P. 11:21 ack 1\n< R. 1:1 ack 21\n< . 1:1 ack 21")
        #expect(play.connection.missedBytes == 0)
    }

    @Test func holesOfBothSides() {
        let play = Play(handshake + "> P. 11:21 ack 1\n< P. 6:9 ack 1\n< . 9:9 ack 21\n> . 21:21 ack 9")
        #expect(play.connection.missedBytes == 15)
        #expect(play.connection.historyText == "ShADdaGg")
    }

    @Test func holeAcrossTheWrap() {
        let play = Play(handshake, clientISN: .max - 5)
        play.feed("> P. 11:21 ack 1\n> P. 3:5 ack 1\n< . 1:1 ack 21")
        #expect(play.connection.missedBytes == 8)
    }

    @Test func trailingAckIsNoDuration() {
        let play = Play(handshake + "0.5 > F. 1:1 ack 1\n0.6 < F. 1:1 ack 2\n0.9 > . 2:2 ack 2")
        #expect(play.connection.lastLiveTime == epoch.advanced(by: 600 * Span.millisecond))
        #expect(play.connection.duration == 900 * Span.millisecond)
    }

    @Test func afterOneResetSegmentsStillCount() {
        let play = Play(handshake + "0.5 > R 1:1\n0.6 < . 1:1 ack 1")
        #expect(play.connection.lastLiveTime == epoch.advanced(by: 600 * Span.millisecond))
    }

    @Test func finAfterOwnResetStaysReset() {
        #expect("\(Play(handshake + "> R 1:1\n> F. 1:1 ack 1").connection.zeekConnectionState)" == "RSTO")
    }

    @Test func finWithTextIsNoD() {
        #expect(Play(handshake + "> FP. 1:11 ack 1").connection.historyText == "ShAF")
    }

    @Test func windowAfterThePeersFinIsNoW() {
        let play = Play(handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2 win 0\n> . 2:2 ack 1 win 0")
        #expect(play.connection.historyText == "ShAFaW")
    }

    @Test func synAfterItsSynAckIsAnS() {
        let play = Play("< S. 0:0 ack 1\n> S 0:0\n> S 0:0\n> . 1:1 ack 1")
        #expect(play.connection.historyText == "^hSA")
    }

    @Test func retransmittedFinIsNoT() {
        let play = Play(handshake + "> P. 1:11 ack 1\n> F. 11:11 ack 1\n> F. 11:11 ack 1\n> P. 1:11 ack 1")
        #expect(play.connection.historyText == "ShADFT")
    }

    @Test func connectionStaysSmall() {
        print("Connection: \(MemoryLayout<Connection>.size) octets")
        #expect(MemoryLayout<Connection>.size <= 352)
    }
}
