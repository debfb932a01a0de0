// An open connection: situations E and X of the case list, as far as the machine alone decides them.

import TCPMachine
import TCPModel
import Testing

@Suite struct EstablishedTests {
    @Test func E1_dataBothWays() {
        let scenario = Scenario.play(handshake + "\n> P. 1:11 ack 1\n< P. 1:7 ack 11\n> . 11:11 ack 7")
        #expect(scenario.machines.allSatisfy { $0.state == .established && $0.certainty == .observed })
        #expect(scenario.machines[0].sendUnacknowledged == SequenceNumber(1011))
        #expect(scenario.machines[1].receiveNext == SequenceNumber(1011))
    }

    @Test func E2_keepAliveChangesNothing() {
        let scenario = Scenario.play(
            handshake + "\n> . 0:0 ack 1\n< . 1:1 ack 1\n> . 0:1 ack 1\n= ESTABLISHED ESTABLISHED")
        #expect(scenario.transitions.count == 4)
    }

    @Test func E12_sequenceWrap() {
        Scenario.play(
            """
            > S 0:0
            < S. 0:0 ack 1
            > . 1:1 ack 1
            > P. 1:5000 ack 1
            < . 1:1 ack 5000
            < P. 1:9000 ack 5000
            > . 5000:5000 ack 9000
            > F. 5000:5000 ack 9000
            < . 9000:9000 ack 5001
            = FIN_WAIT_2 CLOSE_WAIT
            < F. 9000:9000 ack 5001
            > . 5001:5001 ack 9001
            = TIME_WAIT CLOSED?
            """, clientISN: .max - 100, serverISN: .max - 4000)
    }

    @Test func E14_resetAtReceiveNext() {
        Scenario.play(handshake + "\n> P. 1:11 ack 1\n< R. 1:1 ack 11\n= CLOSED? CLOSED")
        Scenario.play(handshake + "\n> P. 1:11 ack 1\n> R. 11:11 ack 1\n= CLOSED CLOSED?")
    }

    @Test func E15_resetInWindowButNotExact() {
        Scenario.play(handshake + "\n< R 100:100\n! resetNotExact\n= ESTABLISHED CLOSED")
    }

    @Test func E16_resetOutsideWindow() {
        Scenario.play(handshake + "\n< R 2000000000:2000000000\n! resetIgnored\n= ESTABLISHED CLOSED")
    }

    @Test func E18_blindAck() {
        Scenario.play(handshake + "\n< . 1:1 ack 2000000000\n! blindAck\n= ESTABLISHED ESTABLISHED")
    }

    @Test func X4_midstream() {
        let scenario = Scenario.play(
            "> P. 500:510 ack 300\n= ESTABLISHED ESTABLISHED?\n< . 300:300 ack 510\n> F. 510:510 ack 300\n= FIN_WAIT_1 CLOSE_WAIT?"
        )
        #expect(scenario.log.prefix(2) == ["C (unknown)>ESTABLISHED assumed", "S (unknown)>ESTABLISHED assumed"])
    }

    @Test func X4_loneReset() {
        Scenario.play("> R. 500:500 ack 300\n= CLOSED? CLOSED?")
    }

    @Test func X5_onlyTheClientsHalf() {
        Scenario.play(
            """
            > S 0:0
            = SYN_SENT UNSEEN
            > . 1:1 ack 1
            = ESTABLISHED ESTABLISHED?
            > P. 1:11 ack 1
            > F. 11:11 ack 1
            = FIN_WAIT_1 CLOSE_WAIT?
            """)
    }

    @Test func X6_onlyTheServersHalf() {
        Scenario.play("< S. 0:0 ack 1\n< P. 1:11 ack 5\n= ESTABLISHED? ESTABLISHED")
    }

    @Test func X7_acknowledgedButNotCaptured() {
        Scenario.play(
            handshake + "\n< . 1:1 ack 400\n! acknowledgedUnseen\n> P. 400:410 ack 1\n= ESTABLISHED ESTABLISHED")
    }
}
