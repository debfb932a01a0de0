// What a RST answers: text for a side that had closed, a connection that is not known any more, or an opening.

import Exchanges
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct ResetAfterCloseTests {
    private let halfClosed = handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n< P. 1:11 ack 2\n"

    @Test("T16: a RST with ACK after a half-close is an abort, and nothing answers it")
    func abortAfterHalfClose() {
        #expect(codes(halfClosed + "> . 2:2 ack 11\n> R. 2:2 ack 11") == [.reset])
        #expect(codes(halfClosed + "> R. 2:2 ack 1") == [.reset])
    }

    @Test("T14: only what was not acknowledged is lost")
    func acknowledgedInPart() {
        let found = findings(halfClosed + "> . 2:2 ack 11\n< P. 11:31 ack 2\n> R 2:2")
        #expect(found.map { $0.code } == [.resetAfterClose])
        #expect(found.first?.message.contains("sent 20 octets") == true)
    }

    @Test("T14: the RST comes behind both FINs")
    func bothFINs() {
        let found = findings(halfClosed + "< F. 11:11 ack 2\n> R 2:2\n> R 2:2")
        #expect(found.map { $0.code } == [.resetAfterClose])
        #expect(found.first?.side == .originator)
    }

    @Test("T14: text that crossed the FIN comes too late as well")
    func crossedText() {
        let found = findings(handshake + "> P. 1:11 ack 1\n< F. 1:1 ack 1\n< R 1:1")
        #expect(found.map { $0.code } == [.resetAfterClose])
        #expect(found.first?.message.contains("sent 10 octets") == true)
    }

    @Test("T12: an abort that was captured behind the answer to what crossed it")
    func reorderedResets() {
        #expect(codes(handshake + "> P. 1:11 ack 1\n> P. 11:21 ack 1\n< R 1:1\n< R. 1:1 ack 1") == [.reset])
    }
}

@Suite struct UnknownConnectionTests {
    @Test("X7: who answers for no connection may have closed it with a FIN that was not captured")
    func finNotCaptured() {
        let text = handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n> . 2:2 ack 2\n1 > . 2:2 ack 2\n< R 2:2"
        #expect(codes(text, after: 60) == [.captureGap])
    }

    @Test("H9, H25: who has sent nothing but its SYN had no connection to forget")
    func synWithText() {
        #expect(codes("> S 0:500\n< S. 0:0 ack 1\n> R 1:1") == [.fastOpen, .reset])
        #expect(codes("> S 0:500\n< S. 0:0 ack 501\n< P. 1:101 ack 501\n> R 501:501") == [.fastOpen, .reset])
    }
}
