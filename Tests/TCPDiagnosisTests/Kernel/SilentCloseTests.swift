// A socket that went in silence, and the RST that its host answers with later: what the kernel said is not guessed once more.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct SilentCloseTests {
    /// The client's socket has gone after a timeout; then the server sends something.
    private func gone(_ later: String, after text: String = "") -> KernelCase {
        let play = KernelCase(exchange + text)
        play.event(-0.01, .originator, .transition(from: .closed, to: .synSent), socket: 0xa, pid: 7)
        play.event(1.1, .originator, .transition(from: .synSent, to: .established), socket: 0xa)
        play.read(10, play.client(.established), play.server(.established))
        play.event(3000, .originator, .socketError(errno: 110), socket: 0xa)
        play.event(3000, .originator, .transition(from: .established, to: .closed), socket: 0xa)
        for time in [3400.0, 3500] { play.read(time, play.server(.established)) }
        play.feed(later)
        return play
    }

    @Test func E13_whatTheKernelSaidIsNotGuessed() {
        let play = gone("5 < P. 6:19 ack 6\n> R 6:6\n")
        #expect(play.conclude(5300) == [.halfOpenPeer, .silentClose], "\(play.found)")
        #expect(
            play.message(.halfOpenPeer)
                == "the server sent something on a connection whose socket the kernel of the client (p7[7]) had dropped 2s before;"
                + " 13 octets that it sent are lost; the client (p7[7]) gets ETIMEDOUT", "\(play.found)")
        #expect(
            play.message(.silentClose).contains(
                " and no packet says so: the peer believed in the connection until a RST answered it, 2s later; "),
            "\(play.found)")
    }

    /// Told before the RST came, and not again after it.
    @Test func E13_toldBeforeTheReset() {
        let play = gone("")
        #expect(play.review(4000) == [.silentClose])
        #expect(play.message(.silentClose).contains(": the peer still believes in the connection"))
        play.feed("5 < P. 6:19 ack 6\n> R 6:6\n")
        #expect(play.conclude(5300) == [.silentClose, .halfOpenPeer], "\(play.found)")
        #expect(!play.message(.halfOpenPeer).contains("NAT"), "\(play.found)")
    }

    /// The other side's end explains nothing of this one's RST.
    @Test func E13_withoutItsWordItIsAGuess() {
        let play = KernelCase(exchange + "5 < P. 6:19 ack 6\n> R 6:6\n")
        #expect(play.conclude(5300) == [.halfOpenPeer], "\(play.found)")
        #expect(play.message(.halfOpenPeer).contains("a NAT on the way forgot the connection, or it had aborted"))
    }

    /// What came before it was dropped by a rule, so that its number looks old; the kernel took it all the same.
    @Test func E16_aResetThatTheKernelObeyed() {
        func play() -> KernelCase { gone("5 < P. 6:19 ack 6\n> R 6:6\n", after: "> P. 6:10 ack 6\n") }
        let unknown = play()
        #expect(unknown.conclude(5300).contains(.rstIgnored), "\(unknown.found)")
        let told = play()
        told.event(5001, .responder, .socketError(errno: 104), socket: 0xb)
        told.event(5001, .responder, .transition(from: .established, to: .closed), socket: 0xb)
        for time in [5100.0, 5200] { told.read(time) }
        #expect(!told.conclude(5300).contains(.rstIgnored), "\(told.found)")
    }
}
