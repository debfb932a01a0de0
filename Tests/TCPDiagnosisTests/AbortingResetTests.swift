// RSTs that do not answer a segment: their sender had the connection, or its segments went unanswered.

import Exchanges
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct AbortingResetTests {
    private let text = handshake + "> P. 1:101 ack 1\n"

    @Test(
        "T13: who has just acknowledged or answered has the connection: its RST without ACK is an abort (RFC 9293 3.10.5)"
    )
    func afterAnAnswer() {
        for answer in [
            "< . 1:1 ack 101\n< R 1:1", "< P. 1:201 ack 101\n< R 201:201", "< P. 1:201 ack 101\n0.9 < R 201:201",
        ] {
            let found = findings(text + answer)
            #expect(found.map { $0.code } == [.reset])
            #expect(found.first?.message.contains(": its host aborts connections this way") == true, "\(found)")
        }
    }

    @Test("T13: a number that no segment of the peer asked for answers none (RFC 9293 3.10.7.1)")
    func anotherNumber() {
        #expect(codes(text + "< P. 1:11 ack 1\n< P. 11:21 ack 1\n< R 21:21") == [.reset])
    }

    @Test("T16: after the FIN, which it has acknowledged")
    func afterTheFin() {
        let found = codes(text + "< P. 1:201 ack 101\n> F. 101:101 ack 201\n< . 201:201 ack 102\n0.2 < R 201:201")
        #expect(found == [.reset])
    }

    @Test("E13: nothing but an answer to something older came in between")
    func crossedAck() {
        let crossed = text + "> P. 101:201 ack 1\n< . 1:1 ack 101\n< R 1:1"
        #expect(codes(crossed) == [.halfOpenPeer])
    }

    @Test("H22: a RST for what completes the handshake may come of a full accept queue")
    func unaccepted() {
        let found = findings("> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n< R 1:1")
        #expect(found.map { $0.code } == [.halfOpenPeer])
        #expect(found.first?.message.contains("tcp_abort_on_overflow") == true, "\(found)")
        #expect(found.first?.frames == [2, 3, 4])
        let later = findings(handshake + "60 > P. 1:11 ack 1\n< R 1:1")
        #expect(later.first?.message.contains("tcp_abort_on_overflow") == false, "\(later)")
    }

    @Test("H17: a SYN-ACK for another SYN is no challenge of an older socket (RFC 9293 3.5, figure 8)")
    func oldDuplicateSyn() {
        let close = "> . 1:1 ack 1\n> F. 1:1 ack 1\n< F. 1:1 ack 2\n> . 2:2 ack 2"
        #expect(codes("> S 0:0\n< S. 0:0 ack -900\n> R -900:-900\n0.02 < S. 0:0 ack 1\n" + close) == [])
    }

    @Test("E7: whose RST follows on unanswered retransmissions may have given up (RFC 9293 3.8.3)")
    func gaveUp() {
        let open = handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n"
        let vain = "1 > P. 11:21 ack 1\n2 > P. 11:21 ack 1\n4 > P. 11:21 ack 1\n8 > P. 11:21 ack 1\n"
        let found = findings(open + vain + "160 > R. 21:21 ack 1")
        #expect(found.map { $0.code } == [.reset])
        #expect(
            found.first?.message.contains(
                "aborted the connection: it gave up on a peer that did not answer for 159s, despite 3 more segments, or it closed"
            ) == true, "\(found)")
        let heard = findings(open + vain + "9 < . 1:1 ack 21\n160 > R. 21:21 ack 1")
        #expect(heard.first?.message.contains("gave up") == false, "\(heard)")
    }

    @Test("E16: only the side in whose name it came goes on: the other one has taken it")
    func heededByOne() {
        let forged = text + "< . 1:1 ack 101\n< P. 1:11 ack 101\n> . 101:101 ack 11\n< R. 11:11 ack 101\n"
        let found = findings(forged + "1 < P. 11:21 ack 101\n2 < P. 11:21 ack 101")
        let finding = found.first { $0.code == .rstIgnored }
        #expect(finding?.message.contains("both sides") == false, "\(found)")
        #expect(finding?.message.contains("silent since") == true, "\(found)")
        let both = findings(forged + "1 > P. 101:111 ack 11\n< . 11:11 ack 111\n< P. 11:21 ack 111\n> . 111:111 ack 21")
        #expect(both.first { $0.code == .rstIgnored }?.message.contains("both sides carried on") == true, "\(both)")
    }
}

