// What comes in another order than it was sent: RSTs and FINs behind text, and ACKs before what they acknowledge.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite struct OutOfOrderTests {
    @Test("E14: a RST behind text that was captured out of order is exact")
    func resetBehindAFilledHole() {
        let play = Play(handshake + "> P. 51:101 ack 1\n> P. 1:51 ack 1\n> R. 101:101 ack 1")
        #expect(play.last.anomalies.isEmpty)
        #expect(play.connection.statesText == "CLOSED CLOSED" && play.connection.outcome == .reset)
        // With the hole still open it is not.
        let open = Play(handshake + "> P. 51:101 ack 1\n> R. 101:101 ack 1")
        #expect(open.last.anomalies == .resetNotExact)
    }

    @Test("X5: in a capture of one side a FIN counts once the hole before it is filled")
    func oneSided() {
        let play = Play("> S 0:0\n> . 1:1 ack 1\n> P. 51:101 ack 1\n> F. 101:101 ack 1\n> P. 1:51 ack 1")
        #expect(play.connection.statesText == "FIN_WAIT_1 CLOSE_WAIT")
    }

    @Test("E10: a FIN that was captured after its ACK is no text that is missing")
    func finAfterItsAck() {
        let play = Play(
            handshake + "< P. 1:11 ack 1\n> . 1:1 ack 12\n< F. 11:11 ack 1\n> F. 1:1 ack 12\n< . 12:12 ack 2")
        #expect(play.connection.counters[1].uniqueBytes == 10 && play.connection.missedBytes == 0)
        #expect(play.connection.outcome == .closed && play.connection.statesText == "CLOSED TIME_WAIT")
    }
}
