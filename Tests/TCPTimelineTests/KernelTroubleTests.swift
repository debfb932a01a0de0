// Which processes are checked for being stopped, and what is kept of the answer.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite struct KernelTroubleTests {
    private static let handshake = "0 > S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n"

    private let joined = Joined(handshake)
    private let client = ProcessIdentity(pid: 7, command: "c", uid: 0)
    private let server = ProcessIdentity(pid: 8, command: "s", uid: 0)

    init() {
        joined.read(1, joined.client(.established), joined.server(.established))
        _ = joined.join.assign([11: client, 22: server], time: joined.play.now)
    }

    private func trouble(_ side: Side) -> ProcessTrouble? { joined.join.view(joined.id)?[side].trouble }

    @Test func onlyWhomSomethingWaitsFor() {
        #expect(joined.join.processesToWaitFor(limit: 16).isEmpty, "nothing waits")
        joined.read(2, joined.client(.established), joined.server(.closeWait))
        #expect(joined.join.processesToWaitFor(limit: 16) == [8], "it is to close")
        var socket = joined.client(.established)
        socket.receiveQueue = 1
        joined.read(3, socket, joined.server(.closeWait))
        #expect(joined.join.processesToWaitFor(limit: 16) == [7, 8], "and the other one to read")
        #expect(joined.join.processesToWaitFor(limit: 1) == [7])
    }

    @Test func untilItIsSaidAnew() {
        joined.join.assign(troubled: [8: .stopped, 99: .traced])
        #expect(trouble(.responder) == .stopped && trouble(.originator) == nil)
        joined.join.assign(troubled: [7: .traced])
        #expect(trouble(.responder) == nil && trouble(.originator) == .traced)
        joined.join.assign(troubled: [:])
        #expect(trouble(.originator) == nil)
    }

    /// A process that is found later is reported as stopped from the next reading on.
    @Test func aProcessThatIsNamedLater() {
        let other = ProcessIdentity(pid: 9, command: "child", uid: 0)
        joined.join.assign(troubled: [9: .stopped])
        #expect(trouble(.responder) == nil)
        _ = joined.join.assign(
            holders: [22: [SocketHolder(process: other, descriptor: 4)]], of: 8, time: joined.play.now)
        joined.read(2, joined.client(.established), joined.server(.established))
        #expect(trouble(.responder) == .stopped)
    }
}
