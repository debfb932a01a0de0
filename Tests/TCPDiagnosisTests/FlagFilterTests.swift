// X15: a capture with `tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0` has no pure ACKs and hardly any text, so
// findings that need these are not made.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct FlagFilterTests {
    private static let opening = "> S 0:0\n< S. 0:0 ack 1\n"
    /// The segments between its SYN and this FIN were not captured.
    private static let closing = "2 > F. 101:101 ack 501\n2.4 < F. 501:501 ack 102\n"

    private func codes(_ text: String) -> [FindingCode] { findings(text, keepsStatistics: true).map { $0.code } }

    @Test func X15_whatIsNotCapturedIsToldAsSuch() {
        let found = findings(Self.opening + Self.closing)
        #expect(found.map { $0.code } == [.captureGap])
        #expect(
            found.first?.message
                == "the capture has only the SYNs, FINs and RSTs of this connection, as with a filter on these flags:"
                + " it lacks the 600 octets of text that were acknowledged")
    }

    /// The RST's number follows text that was left out, within the known window or beyond it.
    @Test(arguments: ["> R. 140:140 ack 9000", "> R 140:140", "< R. 200000:200000 ack 1", "> R. 1:1 ack 9000"])
    func X15_aResetBehindWhatWasLeftOut(_ reset: String) {
        let found = codes(Self.opening + "2 " + reset)
        #expect(!found.contains(.rstIgnored), "\(found)")
        // A RST with ACK is an abort, whatever preceded it.
        #expect(found.contains(.reset) == reset.contains("R."), "\(found)")
    }

    /// If any other segment of the connection was captured, the expected number is known.
    @Test func X15_otherwiseItIsIgnored() {
        #expect(codes(handshake + "2 < R 100:100\n> . 1:1 ack 1\n< P. 1:5 ack 1") == [.rstIgnored])
    }

    @Test func X15_aHandshakeThatIsBrokenOff() {
        let found = findings(Self.opening + "> R 1:1")
        #expect(found.map { $0.code } == [.reset])
        #expect(
            found.first?.message.hasPrefix("the client's host answered with RST, because it has no such connection")
                == true)
    }

    /// The ACK may be among the segments left out, and so may the peer's text.
    @Test(arguments: [
        "2 > F. 101:101 ack 501\n2.21 > F. 101:101 ack 501\n2.4 < F. 501:501 ack 102",
        "2 > F. 101:101 ack 501\n2.4 > R 102:102",
        "0.5 < S. 0:0 ack 1",
    ])
    func X15_needlessOrLostIsNotKnown(_ text: String) {
        #expect(Set(codes(Self.opening + text)).isSubset(of: [.captureGap]))
    }

    @Test func X15_aSynThatWasSentAgainUnansweredWasLost() {
        #expect(codes("> S 0:0\n1 > S 0:0\n< S. 0:0 ack 1\n" + Self.closing) == [.captureGap, .retransmission])
    }

    // MARK: The kernel's word

    /// The kernel's view includes what the capture lacks.
    @Test func X15_theKernelIsAhead() {
        let play = KernelCase(Self.opening)
        for time in [100.0, 200] { play.read(time, play.client(.established), play.server(.established)) }
        #expect(play.play.connection.statesText == "ESTABLISHED ESTABLISHED")
        #expect(play.view?.responder.confirmedState == .established)
        #expect(play.review(400) == [])
        play.feed("2 > F. 101:101 ack 501\n")
        for time in [2100.0, 2200] { play.read(time, play.client(.finWait2), play.server(.closeWait)) }
        #expect(play.review(2400) == [])
        play.feed("2.5 < F. 501:501 ack 102\n")
        play.read(2600, play.client(.timeWait, inode: 0))
        play.read(2700, play.client(.timeWait, inode: 0))
        #expect(play.conclude(2800) == [.captureGap], "\(play.found)")
    }

    /// The kernel's state is behind that of the capture, and no missing ACK explains that.
    @Test func X15_theKernelIsBehind() {
        let play = KernelCase(Self.opening)
        for time in [100.0, 200] { play.read(time, play.client(.synSent), play.server(.synReceived)) }
        #expect(play.review(1400) == [.synAckLost])
    }
}
