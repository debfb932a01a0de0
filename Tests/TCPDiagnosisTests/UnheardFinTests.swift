// FINs that never arrived, and FINs that were not captured: a side is only late if it received the peer's FIN and has
// not closed.

import Exchanges
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct UnheardFinTests {
    @Test("T21: a FIN that is sent again and again leaves nobody in CLOSE_WAIT")
    func finSentAgain() {
        let text = handshake + "> F. 1:1 ack 1\n0.3 > F. 1:1 ack 1\n0.7 > F. 1:1 ack 1"
        #expect(codes(text, after: 60) == [])
        let heard = text + "\n< . 1:1 ack 2"
        #expect(codes(heard, after: 60) == [.closeWaitLeak])
        // The ACK did not arrive, but the FIN had.
        #expect(codes(heard + "\n1.5 > F. 1:1 ack 1", after: 60) == [.closeWaitLeak])
    }

    @Test("T21: nor does one behind text that is sent again")
    func textSentAgain() {
        #expect(
            codes(handshake + "> P. 1:11 ack 1\n> F. 11:11 ack 1\n0.3 > P. 1:11 ack 1\n0.7 > P. 1:11 ack 1", after: 60)
                == [])
    }

    @Test("X7: nor does one that nobody acknowledged and that was the last to be captured")
    func finAtTheEnd() {
        #expect(codes(handshake + "> F. 1:1 ack 1", after: 60) == [])
        #expect(codes("0 > . 1:1 ack 1\n> F. 1:1 ack 1", after: 60) == [], "only one side is captured")
    }

    @Test("X7: who sent something that was acknowledged and not captured may have closed")
    func finNotCaptured() {
        let text = handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n"
        #expect(codes(text + "> . 2:2 ack 2", after: 60) == [.captureGap])
        // The peer continued.
        #expect(
            codes(text + "> . 2:2 ack 5\n< P. 5:9 ack 2\n> . 2:2 ack 9", after: 60)
                == [.captureGap, .halfClose, .closeWaitLeak])
    }
}
