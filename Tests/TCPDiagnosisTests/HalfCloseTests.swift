// One direction closed: text after a FIN, text that crosses it, and FINs that do not belong to this connection.

import Exchanges
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct HalfCloseTests {
    @Test("T5: text that crosses a FIN was sent before its sender could know of that")
    func crossing() {
        let crossed = handshake + "> F. 1:1 ack 1\n< P. 1:5 ack 1\n"
        #expect(codes(crossed + "< . 5:5 ack 2\n> . 2:2 ack 5\n< F. 5:5 ack 2\n> . 2:2 ack 6") == [])
        let found = findings(crossed + "< P. 5:9 ack 2\n> . 2:2 ack 9\n< F. 9:9 ack 2\n> . 2:2 ack 10")
        #expect(found.map { $0.code } == [.halfClose])
        #expect(found.first?.message.contains("sent 4 octets after that") == true)
    }

    @Test("T5: what only fills a hole was sent before the FIN came, and repeated text was counted before")
    func lostText() {
        // The FIN is lost behind the capture at first, and some of the text before it.
        let open = handshake + "> F. 1:1 ack 1\n< P. 1:11 ack 1\n< P. 21:31 ack 1\n0.5 > F. 1:1 ack 11\n"
        let filled = open + "< . 31:31 ack 2\n< P. 11:21 ack 2\n> . 2:2 ack 31\n"
        #expect(codes(filled + "< F. 31:31 ack 2\n> . 2:2 ack 32") == [])
        // The text itself is the first to acknowledge the FIN, or the server's FIN is.
        #expect(codes(open + "< P. 11:21 ack 2\n> . 2:2 ack 31\n< F. 31:31 ack 2\n> . 2:2 ack 32") == [])
        #expect(codes(open + "< F. 31:31 ack 2\n< P. 11:21 ack 2\n> . 2:2 ack 32") == [])
        // 10 octets are new, 10 are repeated, and 10 come behind what followed them.
        let found = findings(
            filled + "< P. 31:41 ack 2\n0.5 < P. 31:41 ack 2\n< P. 51:61 ack 2\n< P. 41:51 ack 2\n> . 2:2 ack 61\n"
                + "< F. 61:61 ack 2\n> . 2:2 ack 62")
        #expect(found.map { $0.code } == [.halfClose])
        #expect(found.first?.message.contains("sent 30 octets after that") == true, "\(found)")
    }

    @Test("H18, T5: a FIN of the connection that had the ports before closes nothing here")
    func finOfAnOlderConnection() {
        let found = codes(
            """
            > S 0:0
            < . 70000:70000 ack 90000
            > R 90000:90000
            < F. 70000:70000 ack 90000
            > R 90000:90000
            1 > S 0:0
            < S. 0:0 ack 1
            > . 1:1 ack 1
            > P. 1:11 ack 1
            < . 1:1 ack 11
            """)
        #expect(found == [.halfOpenPeer])
    }

    @Test("E16, T5: a FIN that its receiver drops closes nothing, and is no FIN sent again")
    func foreignFin() {
        let open = handshake + "> P. 1:1001 ack 1\n< . 1:1 ack 1001\n"
        let close = "\n< P. 1:11 ack 1001\n> F. 1001:1001 ack 11\n< F. 11:11 ack 1002\n> . 1002:1002 ack 12"
        // These FINs lie before acknowledged octets, have no ACK, or lie far beyond the window.
        for forged in ["> F. 501:501 ack 1", "> F 501:501", "> F. 90001:90001 ack 1"] {
            #expect(!codes(open + forged + close).contains(.halfClose))
        }
        #expect(codes(open + "> F. 501:501 ack 1" + close, keepsStatistics: true) == [])
        #expect(codes(open + "> F. 90001:90001 ack 1" + close, keepsStatistics: true) == [])
    }

    @Test("H18, T5: a RST before the SYN-ACK does not hide a half-close")
    func resetBeforeTheOpening() {
        let stale = "> S 0:0\n< . 7000:7000 ack 90000\n> R 90000:90000\n0.01 > S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n"
        let close = "> F. 1:1 ack 1\n< . 1:1 ack 2\n< P. 1:5 ack 2\n> . 2:2 ack 5\n< F. 5:5 ack 2\n> . 2:2 ack 6"
        #expect(codes(stale + close) == [.halfClose, .halfOpenPeer])
    }

    @Test("T16: an abort while the text before the peer's FIN is on its way")
    func abortBehindBothFins() {
        let text =
            handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n< P. 1:1001 ack 2\n< P. 1001:2001 ack 2\n< F. 2001:2001 ack 2\n"
            + "> . 2:2 ack 1001\n> R. 2:2 ack 1001"
        let found = findings(text)
        #expect(found.map { $0.code }.contains(.resetAfterClose), "\(found)")
        #expect(
            found.first { $0.code == .resetAfterClose }?.message
                == "the client had shut down its sending side (frame 4) and then aborted, which its kernel signals with RST; 1000 octets that the"
                + " server sent are lost", "\(found)")
    }
}
