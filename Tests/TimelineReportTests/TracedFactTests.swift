// Which kernel events have a line in the ladder.

import TCPModel
import Testing

@testable import TimelineReport

@Suite struct TracedFactTests {
    @Test func whatIsMeantToBeOldHasNoLine() {
        let probe = SocketEvent.Kind.dropped(reason: .oldSequence)
        #expect([0, 1].map { probe.isWorthALine($0) } == [false, true])
        #expect(SocketEvent.Kind.dropped(reason: .netfilterDrop).isWorthALine(0))
        #expect(
            [0, 1, 2].map { SocketEvent.Kind.dropped(reason: .noSocket).isWorthALine($0) } == [false, false, true])
        #expect(SocketEvent.Kind.resetSent(reason: "TCP_STATE").isWorthALine(0))
    }
}
