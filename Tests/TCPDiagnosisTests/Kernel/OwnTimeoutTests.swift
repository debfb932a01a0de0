// A program that closes its socket before its SYN is answered: this is its own timeout, and no other side's fault.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite struct OwnTimeoutTests {
    /// The client's program closes half a second after its SYN.
    private func opened(_ errno: Int32? = nil) -> KernelCase {
        let play = KernelCase("> S 0:0")
        play.event(0, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        var client = play.client(.synSent)
        client.timer = .retransmission
        client.transmitQueue = 1
        play.read(100, client)
        play.event(500, .originator, .transition(from: .synSent, to: .closed), socket: 0xa, pid: errno == nil ? 7 : 0)
        if let errno { play.event(500, .originator, .socketError(errno: errno), socket: 0xa) }
        play.read(550)
        return play
    }

    @Test func H10_theAnswerComesLater() {
        let play = opened()
        play.feed("0.6 < S. 0:0 ack 1\n> R 1:1")
        #expect(play.conclude(700) == [.reset], "\(play.found)")
        #expect(play.message(.reset).contains("p7[7] closed the client's socket of its own accord 500ms after its SYN"))
        #expect(play.message(.reset).contains("the answer came 100ms later"), "\(play.message(.reset))")
    }

    /// A rule drops the SYN-ACKs on their way out, and is removed when the client has given up: what holds up the answer is the rule, and
    /// there is no last ACK that the server could have ignored.
    @Test func H10_theAnswerWasHeldUpHere() {
        let play = KernelCase("> S 0:0")
        play.tellsDropEnds = true
        play.event(0, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(0.02, .originator, .dropped(reason: .netfilterDrop))
        for time in [40.0, 80] {
            play.read(time, play.client(.synSent), play.server(.synReceived, inode: 0), play.listener())
        }
        play.event(500, .originator, .transition(from: .synSent, to: .closed), socket: 0xa, pid: 7)
        play.event(500.01, .originator, .destroyed, socket: 0xa, pid: 7)
        #expect(play.play.connection.originator.state == .closed, "at once")
        play.feed("0.6 < S. 0:0 ack 1")
        #expect(play.play.connection.originator.state == .closed)
        play.feed("> R 1:1")
        #expect(play.conclude(700) == [.reset], "\(play.found)")
        #expect(
            play.message(.reset)
                == "p7[7] closed the client's socket of its own accord 500ms after its SYN, and the answer came 100ms later: this host's kernel"
                + " had dropped 1 segment of the handshake: NETFILTER_DROP, a firewall rule on this host (nftables, iptables); its kernel"
                + " broke off the handshake with RST")
    }

    /// The SYN-ACKs before were dropped on their way in: the RST answers the one that came through.
    @Test func H10_oneAnswerCameThrough() {
        let play = KernelCase("> S 0:0\n0.0001 < S. 0:0 ack 1")
        play.tellsDropEnds = true
        play.event(0, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(0.11, .originator, .dropped(reason: .netfilterDrop))
        for time in [40.0, 80] { play.read(time, play.client(.synSent), play.server(.synReceived, inode: 0)) }
        play.event(500, .originator, .transition(from: .synSent, to: .closed), socket: 0xa, pid: 7)
        play.event(500.01, .originator, .destroyed, socket: 0xa, pid: 7)
        play.feed("1 < S. 0:0 ack 1\n> R 1:1")
        #expect(play.conclude(1100) == [.reset], "\(play.found)")
        #expect(
            play.message(.reset).contains(
                "500ms after its SYN, and the answer came 500ms later: this host's"))
    }

    @Test func H2_noAnswerComes() {
        let play = opened()
        #expect(play.conclude(2000).contains(.synUnanswered), "\(play.found)")
        #expect(play.message(.synUnanswered).contains("p7[7] closed the socket of its own accord after 500ms"))
        #expect(!play.message(.synUnanswered).contains("ETIMEDOUT"))
    }

    /// The socket is gone, and the connection over, long before any SYN would be retransmitted. A client that waits for
    /// only 50 ms left no time for an answer.
    @Test(arguments: [(300.0, true), (50, false)]) func H2_givenUpAtOnce(after span: Double, isFound: Bool) {
        let play = KernelCase("> S 0:0")
        play.event(0, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(span, .originator, .transition(from: .synSent, to: .closed), socket: 0xa, pid: 7)
        for time in [span + 40, span + 80] { play.read(time) }
        #expect(play.play.connection.isEnded)
        #expect(play.conclude(span + 300) == (isFound ? [.synUnanswered] : []), "\(play.found)")
        if isFound {
            #expect(play.message(.synUnanswered).contains("p7[7] closed the socket of its own accord after 300ms"))
        }
    }

    /// A firewall's REJECT with ICMP: the kernel only notes the error while the program uses the socket, and connect()
    /// reports it.
    @Test func H4_anICMPErrorCameBefore() {
        let play = KernelCase("> S 0:0")
        play.event(0, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(0.2, .originator, .socketError(errno: 0), socket: 0xa)
        play.event(300, .originator, .transition(from: .synSent, to: .closed), socket: 0xa, pid: 7)
        for time in [340.0, 380] { play.read(time) }
        #expect(play.conclude(700) == [.synUnanswered], "\(play.found)")
        #expect(
            play.message(.synUnanswered).hasSuffix(
                "; an ICMP error came 200us after the SYN (a firewall's REJECT, or a router's), which connect() reports, and p7[7] closed the"
                    + " socket after 300ms"), "\(play.found)")
    }

    /// The kernel's timer is not the program's timeout.
    @Test func H2_theKernelGaveUp() {
        let play = opened(110)
        #expect(play.conclude(2000).contains(.synUnanswered), "\(play.found)")
        #expect(!play.message(.synUnanswered).contains("of its own accord"))
    }
}