@Suite struct DeadWayTests {
    @Test("E20: nothing small arrives either, where the peer sends again what was acknowledged")
    func deadWay() {
        let open =
            handshake
            + "> P. 1:11 ack 1\n< . 1:1 ack 11\n> P. 11:1411 ack 1\n0.1 < P. 1:51 ack 11\n> . 1411:1411 ack 51\n"
        let vain =
            "0.3 > P. 11:1411 ack 51\n0.4 < P. 1:51 ack 11\n> . 1411:1411 ack 51\n0.8 > P. 11:1411 ack 51\n"
            + "1 < P. 1:51 ack 11\n> . 1411:1411 ack 51\n1.8 > P. 11:1411 ack 51\n2.2 < P. 1:51 ack 11\n> . 1411:1411 ack 51\n"
            + "3.8 > P. 11:1411 ack 51"
        #expect(!codes(open + vain, after: 9).contains(.mtuBlackHole))
        // A SACK of a smaller segment behind it shows that small ones do arrive.
        let reported = "\n3.9 > P. 1411:1421 ack 51\n< . 51:51 ack 11 sack 1411:1421"
        #expect(codes(open + vain + reported, after: 9).contains(.mtuBlackHole))
    }
}

@Suite struct LateProbeTests {
    @Test("E8: an ACK is not delayed until after a probe that leaves half a second after it was due (RFC 1122 4.2.3.2)")
    func lostAck() {
        let open = "> S 0:0 sackOK\n< S. 0:0 ack 1 sackOK\n> . 1:1 ack 1\n> P. 1:11 ack 1\n< . 1:1 ack 11\n"
        let far =
            "0 > S 0:0 sackOK\n1 < S. 0:0 ack 1 sackOK\n> . 1:1 ack 1\n1.1 > P. 1:11 ack 1\n2.1 < . 1:1 ack 11\n"
            + "2.2 > P. 11:21 ack 1\n4.4 > P. 11:21 ack 1\n5.4 < . 1:1 ack 21 sack 11:21"
        let late = findings(far, keepsStatistics: true)
        #expect(
            late.contains { $0.code == .tailLossProbe && $0.message.hasSuffix("it had arrived, and its ACK was lost") },
            "\(late)")
        // The probe also repeats octets that were acknowledged long ago, so it does not show that an ACK was lost.
        let both = findings(
            open + "9 > P. 11:21 ack 1\n9.1 > P. 1:21 ack 1\n< . 1:1 ack 21 sack 11:21", keepsStatistics: true)
        #expect(!both.contains { $0.code == .tailLossProbe && $0.message.hasSuffix("its ACK was lost") }, "\(both)")
    }
}

@Suite struct SynTextTests {
    @Test("H25: text in a SYN is Fast Open with its option only (RFC 7413 2)")
    func option() {
        let rest = "\n< S. 0:0 ack 5\n> . 5:5 ack 1"
        #expect(findings("> S 0:4 tfo 8" + rest).first?.message == "the SYN carried 4 octets of text (TCP Fast Open)")
        #expect(findings("> S 0:4" + rest).first?.message.contains("without the Fast Open option") == true)
    }

    @Test("H26: the server took a part of the SYN's text: the rest comes at once, and nothing was lost")
    func takenInPart() {
        let text = "> S 0:1000 tfo 8\n< S. 0:0 ack 501\n> P. 501:1001 ack 1\n< . 1:1 ack 1001"
        #expect(codes(text, keepsStatistics: true) == [.fastOpen])
    }
}
