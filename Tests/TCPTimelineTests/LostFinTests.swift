// FINs that their receiver cannot have taken, or that its later segments show it never got; and other segments that
// only seem to come from an endpoint.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite struct LostFinTests {
    private func states(_ text: String) -> [String] {
        let play = Play()
        return text.split(separator: "\n").map { line in
            play.feed(String(line))
            return play.connection.statesText
        }
    }

    private let small = "> S 0:0 win 1000\n< S. 0:0 ack 1\n> . 1:1 ack 1 win 1000\n"

    @Test("T10: what lies beyond the window is cut off, the FIN too (RFC 9293 3.10.7.4, first check)")
    func beyondTheWindow() {
        let trimmed = small + "< F. 1:1461 ack 1\n> . 1:1 ack 1001 win 0\n"
        let seen = states(trimmed + "1 > . 1:1 ack 1001 win 1000\n< F. 1001:1461 ack 1\n> . 1:1 ack 1462 win 1000")
        #expect(seen[3...4].allSatisfy { $0 == "ESTABLISHED FIN_WAIT_1" }, "\(seen)")
        #expect(seen[6] == "CLOSE_WAIT FIN_WAIT_1" && seen[7] == "CLOSE_WAIT FIN_WAIT_2", "\(seen)")
        // A retransmission of the text without the FIN does not bring the FIN.
        let text = states(trimmed + "1 > . 1:1 ack 1001 win 1000\n< P. 1001:1461 ack 1\n> . 1:1 ack 1461 win 1000")
        #expect(text.last == "ESTABLISHED FIN_WAIT_1", "\(text)")
    }

    @Test("T10: a FIN into a window of 0, until its ACK shows that it was taken all the same")
    func closedWindow() {
        let open = handshake + "< P. 1:501 ack 1\n> . 1:1 ack 501 win 0\n< F. 501:501 ack 1\n> . 1:1 ack 501 win 0\n"
        #expect(states(open + "0.4 < F. 501:501 ack 1\n> . 1:1 ack 501 win 0").last == "ESTABLISHED FIN_WAIT_1")
        #expect(states(open + "0.4 < F. 501:501 ack 1\n> . 1:1 ack 502 win 0").last == "CLOSE_WAIT FIN_WAIT_2")
    }

    @Test("T6, X7: a FIN that was lost behind the capture is taken back once its receiver goes on without it")
    func lostBehindTheCapture() {
        let open = handshake + "< P. 1:101 ack 1\n> . 1:1 ack 101\n0.1 < F. 101:101 ack 1\n"
        let seen = states(
            open + "2.1 > P. 1:51 ack 101\n< . 102:102 ack 51\n4.1 > P. 51:101 ack 101\n< . 102:102 ack 101")
        #expect(
            seen[5] == "CLOSE_WAIT FIN_WAIT_1" && seen[6...].allSatisfy { $0 == "ESTABLISHED FIN_WAIT_1" }, "\(seen)")
        let again = "\n5 < F. 101:101 ack 101\n> . 101:101 ack 102"
        #expect(states(open + "2.1 > P. 1:51 ack 101\n4.1 > P. 51:101 ack 101" + again).last == "CLOSE_WAIT FIN_WAIT_2")
        // Text that may have crossed the FIN proves nothing, unless its sender continues long enough.
        #expect(states(open + "0.15 > P. 1:51 ack 101").last == "CLOSE_WAIT FIN_WAIT_1")
        let on = states(
            open + "0.15 > P. 1:51 ack 101\n< . 102:102 ack 51\n0.25 > P. 51:101 ack 101\n0.35 > P. 101:151 ack 101")
        #expect(on.last == "ESTABLISHED FIN_WAIT_1", "\(on)")
        // An older ACK was merely overtaken.
        #expect(states(open + "3 > . 1:1 ack 1").last == "CLOSE_WAIT FIN_WAIT_1")
    }

    @Test(
        "T10: a FIN behind a hole is not processed (RFC 9293 3.10.7.4), as a SACK shows", arguments: [4349, 5005, 5006])
    func behindHole(left: Int) {
        // The FIN and its text come in one segment or two, and the block is of either, or of the text alone.
        let block = left == 5006 ? "4349:5005" : "\(left):5006"
        let open = handshake + "> P. 1:5 ack 1\n> P. 5:4349 ack 1\n> F. 4349:5005 ack 1\n< . 1:1 ack 5\n"
        let seen = states(open + "< . 1:1 ack 5 sack \(block)\n0.2 > . 5:2901 ack 1\n0.4 > . 5:2901 ack 1")
        #expect(
            seen[6] == "FIN_WAIT_1 CLOSE_WAIT" && seen[7...].allSatisfy { $0 == "FIN_WAIT_1 ESTABLISHED" }, "\(seen)")
        // The hole is filled in two steps.
        let filled = states(
            open + """
                < . 1:1 ack 5 sack \(block)
                0.2 > . 5:2901 ack 1
                < . 1:1 ack 2901 sack \(block)
                0.3 > . 2901:4349 ack 1
                < . 1:1 ack 5006
                """)
        #expect(filled[8...10].allSatisfy { $0 == "FIN_WAIT_1 ESTABLISHED" }, "\(filled)")
        #expect(filled.last == "FIN_WAIT_2 CLOSE_WAIT", "\(filled)")
    }

    @Test("T10: a FIN behind a hole in FIN_WAIT_1 and FIN_WAIT_2, and what says nothing about it")
    func behindHoleWhileClosing() {
        let text = "< P. 1:1001 ack 2\n< F. 1001:1001 ack 2\n"
        let half = handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n"
        #expect(states(half + text + "> . 2:2 ack 1 sack 1001:1002").last == "FIN_WAIT_2 LAST_ACK")
        let crossed = handshake + "> F. 1:1 ack 1\n" + text.replacing("ack 2", with: "ack 1")
        // This ACK, from beyond the client's FIN, shows that the server has that.
        #expect(states(crossed + "> . 2:2 ack 1 sack 1001:1002").last == "FIN_WAIT_1 CLOSING")
        // Older than another ACK; a block further left; one that repeats what was acknowledged (RFC 2883).
        let open = handshake + "> P. 1:101 ack 1\n> P. 101:201 ack 1\n> P. 201:301 ack 1\n> F. 301:301 ack 1\n"
        for acks in [
            "< . 1:1 ack 301\n< . 1:1 ack 1 sack 201:302", "< . 1:1 ack 1 sack 101:201", "< . 1:1 ack 301 sack 201:301",
        ] {
            #expect(states(open + acks).last == "FIN_WAIT_1 CLOSE_WAIT", "\(acks)")
        }
    }

    @Test(
        "H36: a late copy of the own SYN has no other number",
        arguments: ["", "> F. 1:1 ack 1\n", "> F. 1:1 ack 1\n< F. 1:1 ack 2\n> . 2:2 ack 2\n"])
    func sameSyn(_ closing: String) {
        let play = Play(handshake + closing)
        play.feed("> S 0:0")
        #expect(!play.last.anomalies.contains(.initialSequenceChanged))
        #expect(
            Play(handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n> S 2:2").last.anomalies.contains(.initialSequenceChanged))
    }

    @Test("E16: text that crosses the peer's RST is not sent after an own close")
    func crossedReset() {
        let open = handshake + "> P. 1:101 ack 1\n< . 1:1 ack 101\n< R. 1:1 ack 101\n"
        let crossed = Play(open + "> P. 101:201 ack 1").last.anomalies
        #expect(crossed.contains(.arrivedAfterClose) && !crossed.contains(.sentAfterClose))
        let own = Play(handshake + "> P. 1:101 ack 1\n> F. 101:101 ack 1\n> P. 102:202 ack 1").last.anomalies
        #expect(own.contains(.sentAfterClose))
    }

    @Test("X4: a FIN further off than any window reaches brings no octets (RFC 7323 2.3)")
    func farAwayFin() {
        let play = Play(
            "< F. 100:100 ack 1331\n> . 1331:1331 ack 1331 win 15990\n< F. 1900000000:1900000000 ack 1331\n> . 1331:1331 ack 1331 win 15990"
        )
        #expect(play.connection.counters[0].uniqueBytes + play.connection.counters[1].uniqueBytes < 2000)
        #expect(play.events[2].anomalies.contains(.beyondWindow))
    }

    @Test("E12: a sender that goes on from there is believed, however much the capture lacks")
    func largeGap() {
        let play = Play("> P. 1:11 ack 1\n9 > P. 1500000001:1500000011 ack 1\n> P. 1500000011:1500000021 ack 1")
        #expect(play.connection.counters[0].uniqueBytes > 1_500_000_000, "\(play.connection.counters[0].uniqueBytes)")
    }

    @Test("H18: an old socket's ACK is no word of the new connection's responder, however near its numbers are")
    func oldSocketsAck() {
        let old = handshake + "< F. 1:1 ack 1\n> F. 1:1 ack 2\n< . 2:2 ack 2\n"
        let play = Play(old + "2 > S -100000:-100000\n< . 2:2 ack 2")
        #expect(play.count == 2)
        #expect(play.last.responderState == .unseen && !play.last.hasTransitions)
        #expect(play.last.anomalies.contains(.unacceptableAck))
        play.feed("> R 2:2\n3 > S -100000:-100000\n< S. 90000:90000 ack -99999\n> . -99999:-99999 ack 90001")
        #expect(!play.events.contains { $0.sender == .responder && $0.isFirst })
        #expect(play.count == 2 && play.connection.statesText == "ESTABLISHED ESTABLISHED")
    }
}
