// Handshakes that a firewall breaks off: in which direction the dropped packet went, and on which host.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct HandshakeFirewallTests {
    /// The server retransmits its SYN-ACK, which echoes the first SYN's timestamp and so reveals nothing about its
    /// path.
    private static let synAckLost = """
        > S 0:0 ts 100 0
        0.0001 < S. 0:0 ack 1 ts 900 100
        1.0 > S 0:0 ts 1100 0
        1.0001 < S. 0:0 ack 1 ts 1900 100
        2.0 > S 0:0 ts 2100 0
        2.0001 < S. 0:0 ack 1 ts 2900 100

        """

    @Test func theAnswerIsDroppedByTheClientsFirewall() {
        let play = KernelCase("> S 0:0\n0.0001 < S. 0:0 ack 1")
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(0.11, .originator, byRule)
        play.read(40, play.client(.synSent, unacknowledged: 1), play.server(.synReceived, inode: 0), play.listener())
        play.read(140, play.client(.synSent, unacknowledged: 1), play.server(.synReceived, inode: 0), play.listener())
        #expect(play.review(400) == [.synAckLost], "not that segments were not captured")
        #expect(
            play.message(.synAckLost)
                == "the server answered, but its SYN-ACKs do not reach the client (p7[7]), which keeps sending SYNs (1 SYN, 1 SYN-ACK in"
                + " 400ms): this host's kernel drops them: NETFILTER_DROP, a firewall rule on this host (nftables, iptables)"
        )
        play.feed("1.0 > S 0:0\n1.0001 < S. 0:0 ack 1")
        play.event(1000.11, .originator, byRule)
        #expect(play.view?.originator.trace.drops == 2 && play.view?.responder.trace.drops == 0)
        play.event(4000, .originator, .socketError(errno: 110), socket: 0xa)
        play.event(4000, .originator, .transition(from: .synSent, to: .closed), socket: 0xa)
        play.read(4100, play.listener())
        play.read(4200, play.listener())
        #expect(
            play.conclude(4500) == [.synAckLost], "nothing was sent for nothing, and no octet was lost: \(play.found)")
    }

    @Test func theAnswerIsLostOnTheWay() {
        let found = findings(Self.synAckLost, after: 1)
        #expect(found.map { $0.code } == [.synAckLost])
        #expect(found.first?.frames == [1, 2, 5] && found.first?.side == .originator)
        #expect(found.first?.message.contains("(3 SYNs, 3 SYN-ACKs in 2s): they are dropped on the path back") == true)
        #expect(codes(Self.synAckLost + "> . 1:1 ack 1 ts 2101 2900", after: 1) == [], "it arrived at last")
        #expect(codes("> S 0:0\n< S. 0:0 ack 1\n1 < S. 0:0 ack 1", after: 1) == [], "here the ACK may be lost")
        let statistics = KernelCase(Self.synAckLost + "> . 1:1 ack 1 ts 2101 2900\n")
        #expect(statistics.conclude(9000) == [.retransmission], "a SYN is never sent again for nothing")
    }

    /// No process listens, and a rule drops the RST that says so: the SYN itself is dropped for the reason NO_SOCKET.
    @Test func theRSTIsDropped() {
        let play = KernelCase("> S 0:0")
        play.tellsDropEnds = true
        play.event(0.01, .responder, .resetSent(reason: .noSocket))
        play.event(0.02, .originator, byRule)
        play.event(0.03, .responder, .dropped(reason: .noSocket))
        play.feed("1.0 > S 0:0")
        #expect(play.conclude(2000) == [.synUnanswered])
        #expect(
            play.message(.synUnanswered).hasSuffix(
                "nothing listens there, and the RST that says so never left: this host's kernel dropped it (NETFILTER_DROP, a firewall"
                    + " rule on this host (nftables, iptables))"), "\(play.found)")
    }

    /// The listener counts the segments that TCP itself drops; no event reports them.
    @Test func theListenerDropsItItself() {
        func message(_ drops: UInt32, crowded: UInt64 = 0) -> String {
            let play = KernelCase("> S 0:0")
            var listener = play.listener(backlog: 100)
            listener.drops = 4
            play.read(50, play.client(.synSent), listener)
            play.feed("1.0 > S 0:0")
            listener.drops = 4 + drops
            play.read(1100, play.client(.synSent), listener)
            play.count(1000, ["TcpExtTCPReqQFullDrop": crowded])
            #expect(play.conclude(2000) == [.synUnanswered], "\(play.found)")
            return play.message(.synUnanswered)
        }
        #expect(
            message(1).contains(
                "the SYN reached the listener, which dropped it (its drop count rose by 1): this host has no route to 127.0.0.1,"
            ))
        #expect(
            message(1).hasSuffix(
                ", or SYN cookies are off and its SYN queue is nearly full (net.ipv4.tcp_max_syn_backlog, tcp_syncookies)"
            ))
        // The kernel counts the SYNs that it drops for a full queue, and only those.
        #expect(
            message(1, crowded: 9).hasSuffix(
                "rose by 1): 9 SYNs found a full SYN queue on this host in that time, and SYN cookies are off (net.ipv4.tcp_max_syn_backlog,"
                    + " tcp_syncookies)"))
        #expect(
            message(0).contains(
                "the SYN was dropped on its way to the socket (firewall, SYN queue, no route back, MD5 or AO)"))
    }

    /// A forged address, or one address on two hosts: the kernel accepts nothing from outside that carries its own
    /// address.
    @Test func aMartian() {
        let play = KernelCase("> S 0:0")
        play.tellsDropEnds = true
        play.event(0.01, .responder, .dropped(reason: "IP_LOCAL_SOURCE"))
        #expect(play.review(1100) == [.synUnanswered])
        #expect(
            play.message(.synUnanswered).hasSuffix(
                "this host's kernel dropped all of them: IP_LOCAL_SOURCE, it came from outside with one of this host's addresses as its source"
            ),
            "\(play.found)")
    }

    /// If events do not name the packet's endpoints: a segment that was captured was not dropped on its way out before
    /// that.
    @Test(arguments: ["TC_EGRESS", "NEIGH_FAILED", "IP_OUTNOROUTES"]) func whatLeavesIsAnothers(_ reason: String) {
        let play = KernelCase("> S 0:0")
        play.event(0.01, .responder, .dropped(reason: KernelWord(reason)))
        #expect(play.view?.responder.trace.drops == 0)
        play.event(0.02, .responder, .dropped(reason: "IP_LOCAL_SOURCE"))
        #expect(play.view?.responder.trace.drops == 1)
    }

    @Test func connectionTrackingHasNoRoom() {
        let play = KernelCase("> S 0:0")
        play.event(0.01, .responder, byRule)
        play.count(0, ["ConntrackDrop": 3])
        #expect(play.review(1100) == [.synUnanswered])
        #expect(play.message(.synUnanswered).contains("which dropped 3 packets in that time: its table is full"))
    }

    @Test func nobodyAnswersARP() {
        let play = KernelCase("> S 0:0")
        play.icmp(type: 3, code: 1, from: play.play.client.address)
        #expect(play.conclude(3100) == [.synUnanswered])
        #expect(
            play.message(.synUnanswered)
                == "1 SYN got no answer from 127.0.0.1:9500 except ICMP host unreachable from 127.0.0.1 (frame 99): no"
                + " host answers 127.0.0.1's ARP on the way to 127.0.0.1; connect() fails with EHOSTUNREACH")
        let unseen = KernelCase("> S 0:0")
        unseen.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        unseen.event(3000, .originator, .socketError(errno: 113), socket: 0xa)
        #expect(unseen.conclude(3100) == [.synUnanswered])
        #expect(
            unseen.message(.synUnanswered).contains(
                "9500 in 3.1s: the client's kernel received an ICMP error, or a host on the way does not answer ARP"))
        #expect(unseen.message(.synUnanswered).hasSuffix("; the client (p7[7]) gets EHOSTUNREACH"))
        let far = KernelCase("> S 0:0")
        far.icmp(type: 3, code: 10, from: IPAddress(192, 0, 2, 1))
        #expect(far.conclude(3100) == [.synUnanswered])
        #expect(
            far.message(.synUnanswered)
                == "1 SYN got no answer from 127.0.0.1:9500 except ICMP host prohibited from 192.0.2.1 (frame 99);"
                + " connect() fails with EHOSTUNREACH")
    }

    /// While connect() holds the socket, the kernel only notes an ICMP error, and retransmits the SYN.
    @Test func theKernelGoesOnAfterAnError() {
        let play = KernelCase("> S 0:0")
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.icmp(type: 3, code: 1)
        #expect(play.play.connection.isUnreachable && play.play.connection.isEnded)
        play.read(10, play.client(.synSent, unacknowledged: 1))
        play.read(50, play.client(.synSent, unacknowledged: 1))
        #expect(!play.play.connection.isUnreachable && !play.play.connection.isEnded)
        #expect(play.play.connection.originator.state == .synSent)
        #expect(play.play.connection.originator.certainty == .confirmed)
    }

    @Test func theAnswerIsDroppedOnItsWayOut() {
        let play = KernelCase("> S 0:0")
        play.event(0.01, .responder, byRule)
        play.read(40, play.client(.synSent), play.server(.synReceived, inode: 0), play.listener())
        play.read(140, play.client(.synSent), play.server(.synReceived, inode: 0), play.listener())
        #expect(play.review(400) == [])
        play.feed("1.0 > S 0:0")
        play.event(1000.01, .responder, byRule)
        #expect(play.view?.originator.trace.drops == 1, "the server's kernel has the request: this was its answer")
        #expect(play.review(1600) == [.synUnanswered])
        #expect(
            play.message(.synUnanswered).hasSuffix(
                "the SYNs arrived, since the server's kernel was in SYN_RECEIVED; its SYN-ACKs were dropped on their way out:"
                    + " NETFILTER_DROP, a firewall rule on this host (nftables, iptables)"), "\(play.found)")
    }

    /// The ports identify the dropped answer before any reading does.
    @Test func anAnswerThatIsDroppedIsKnownByItsPorts() {
        let play = KernelCase("> S 0:0")
        play.tellsDropEnds = true
        play.event(0.02, .originator, byRule)
        #expect(play.view?.originator.trace.drops == 1 && play.view?.responder.trace.drops == 0)
        #expect(play.review(1600) == [.synUnanswered])
        #expect(play.message(.synUnanswered).contains("this host's kernel dropped the answers to them: NETFILTER_DROP"))
    }

    @Test func anAttemptThatTheKernelGoesOnWithIsNoMismatch() {
        let play = KernelCase("> S 0:0")
        play.event(0.2, .originator, .socketError(errno: 0))
        #expect(play.view?.originator.trace.isTraced == false, "an error that is only noted is no event")
        play.icmp(type: 3, code: 3)
        #expect(play.play.connection.originator.state == .closed, "our guess")
        let said = [40.0, 140].flatMap { play.read($0, play.client(.synSent), play.listener()) }
        let corrections = said.filter {
            if case .contradiction = $0.kind { true } else { false }
        }
        #expect(corrections.count == 1 && corrections.allSatisfy(\.isCorrected), "the guess is taken back")
        #expect(play.play.connection.originator.state == .synSent)
        #expect(play.conclude(300) == [.synUnanswered])
    }

    /// A rule may drop a flood of unrelated packets: not each of them justifies a search through every connection.
    @Test func aFloodOfDropsIsNotSearchedForText() {
        let play = KernelCase(exchange + "0.3 > P. 6:13 ack 6")
        let others = Array(repeating: byRule, count: 1000)
        play.events(299, .responder, others + [byRule], last: 300.01)
        #expect(play.view?.responder.trace.drops == 0, "it is the thousand and first")
        play.events(299, .responder, [byRule], last: 300.01)
        #expect(play.view?.responder.trace.drops == 1)
    }

    @Test func aRuleThatDropsTextIsNamed() {
        let play = KernelCase(exchange + "0.3 > P. 6:13 ack 6")
        play.event(300.01, .responder, byRule)
        #expect(play.view?.responder.trace.drops == 1)
        play.event(300.02, .responder, byRule)
        #expect(play.view?.responder.trace.drops == 1, "it is dropped once")
        play.feed("0.5 > P. 6:13 ack 6\n0.5001 < . 6:6 ack 13")
        play.event(500.11, .responder, byRule)
        #expect(play.view?.responder.trace.drops == 1, "an ACK carries nothing, and nothing else waits")
        play.conclude(900)
        #expect(play.message(.retransmission).contains("the kernel dropped 1 segment for the server: NETFILTER_DROP"))
    }

    /// A rule drops the last ACK and the text: both sides retransmit, for one cause.
    @Test func theCauseOfBothIsToldOnce() {
        let play = KernelCase(handshake + "0.01 > P. 1:4 ack 1")
        play.tellsDropEnds = true
        for time in [2.01, 10.01] { play.event(time, .responder, byRule) }
        play.feed("0.21 > P. 1:4 ack 1")
        play.event(210.01, .responder, byRule)
        play.feed("1.02 < S. 0:0 ack 1\n> . 4:4 ack 1\n2.3 > P. 1:4 ack 1\n< . 1:1 ack 4")
        play.conclude(3000)
        let message = play.message(.retransmission)
        #expect(
            message.hasPrefix("the client retransmitted 2 segments (")
                && message.hasSuffix(
                    "; the server retransmitted 1 segment (1 opening); the kernel dropped 3 segments for the server: NETFILTER_DROP, a firewall"
                        + " rule on this host (nftables, iptables)"),
            "\(play.found)")
        #expect(message.split(separator: "NETFILTER_DROP").count == 2, "\(message)")
    }

    /// Segments that a rule drops on their way out are not even captured: the connection just stalls.
    @Test func segmentsThatDoNotGetOut() {
        let play = KernelCase(exchange)
        play.tellsDropEnds = true
        for time in [100.0, 300, 700] { play.event(time, .responder, byRule) }
        play.read(800, play.client(.established, unacknowledged: 500), play.server(.established))
        #expect(play.review(2000) == [], "it may get through yet")
        #expect(play.review(6000) == [.segmentsDropped])
        #expect(
            play.message(.segmentsDropped)
                == "this host's kernel dropped 3 segments for the server: NETFILTER_DROP, a firewall rule on this host"
                + " (nftables, iptables); 500 octets from the client are still unacknowledged", "\(play.found)")
        // A drop that follows from a loss is no finding, nor is one that another finding explains.
        let late = KernelCase(exchange)
        late.event(100, .responder, .dropped(reason: "TCP_RESET"))
        #expect(late.conclude(6000) == [])
    }
}
