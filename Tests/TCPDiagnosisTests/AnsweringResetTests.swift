// RSTs that answer a segment: text for a side that had closed, a segment of a connection that is no longer known, or an
// opening.

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
        #expect(
            found.first?.message.hasSuffix(
                "; the client had already sent 10 octets, which arrived too late, and the server's kernel answered with RST: they are lost,"
                    + " and the next write fails with EPIPE") == true, "\(found)")
    }

    @Test("T12: an abort that was captured behind the answer to what crossed it")
    func reorderedResets() {
        #expect(codes(handshake + "> P. 1:11 ack 1\n> P. 11:21 ack 1\n< R 1:1\n< R. 1:1 ack 1") == [.reset])
    }
}

@Suite struct BareResetTests {
    private let idle = handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n< P. 1:11 ack 11\n> . 11:11 ack 11\n"

    @Test("T13: a load balancer gives an idle connection up: a RST without ACK, and it answers nothing")
    func afterAnIdleTime() {
        let found = findings(idle + "60 < R 11:11")
        #expect(found.map { $0.code } == [.reset])
        #expect(found.first?.message.contains("s after the last segment from the client: a device on the path") == true)
        #expect(codes(idle + "60 < R 11:11\n> R 11:11") == [.reset], "both ends are told")
    }

    @Test("T16: before the peer had closed")
    func afterItsOwnFIN() {
        let found = findings(idle + "> F. 11:11 ack 11\n< . 11:11 ack 12\n1.5 > R 12:12")
        #expect(found.map { $0.code } == [.reset])
        #expect(
            found.first?.message.contains("had closed (frame 8) and reset the connection before the server closed")
                == true)
    }

    @Test("T16: which had answered")
    func afterAHalfClose() {
        let text = idle + "> F. 11:11 ack 11\n< . 11:11 ack 12\n< P. 11:21 ack 12\n> . 12:12 ack 21\n58 > R 12:12"
        let found = findings(text)
        #expect(found.map { $0.code } == [.reset])
        #expect(found.last?.message.contains("no text from") == false)
    }

    @Test("X7: of a connection of which nothing else was captured nothing is said")
    func alone() {
        #expect(codes("0 > R 11:11") == [])
    }
}

@Suite struct HopLimitTests {
    private func reset(from limit: Int, by own: Int) -> [FindingCode] {
        codes(
            "> S 0:0 ttl 64\n< S. 0:0 ack 1 ttl \(limit)\n> . 1:1 ack 1 ttl 64\n> P. 1:11 ack 1 ttl 64\n< R 1:1 ttl \(own)"
        )
    }

    @Test("E16: a RST with another hop limit than its sender's segments is somebody else's")
    func anotherHopLimit() {
        #expect(reset(from: 57, by: 57) == [.halfOpenPeer])
        #expect(reset(from: 57, by: 250) == [.middlebox])
        #expect(reset(from: 128, by: 64) == [.halfOpenPeer], "two defaults")
    }

    @Test("E16: nor did its supposed sender abort anything")
    func noAbort() {
        #expect(
            codes("> S 0:0 ttl 64\n< S. 0:0 ack 1 ttl 57\n> . 1:1 ack 1 ttl 64\n< R. 1:1 ack 1 ttl 250") == [.middlebox]
        )
    }

    @Test("E16: a segment that may pass no router came from the link itself (BGP)")
    func hopLimitOfOne() {
        #expect(reset(from: 1, by: 64) == [.halfOpenPeer])
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
        // The text of a SYN inside an open connection is not taken.
        let late = handshake + "> P. 1:6 ack 1\n< . 1:1 ack 6\n> S 3:8\n< . 1:1 ack 6"
        #expect(!codes(late).contains(.fastOpen))
    }
}
