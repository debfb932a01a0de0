// Which host or rule refused a SYN, and which process would have accepted it.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct RefusedRuleTests {
    @Test func theSynIsRejectedOnItsWayOut() {
        let play = KernelCase("")
        play.play.serverISN = 0
        play.feed("< R. 0:0 ack 1")
        // The RST is the only segment; its sender is taken for the server because of its port.
        let (client, server): (Side, Side) =
            play.play.connection.tuple.source == play.play.client
            ? (.originator, .responder) : (.responder, .originator)
        play.event(-0.01, client, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(0.01, client, .transition(from: .synSent, to: .closed), socket: 0xa)
        #expect(play.conclude(300) == [.refused], "\(play.found)")
        #expect(play.play.connection.outcome == (server == .responder ? .refused : .reset))
        #expect(
            play.message(.refused).contains(
                "rejects outgoing SYNs for 127.0.0.1:9500 with RST, or a NAT there (REDIRECT, DNAT) sends them elsewhere"
            ))
        #expect(play.found.first?.side == server)
    }

    @Test func refusedWhereSomebodyListensAtAnotherAddress() {
        let play = KernelCase("> S 0:0\n< R. 0:0 ack 1")
        play.event(0.9, .responder, .resetSent(reason: "NO_SOCKET"))
        let other = SocketAddress(IPAddress(127, 0, 0, 9), 9500)
        play.read(5, play.listener(at: other), owners: [33: 8])
        #expect(play.conclude(300) == [.refused])
        #expect(
            play.message(.refused)
                == "nothing listens on 127.0.0.1:9500, but p8[8] listens on 127.0.0.9:9500; connect() fails with ECONNREFUSED"
        )
    }
}
