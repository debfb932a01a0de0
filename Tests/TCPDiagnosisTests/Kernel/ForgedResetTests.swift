// RSTs that their apparent sender's TCP did not send, and SYN-ACKs that answer no SYN.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct ForgedResetTests {
    private func rejected(_ text: String = "> P. 6:10 ack 6\n< R 6:6") -> KernelCase {
        let play = KernelCase(exchange)
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(2.1, .responder, .transition(from: .listen, to: .synReceived), socket: 0xb)
        play.event(2.2, .responder, .transition(from: .synReceived, to: .established), socket: 0xb)
        play.read(5, play.client(.established), play.server(.established), owners: [22: 8])
        play.feed(text)
        return play
    }

    @Test func aRuleRejectsInTheMiddle() {
        let play = rejected()
        play.read(100, play.server(.established))
        #expect(play.conclude(300) == [.middlebox], "\(play.found)")
        #expect(
            play.message(.middlebox)
                == "the RST in the name of the server (p8[8]) was not sent by its TCP, which still has the socket in ESTABLISHED:"
                + " a firewall rule (REJECT) or a middlebox generated it; 4 octets that the client (p7[7]) sent are lost"
        )
    }

    /// On a router, for example: the server's kernel is another one, or in another network namespace, and nothing else
    /// is known of it.
    @Test func aRuleRejectsForSomebodyElse() {
        func dropped(at time: Double) -> KernelCase {
            let play = KernelCase(exchange + "> P. 6:10 ack 6\n< R 6:6")
            play.event(time, .responder, .dropped(reason: .netfilterDrop))
            return play
        }
        let play = dropped(at: 8.1)
        #expect(play.conclude(300) == [.middlebox], "\(play.found)")
        #expect(
            play.message(.middlebox)
                == "the RST in the name of the server was not sent by its TCP: a firewall rule on this host (nftables, iptables)"
                + " rejected a segment with it; 4 octets that the client sent are lost")
        // A rule that dropped a packet long before is unrelated.
        #expect(dropped(at: -500).conclude(300) == [.halfOpenPeer])
    }

    /// The rule for SYN-ACKs sends its RST to the server, in the client's name.
    @Test(arguments: ["> S 0:0\n> R 1:1", "> S 0:0\n< S. 0:0 ack 1\n> R 1:1"])
    func aRuleRejectsTheAnswer(_ text: String) {
        let play = KernelCase(text)
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        for time in [5.0, 60] { play.read(time, play.client(.synSent), play.listener()) }
        #expect(play.conclude(300) == [.middlebox], "\(play.found)")
        #expect(
            play.message(.middlebox).contains(
                "in the name of the client (p7[7]) was not sent by its TCP, which still has the socket in SYN_SENT"
            ))
    }

    @Test func whoseSocketIsGoneMayHaveSentIt() {
        let gone = rejected()
        gone.event(8.2, .responder, .transition(from: .established, to: .closed), socket: 0xb)
        gone.read(100)
        #expect(gone.conclude(300) == [.halfOpenPeer])
        let sent = rejected()
        sent.event(8.1, .responder, .resetSent(reason: "NO_SOCKET"))
        #expect(sent.conclude(300) == [.halfOpenPeer])
    }

    /// The RST is in the window, but does not have the next number: its receiver challenges it, and its apparent sender
    /// answers that.
    @Test func aForgedResetThatIsNotObeyed() {
        let play = rejected("> R 200:200\n< . 6:6 ack 6")
        for time in [50.0, 100] { play.read(time, play.client(.established), play.server(.established)) }
        play.feed("0.5 > F. 6:6 ack 6\n< F. 6:6 ack 7\n> . 7:7 ack 7")
        let found = play.conclude(900)
        #expect(found.contains(.middlebox) && !found.contains(.stateMismatch), "\(play.found)")
        #expect(
            play.message(.middlebox)
                == "the RST in the name of the client (p7[7]) was not sent by its TCP, which still had the socket in"
                + " ESTABLISHED: a third party sent it, and the server (p8[8]) ignored it, because it does not have the sequence number"
                + " expected next (RFC 5961 3.2)")
        #expect(!found.contains(.rstIgnored), "one finding for one RST")
    }

    /// The rule's RST ended the client; the server, which did not send one, closes normally later.
    @Test func whoDidNotResetStillCloses() {
        let play = rejected()
        play.event(8.1, .originator, .resetReceived, socket: 0xa)
        play.event(8.1, .originator, .transition(from: .established, to: .closed), socket: 0xa)
        for time in [50.0, 100] { play.read(time, play.server(.established)) }
        play.feed("15 < F. 6:6 ack 6")
        #expect(play.play.last.sent.anomalies == .resetUnheeded)
        #expect(play.play.connection.responder.state == .finWait1)
        play.feed("> R 6:6")
        #expect(play.conclude(16_000).contains(.middlebox), "\(play.found)")
    }

    /// The apparent sender drops the ACKs of a FIN that it did not send, and continues.
    @Test func aForgedFin() {
        let play = rejected("> F. 6:6 ack 6\n< . 6:6 ack 7")
        play.event(9, .originator, .dropped(reason: "TCP_ACK_UNSENT_DATA"))
        for time in [50.0, 100] { play.read(time, play.client(.established), play.server(.closeWait)) }
        play.feed("0.4 < F. 6:6 ack 7\n0.37 > P. 6:7 ack 6\n< R 7:7")
        let found = play.conclude(2000)
        #expect(
            found.contains(.middlebox) && Set(found).isDisjoint(with: [.resetAfterClose, .stateMismatch]),
            "\(play.found)")
        #expect(
            play.message(.middlebox).hasPrefix(
                "the FIN in the name of the client (p7[7]) was not sent by its TCP, which still had the socket in"
                    + " ESTABLISHED: a third party sent it"))
    }

    /// A SYN-ACK without a SYN (backscatter): its SYN is not text, and no host was restarted.
    @Test func aSynAckThatNobodyAskedFor() {
        let found = findings("< S. 0:0 ack 1\n> R 1:1")
        #expect(found.map { $0.code } == [.halfOpenPeer])
        #expect(found.first?.message.contains("a SYN-ACK for a SYN that was not captured") == true)
        #expect(found.first?.evidence.isEmpty == true)
    }

    @Test func oneOctetIsLost() {
        #expect(
            findings(handshake + "> P. 1:2 ack 1\n< R 1:1").first?.message.hasSuffix("1 octet that it sent is lost")
                == true)
    }
}
