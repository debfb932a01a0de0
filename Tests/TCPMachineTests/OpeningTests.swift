// Opening: situations H of the case list, as far as the machine alone decides them.

import TCPMachine
import TCPModel
import Testing

/// The three segments that open a connection.
let handshake = """
    > S 0:0
    < S. 0:0 ack 1
    > . 1:1 ack 1
    """

@Suite struct OpeningTests {
    @Test func H1_threeWayHandshake() {
        let scenario = Scenario.play(
            """
            > S 0:0
            = SYN_SENT UNSEEN
            < S. 0:0 ack 1
            = ESTABLISHED? SYN_RECEIVED
            > . 1:1 ack 1
            = ESTABLISHED ESTABLISHED?
            """)
        #expect(
            scenario.log == [
                "C CLOSED>SYN_SENT observed", "S LISTEN>SYN_RECEIVED observed", "C SYN_SENT>ESTABLISHED inferred",
                "S SYN_RECEIVED>ESTABLISHED inferred",
            ])
    }

    @Test func H2_synRetriesUnanswered() {
        let scenario = Scenario.play("> S 0:0\n> S 0:0\n> S 0:0\n= SYN_SENT UNSEEN")
        #expect(scenario.log.count == 1)
    }

    @Test func H3_refused() {
        Scenario.play("> S 0:0\n< R. 0:0 ack 1\n= CLOSED CLOSED?")
    }

    @Test func H5_H6_synAckLost() {
        Scenario.play(
            """
            > S 0:0
            < S. 0:0 ack 1
            = ESTABLISHED? SYN_RECEIVED
            > S 0:0              # it never got the SYN-ACK
            = SYN_SENT SYN_RECEIVED
            < S. 0:0 ack 1
            > . 1:1 ack 1
            = ESTABLISHED ESTABLISHED?
            """)
    }

    @Test func H7_lastAckOfHandshakeLost() {
        Scenario.play(
            """
            > S 0:0
            < S. 0:0 ack 1
            > . 1:1 ack 1
            = ESTABLISHED ESTABLISHED?
            < S. 0:0 ack 1       # the ACK never arrived
            = ESTABLISHED SYN_RECEIVED
            > . 1:1 ack 1
            = ESTABLISHED ESTABLISHED?
            < P. 1:5 ack 1
            = ESTABLISHED ESTABLISHED
            """)
    }

    @Test func H8_dataCompletesTheHandshake() {
        Scenario.play("> S 0:0\n< S. 0:0 ack 1\n> P. 1:11 ack 1\n= ESTABLISHED ESTABLISHED?")
    }

    @Test func H9_resetAfterSynAck() {
        Scenario.play("> S 0:0\n< S. 0:0 ack 1\n> R 1:1\n= CLOSED LISTEN?")
    }

    @Test func H10_connectAborted() {
        Scenario.play("> S 0:0\n> R 1:1\n= CLOSED UNSEEN")
    }

    @Test func H11_finWithoutSynAck() {
        Scenario.play("> S 0:0\n> F 1:1\n= SYN_SENT UNSEEN\n! finBeforeOpen")
    }

    @Test func H12_simultaneousOpen() {
        let scenario = Scenario.play(
            """
            > S 0:0
            < S 0:0
            = SYN_RECEIVED? SYN_SENT
            > S. 0:0 ack 1
            = SYN_RECEIVED SYN_RECEIVED?
            < S. 0:0 ack 1
            = ESTABLISHED? ESTABLISHED?
            > . 1:1 ack 1
            < . 1:1 ack 1
            = ESTABLISHED ESTABLISHED
            """)
        #expect(
            scenario.log.filter { $0.hasPrefix("S") }.map { $0.split(separator: " ")[1] } == [
                "CLOSED>SYN_SENT", "SYN_SENT>SYN_RECEIVED", "SYN_RECEIVED>ESTABLISHED",
            ])
    }

    @Test func H13_selfConnect() {
        let scenario = Scenario.play(
            """
            > S 0:0
            = SYN_RECEIVED
            > S. 0:0 ack 1
            = ESTABLISHED
            > . 1:1 ack 1
            > P. 1:11 ack 1
            > . 11:11 ack 11
            = ESTABLISHED
            > F. 11:11 ack 11
            = CLOSING
            > . 12:12 ack 12
            = TIME_WAIT
            """, serverISN: 1000, selfConnect: true)
        #expect(
            scenario.transitions.map { "\($0.to.displayName)" } == [
                "SYN_SENT", "SYN_RECEIVED", "ESTABLISHED", "FIN_WAIT_1", "CLOSING", "TIME_WAIT",
            ])
    }

    @Test func H15_synMissed() {
        Scenario.play("< S. 0:0 ack 1\n= ESTABLISHED? SYN_RECEIVED?\n> . 1:1 ack 1\n= ESTABLISHED ESTABLISHED?")
    }

    @Test func H17_synAckWithWrongAck() {
        Scenario.play(
            """
            > S 0:0
            < S. 0:0 ack 500
            ! unacceptableAck
            > R 500:500
            = SYN_SENT LISTEN?
            """)
    }

    @Test func H18_synMeetsAStaleSocket() {
        // The old connection's server still sits in CLOSE_WAIT and answers with its old numbers; the client resets that,
        // and its SYN, sent again, finds the listener. These are the new connection's machines.
        Scenario.play(
            """
            > S 0:0
            < . 70000000:70000000 ack 1900000000
            = SYN_SENT UNSEEN
            ! unacceptableAck
            > R 1900000000:1900000000
            = SYN_SENT UNSEEN
            ! resetAnswersBadAck
            > S 0:0
            < S. 0:0 ack 1
            > . 1:1 ack 1
            = ESTABLISHED ESTABLISHED?
            """)
    }

    @Test func H23_dataToAConnectionNobodyAccepted() {
        Scenario.play(handshake + "\n> P. 1:11 ack 1\n< . 1:1 ack 11\n= ESTABLISHED ESTABLISHED")
    }

    @Test func H25_fastOpen() {
        Scenario.play(
            """
            > S 0:10
            < S. 0:0 ack 11
            = ESTABLISHED? SYN_RECEIVED
            < P. 1:5 ack 11      # answered before the third segment
            = ESTABLISHED? SYN_RECEIVED
            > . 11:11 ack 5
            = ESTABLISHED ESTABLISHED?
            """)
    }

    @Test func H31_meaninglessFlags() {
        Scenario.play("> SF 0:0\n! meaninglessFlags\n= UNSEEN UNSEEN\n> SR 0:0\n! meaninglessFlags\n= UNSEEN UNSEEN")
    }

    @Test func H35_listenerResetsHalfOpen() {
        Scenario.play("> S 0:0\n< S. 0:0 ack 1\n< R. 1:1 ack 1\n= CLOSED? CLOSED")
    }

    @Test func H36_duplicateSynAckAfterEstablished() {
        Scenario.play(
            handshake + """

                < P. 1:5 ack 1
                > . 1:1 ack 5
                < S. 0:0 ack 1
                = ESTABLISHED ESTABLISHED
                """)
    }

    @Test func H37_synInsideConnection() {
        Scenario.play(
            handshake + "\n> P. 1:5 ack 1\n< . 1:1 ack 5\n> S 2:2\n! synInsideConnection\n= ESTABLISHED ESTABLISHED")
    }
}
