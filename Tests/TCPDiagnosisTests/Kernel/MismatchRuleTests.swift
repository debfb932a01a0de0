// Where the kernel's word and the wire's differ for a reason that is known.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct MismatchRuleTests {
    @Test func aFinThatDoesNotGetOut() {
        let play = KernelCase(exchange)
        for time in [100.0, 200] {
            play.read(time, play.client(.finWait1, inode: 0, unacknowledged: 1), play.server(.established))
        }
        #expect(play.review(400) == [.stateMismatch])
        #expect(
            play.message(.stateMismatch).contains("its FIN was not captured: a firewall rule on this host drops it"))
    }

    @Test func aFinThatWaitsBehindText() {
        let play = KernelCase(exchange)
        for time in [100.0, 200] {
            play.read(
                time, play.client(.finWait1, inode: 0, unacknowledged: 2049), play.server(.established))
        }
        #expect(play.review(400) == [.stateMismatch])
        #expect(
            play.message(.stateMismatch).hasSuffix(
                ": it has closed, and its FIN waits behind 2048 octets that the peer has not acknowledged"))
    }
}
