// Packets dropped by the kernel of a router, or of a host that has lost its address.

import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct RouterDropTests {
    private static let tooBig = SocketEvent.Kind.dropped(reason: "PKT_TOO_BIG")

    /// A router's own interface has the smaller MTU, and its ICMP errors are filtered: the segment is retransmitted in
    /// vain.
    @Test func E20_theBlackHoleIsThisHost() {
        let play = KernelCase(exchange + "0.1 > . 6:1454 ack 6")
        play.tellsDropEnds = true
        play.event(100.01, .responder, Self.tooBig)
        play.feed("0.3 > . 6:1454 ack 6")
        play.event(300.01, .responder, Self.tooBig)
        #expect(!play.review(2000).contains(.mtuBlackHole), "its sender may just have heard of it")
        play.feed("2.1 > . 6:1454 ack 6")
        play.event(2100.01, .responder, Self.tooBig)
        #expect(play.review(5000).contains(.mtuBlackHole))
        #expect(
            play.message(.mtuBlackHole)
                == "the client sent the same 1448 octets 3 times in 2s without success: this host drops packets larger than the MTU of the"
                + " outgoing link (PKT_TOO_BIG), and its ICMP error (packet too big) does not reach the sender",
            "\(play.found)")
    }

    /// Path MTU discovery as intended: the sender receives the error, and its next segment is smaller.
    @Test func E20_aRouterThatIsHeardIsNoBlackHole() {
        let play = KernelCase(exchange + "0.1 > . 6:1454 ack 6")
        play.tellsDropEnds = true
        play.event(100.01, .responder, Self.tooBig)
        play.feed("0.101 > . 6:1154 ack 6\n0.102 < . 6:6 ack 1154")
        #expect(!play.conclude(900).contains(.mtuBlackHole))
    }

    /// The address has moved to another host, but the neighbour still sends to this one.
    @Test func anAddressThatMovedAway() {
        let play = KernelCase("> S 0:0")
        play.tellsDropEnds = true
        play.event(0.01, .responder, .dropped(reason: "IP_INADDRERRORS"))
        play.feed("1 > S 0:0")
        play.event(1000.01, .responder, .dropped(reason: "IP_INADDRERRORS"))
        play.review(5000)
        #expect(
            play.message(.synUnanswered).contains(
                "this host's kernel dropped all of them: IP_INADDRERRORS, it is addressed to another host, and this host does not forward it"
            ),
            "\(play.found)")
    }

    /// A packet dropped before the capture has no frame, and the latest frame did arrive.
    @Test func onlyAFrameThatWasDroppedIsCited() throws {
        let unseen = KernelCase(exchange)
        unseen.tellsDropEnds = true
        for time in [100.0, 300, 700] { unseen.event(time, .responder, byRule) }
        #expect(unseen.review(6000) == [.segmentsDropped])
        #expect(unseen.found.first?.frames == [])
        let seen = KernelCase(exchange + "0.1 > P. 6:11 ack 6")
        seen.tellsDropEnds = true
        seen.event(100.01, .responder, byRule)
        #expect(seen.review(6000) == [.segmentsDropped])
        #expect(seen.found.first?.frames == [8], "\(seen.found)")
    }
}
