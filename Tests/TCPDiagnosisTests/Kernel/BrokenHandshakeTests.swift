// SYN-ACKs that the client's host answers with RST: who sent the SYN.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct BrokenHandshakeTests {
    private static let scan = "> S 0:0\n< S. 0:0 ack 1\n"

    /// nmap -sS, or a forged SYN from an address of this host: the kernel knows of no socket.
    @Test func E1_noSocketSentTheSyn() {
        let play = KernelCase(Self.scan + "> R 1:1")
        play.event(0.02, .originator, .resetSent(reason: .noSocket))
        for time in [40.0, 80] { play.read(time, play.listener()) }
        #expect(play.conclude(700) == [.reset], "\(play.found)")
        #expect(
            play.message(.reset)
                == "no socket of this host sent the SYN, so it came from a raw socket, as port scanners' do, or was forged: the kernel"
                + " answered the SYN-ACK with RST")
    }

    /// A socket that had gone before the answer came: nobody forged anything.
    @Test func E1_itsSocketWasGone() {
        let play = KernelCase(Self.scan + "> R 1:1")
        play.event(0, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(0.015, .originator, .transition(from: .synSent, to: .closed), socket: 0xa)
        play.event(0.02, .originator, .resetSent(reason: .noSocket))
        #expect(play.conclude(700) == [.reset], "\(play.found)")
        #expect(!play.message(.reset).contains("forged"), "\(play.message(.reset))")
    }

    /// The client's kernel is another one: both are possible.
    @Test func E1_seenFromAfar() {
        let found = findings(Self.scan + "> R 1:1")
        #expect(
            found.map { $0.message } == [
                "the client's host answered with RST, because it has no such connection: the program had given up, or its kernel did not"
                    + " send the SYN (a port scanner did, from a raw socket, or it was forged)"
            ])
    }

    /// SO_LINGER 0 before anything else, as some health checks do: the connection existed.
    @Test func E1_anAbort() {
        let found = findings(Self.scan + "> R. 1:1 ack 1")
        #expect(found.map { $0.message } == ["the client broke off the handshake with RST"])
    }
}
