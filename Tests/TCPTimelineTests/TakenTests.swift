// Segments that a receiver drops for their numbers, and some that only seem to be: far from the SYN, after a stale
// socket's answer, from the middle of a connection.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite struct TakenTests {
    /// The states and anomalies of the latest connection after this exchange.
    private func connection(_ text: String) -> (originator: TCPState, responder: TCPState, anomalies: Anomalies) {
        let play = Play()
        play.feed(text, retire: false)
        let connection = play.timeline[play.last.connection]
        let anomalies = play.events.reduce(into: Anomalies()) { $0.formUnion($1.anomalies) }
        return (connection.endpoint(.originator).state, connection.endpoint(.responder).state, anomalies)
    }

    @Test func anAckBeforeTheSynIsTooOld() {
        let found = connection(handshake + "\n> P. 1:11 ack 1\n< . 1:1 ack 11\n< F. 1:1 ack -5")
        #expect(found.originator == .established && found.anomalies.contains(.blindAck))
    }

    /// Sequence numbers wrap after 4 GB: from 2 GB on, a slightly old ACK seems to lie before the SYN.
    @Test func afterTwoGigabytesAnOldAckIsStillNoBlindOne() {
        let found = connection(
            handshake + """

                > . 1:1000000001 ack 1
                < . 1:1 ack 1000000001
                > . 1000000001:2000000001 ack 1
                < . 1:1 ack 2000000001
                > . 2000000001:2300000001 ack 1
                < . 1:1 ack 2300000001
                < F. 1:1 ack 2299935001
                """)
        #expect(found.originator == .closeWait && found.anomalies.isEmpty, "\(found)")
    }

    /// The server's ACKs were not captured.
    @Test func twoGigabytesWithoutAnAckDoNotMakeItsNextOneBlind() {
        let found = connection(
            handshake + """

                > . 1:1000000001 ack 1
                > . 1000000001:2000000001 ack 1
                > . 2000000001:2300000001 ack 1
                > F. 2300000001:2300000001 ack 1
                < . 1:1 ack 2300000002
                """)
        #expect(found.originator == .finWait2 && found.responder == .closeWait, "\(found)")
    }

    /// A socket of an earlier connection answers the SYN with an ACK of its own numbers; these are not the numbers of
    /// the new connection.
    @Test func theAckOfAStaleSocketIsForgottenWithIt() {
        let found = connection(
            """
            > S 0:0
            < . 7:7 ack 100000000
            > R 100000000:100000000
            > S 0:0
            < S. 0:0 ack 1
            > . 1:1 ack 1
            > F. 1:1 ack 1
            < F. 1:1 ack 2
            > . 2:2 ack 2
            """)
        #expect(found.originator == .timeWait && found.responder == .closed, "\(found)")
    }

    @Test func aSynAckOfSomebodyElseAcknowledgesNothing() {
        let found = connection(
            handshake + "\n< S. 900000:900000 ack 50000001\n> P. 1:11 ack 1\n> F. 11:11 ack 1\n< . 1:1 ack 12")
        #expect(found.originator == .finWait2 && found.responder == .closeWait, "\(found)")
    }

    /// The capture begins with the ACK of a FIN that is then retransmitted.
    @Test func fromTheMiddleAFinMayLieBelowTheFirstAck() {
        let found = connection(
            """
            > . 200:200 ack 51
            < . 51:51 ack 201
            > F. 200:200 ack 51
            < . 51:51 ack 201
            < F. 51:51 ack 201
            > . 201:201 ack 52
            """)
        #expect(found.originator == .timeWait && found.responder == .closed, "\(found)")
    }

    /// With several queues or interfaces, the ACK of a FIN may be captured before it.
    @Test func aFinMayBeCapturedAfterItsAck() {
        let found = connection(handshake + "\n< . 1:1 ack 2\n> F. 1:1 ack 1")
        #expect(found.originator == .finWait2, "\(found)")
    }

    @Test func aFinWithTheNumberOfTheSynIsNotAcknowledgedWithIt() {
        let found = connection(handshake + "\n> F. 0:0 ack 1")
        #expect(found.originator == .finWait1, "\(found)")
    }

    /// The first copy of the peer's FIN was lost behind the capture; the second copy acknowledges our FIN again.
    @Test func aFinThatAcknowledgesOursEndsInTimeWait() {
        let found = connection(
            handshake + """

                > F. 1:1 ack 1
                < . 1:1 ack 2
                < F. 1:1 ack 2
                < F. 1:1 ack 2
                > F. 1:1 ack 1
                > . 2:2 ack 2
                """)
        #expect(found.originator == .timeWait && found.responder == .closed, "\(found)")
    }

    /// The RST crosses the FIN, or is lost: the sender of the FIN still had its socket then.
    @Test func aFinAfterTheRstOfThePeerWasSentBeforeItCame() {
        let play = Play()
        play.feed(handshake + "\n< R. 1:1 ack 1\n> F. 1:1 ack 1", retire: false)
        let event = play.last
        #expect((0..<event.sent.count).map { event.sent[$0].to } == [.established, .finWait1, .closed])
    }
}
