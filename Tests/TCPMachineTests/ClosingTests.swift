// Closing: situations T of the case list.

import TCPMachine
import TCPModel
import Testing

@Suite struct ClosingTests {
    @Test func T1_clientClosesFirst() {
        Scenario.play(
            handshake + """

                > F. 1:1 ack 1
                = FIN_WAIT_1 CLOSE_WAIT?
                < . 1:1 ack 2
                = FIN_WAIT_2? CLOSE_WAIT
                < F. 1:1 ack 2
                = TIME_WAIT? LAST_ACK
                > . 2:2 ack 2
                = TIME_WAIT CLOSED?
                """)
    }

    @Test func T2_finAcknowledgesFin() {
        let scenario = Scenario.play(
            handshake + "\n> F. 1:1 ack 1\n< F. 1:1 ack 2\n= TIME_WAIT? LAST_ACK\n> . 2:2 ack 2\n= TIME_WAIT CLOSED?")
        #expect(!scenario.transitions.contains { $0.to == .closing }, "RFC 9293 3.10.7.4: ACK is processed before FIN")
    }

    @Test func T3_finCarriesData() {
        Scenario.play(handshake + "\n> FP. 1:11 ack 1\n< . 1:1 ack 12\n= FIN_WAIT_2 CLOSE_WAIT")
    }

    @Test func T4_simultaneousClose() {
        let scenario = Scenario.play(
            handshake + """

                > F. 1:1 ack 1
                < F. 1:1 ack 1       # does not acknowledge the client's FIN: they crossed
                = CLOSING? FIN_WAIT_1
                > . 2:2 ack 2
                = CLOSING TIME_WAIT?
                < . 2:2 ack 2
                = TIME_WAIT TIME_WAIT
                """)
        #expect(scenario.log.contains("S CLOSE_WAIT>ESTABLISHED observed"), "the inference was taken back aloud")
    }

    @Test func T5_halfClose() {
        Scenario.play(
            handshake + """

                > F. 1:1 ack 1
                < . 1:1 ack 2
                = FIN_WAIT_2? CLOSE_WAIT
                < P. 1:11 ack 2
                > . 2:2 ack 11
                < P. 11:21 ack 2
                > . 2:2 ack 21
                = FIN_WAIT_2 CLOSE_WAIT
                < F. 21:21 ack 2
                > . 2:2 ack 22
                = TIME_WAIT CLOSED?
                """)
    }

    @Test(arguments: ["> F. 1:1 ack 1\n> F. 1:1 ack 1", "> F. 1:1 ack 1\n> F. 1:1 ack 1\n> F. 1:1 ack 1"])
    func T6_T7_finSentAgain(_ fins: String) {
        let scenario = Scenario.play(handshake + "\n" + fins + "\n< . 1:1 ack 2\n= FIN_WAIT_2? CLOSE_WAIT")
        #expect(scenario.transitions.filter { $0.to == .finWait1 }.count == 1)
    }

    @Test func T8_ackOfFinLost() {
        Scenario.play(
            handshake
                + "\n> F. 1:1 ack 1\n< . 1:1 ack 2\n> F. 1:1 ack 1\n= FIN_WAIT_1 CLOSE_WAIT\n< . 1:1 ack 2\n= FIN_WAIT_2? CLOSE_WAIT"
        )
    }

    @Test func T9_lastAckLost() {
        Scenario.play(
            handshake + """

                > F. 1:1 ack 1
                < F. 1:1 ack 2
                > . 2:2 ack 2
                = TIME_WAIT CLOSED?
                < F. 1:1 ack 2       # it still waits
                = TIME_WAIT LAST_ACK
                > . 2:2 ack 2
                = TIME_WAIT CLOSED?
                """)
    }

    @Test func T10_finBeforeEarlierData() {
        Scenario.play(
            handshake + """

                > F. 11:11 ack 1
                = FIN_WAIT_1 ESTABLISHED
                > P. 1:11 ack 1
                = FIN_WAIT_1 CLOSE_WAIT?
                < . 1:1 ack 12
                = FIN_WAIT_2? CLOSE_WAIT
                """)
    }

    @Test func T10_holeThatOnlyTheAckShowsFilled() {
        Scenario.play(
            handshake
                + "\n> P. 5:11 ack 1\n> F. 11:11 ack 1\n> P. 1:5 ack 1\n= FIN_WAIT_1 ESTABLISHED\n< . 1:1 ack 12\n= FIN_WAIT_2? CLOSE_WAIT"
        )
    }

    @Test func T11_serverNeverCloses() {
        var scenario = Scenario.play(handshake + "\n> F. 1:1 ack 1\n< . 1:1 ack 2\n= FIN_WAIT_2? CLOSE_WAIT")
        scenario.note(scenario.machines[0].kernelDropsSocket(), 0)
        #expect(scenario.log.last == "C FIN_WAIT_2>CLOSED confirmed")
    }

    @Test func T12_T13_T15_resetInsteadOfFin() {
        Scenario.play(handshake + "\n> P. 1:11 ack 1\n< . 1:1 ack 11\n< R. 1:1 ack 11\n= CLOSED? CLOSED")
    }

    @Test func T14_writeToAClosedPeer() {
        Scenario.play(
            handshake + "\n> F. 1:1 ack 1\n< . 1:1 ack 2\n< P. 1:11 ack 2\n> R 2:2\n= CLOSED CLOSED?")
    }

    @Test func T16_finThenResetFromTheSameSide() {
        Scenario.play(handshake + "\n> F. 1:1 ack 1\n< . 1:1 ack 2\n> R. 2:2 ack 1\n= CLOSED CLOSED?")
    }

    @Test(arguments: [
        ("FIN_WAIT_1", "> F. 1:1 ack 1\n< R. 1:1 ack 1"),
        ("FIN_WAIT_2", "> F. 1:1 ack 1\n< . 1:1 ack 2\n< R. 1:1 ack 2"),
        ("CLOSE_WAIT", "< F. 1:1 ack 1\n> . 1:1 ack 2\n< R. 2:2 ack 1"),
        ("LAST_ACK", "< F. 1:1 ack 1\n> F. 1:1 ack 2\n< R. 2:2 ack 1"),
    ])
    func T17_resetWhileClosing(_ state: String, _ segments: String) {
        Scenario.play(handshake + "\n" + segments + "\n= CLOSED CLOSED")
    }

    @Test func T18_listenerClosedWithQueuedConnection() {
        Scenario.play(handshake + "\n< R. 1:1 ack 1\n= CLOSED? CLOSED")
    }

    @Test func T19_timeWaitAssassination() {
        Scenario.play(
            handshake + "\n> F. 1:1 ack 1\n< F. 1:1 ack 2\n> . 2:2 ack 2\n< R 2:2\n= CLOSED? CLOSED")
    }

    @Test func timeWaitRunsOut() {
        var scenario = Scenario.play(handshake + "\n> F. 1:1 ack 1\n< F. 1:1 ack 2\n> . 2:2 ack 2")
        scenario.note(scenario.machines[0].timeWaitExpires(), 0)
        #expect(scenario.log.last == "C TIME_WAIT>CLOSED inferred")
    }

    @Test func finIsAcknowledgedOnlyIfOneWasSent() {
        // An ACK in FIN-WAIT-1 that does not reach the FIN leaves it there.
        Scenario.play(handshake + "\n> FP. 1:11 ack 1\n< . 1:1 ack 11\n= FIN_WAIT_1 CLOSE_WAIT")
    }
}
