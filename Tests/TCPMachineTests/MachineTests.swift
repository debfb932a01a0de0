// Tests of a single machine that scenario files cannot express: its variables, and the end of TIME-WAIT.

import TCPMachine
import TCPModel
import Testing

/// The three segments that open a connection.
let handshake = """
    > S 0:0
    < S. 0:0 ack 1
    > . 1:1 ack 1
    """

@Suite struct MachineTests {
    @Test func E1_variablesFollowTheText() {
        let scenario = Scenario.play(handshake + "\n> P. 1:11 ack 1\n< P. 1:7 ack 11\n> . 11:11 ack 7")
        #expect(scenario.machines.allSatisfy { $0.state == .established && $0.certainty == .observed })
        #expect(scenario.machines[0].sendUnacknowledged == SequenceNumber(1011))
        #expect(scenario.machines[0].receiveNext == SequenceNumber(5007))
        #expect(scenario.machines[1].receiveNext == SequenceNumber(1011))
        #expect(scenario.machines[1].sendNext == SequenceNumber(5007))
    }

    @Test func T1_timeWaitRunsOut() {
        var scenario = Scenario.play(handshake + "\n> F. 1:1 ack 1\n< F. 1:1 ack 2\n> . 2:2 ack 2")
        scenario.note(scenario.machines[0].kernelDropsSocket(), 0)
        #expect(scenario.log.last == "C TIME_WAIT>CLOSED confirmed")
    }

    @Test func H30_scaleOnlyIfBothSynsOfferIt() {
        let both = Scenario.play("> S 0:0 ws 7\n< S. 0:0 ack 1 ws 3\n> . 1:1 ack 1")
        #expect(both.machines.map { $0.windowShift } == [7, 3])
        let one = Scenario.play("> S 0:0 ws 7\n> S 0:0\n< S. 0:0 ack 1 ws 3\n> . 1:1 ack 1")
        #expect(one.machines.map { $0.windowShift } == [0, 0])
        let midstream = Scenario.play("> P. 500:510 ack 300")
        #expect(midstream.machines.map { $0.windowShift } == [nil, nil])
    }
}
