// RSTs that their receiver does not obey (RFC 5961 3.2), or never received: the connection continues.

import Exchanges
import TCPMachine
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct IgnoredResetTests {
    /// Both sides continue: text, its answer, and the ACKs of both.
    private static func rounds(_ count: Int = 3) -> String {
        (0..<count).map { round in
            let (client, server) = (1 + 10 * round, 1 + 5 * round)
            return """
                > P. \(client):\(client + 10) ack \(server)
                < . \(server):\(server) ack \(client + 10)
                < P. \(server):\(server + 5) ack \(client + 10)
                > . \(client + 10):\(client + 10) ack \(server + 5)

                """
        }.joined()
    }

    private static let ignored = ["< R 900000001:900000001\n", "< R -1000:-1000\n", "< R 100:100\n> . 1:1 ack 1\n"]

    @Test(arguments: ignored) func E16_theSupposedSenderGoesOn(_ reset: String) {
        let found = findings(handshake + reset + Self.rounds())
        #expect(found.map { $0.code } == [.rstIgnored], "\(found)")
        #expect(found.first?.side == .originator && found.first?.frames == [4])
        let play = Play(handshake + reset + Self.rounds())
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
        #expect(play.connection.outcome == .open)
        #expect(!play.events.suffix(8).contains { $0.anomalies.contains(.sentAfterClose) })
    }

    @Test(arguments: ignored) func E16_itClosesInOrderAfterwards(_ reset: String) {
        let end = "< F. 16:16 ack 31\n> . 31:31 ack 17\n> F. 31:31 ack 17\n< . 17:17 ack 32"
        let play = Play(handshake + reset + Self.rounds() + end)
        #expect(play.connection.outcome == .closed)
        #expect(play.connection.closer == .responder)
        #expect(play.connection.statesText == "CLOSED TIME_WAIT")
    }

    /// The server speaks first, or closes first.
    @Test(arguments: ignored, ["< P. 1:5 ack 1\n> . 1:1 ack 5", "< F. 1:1 ack 1\n> . 1:1 ack 2"])
    func E16_textOrFinThatFits(_ reset: String, _ next: String) {
        let play = Play(handshake + reset + next)
        #expect(play.connection.outcome != .reset)
        #expect(["ESTABLISHED ESTABLISHED", "CLOSE_WAIT FIN_WAIT_2"].contains(play.connection.statesText))
    }

    /// Text may cross a RST, but for no longer than a round trip.
    @Test(arguments: [(0.1, "CLOSED CLOSED"), (1.2, "CLOSED ESTABLISHED")])
    func E16_textLongAfterIt(_ pause: Double, _ states: String) {
        let play = Play(
            handshake + "> P. 1:6 ack 1\n< . 1:1 ack 6\n0.5 > R. 6:6 ack 1\n\(0.5 + pause) < P. 1:11 ack 6\n")
        #expect(play.connection.statesText == states)
        #expect(play.connection.outcome == .reset)
        #expect(play.last.anomalies.contains(.resetUnheeded) == (states != "CLOSED CLOSED"))
        // Only one side continues, so nothing shows that a third party sent the RST.
        let text =
            handshake + "> P. 1:6 ack 1\n< . 1:1 ack 6\n0.5 > R. 6:6 ack 1\n\(0.5 + pause) < P. 1:11 ack 6\n"
        #expect(codes(text) == [.reset])
    }

    @Test func E16_anExactOneThatDidNotArrive() {
        let text = handshake + "< R 1:1\n" + Self.rounds()
        let found = findings(text)
        #expect(found.map { $0.code } == [.rstIgnored])
        #expect(found.first?.message.contains("both sides carried on") == true)
        let play = Play(text)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
        #expect(play.connection.outcome == .open)
    }

    @Test func E16_afterThePeersFin() {
        let play = Play(
            handshake + """
                > F. 1:1 ack 1
                < . 1:1 ack 2
                < R 900000001:900000001
                < P. 1:5 ack 2
                > . 2:2 ack 5
                < F. 5:5 ack 2
                > . 2:2 ack 6
                """)
        #expect(play.connection.outcome == .closed)
        #expect(play.connection.closer == .originator)
        #expect(play.connection.statesText == "TIME_WAIT CLOSED")
    }

    /// The receiver's own SACK shows that the RST follows all that it has: Linux obeys it.
    @Test func E14_behindWhatItsReceiverReported() {
        let hole = handshake + "> P. 1001:2001 ack 1\n"
        #expect(codes(hole + "< . 1:1 ack 1 sack 1001:2001\n> R. 2001:2001 ack 1") == [.reset])
        #expect(codes(hole + "< . 1:1 ack 1\n> R. 2001:2001 ack 1\n< . 1:1 ack 1").contains(.rstIgnored))
    }

    /// An abort uses SND.NXT, so text before it may be missing from the capture. Only later segments show that it was
    /// not obeyed.
    @Test(arguments: ["< R. 3001:3001 ack 11\n", "< R 3001:3001\n", "< . 3001:3001 ack 11\n< R. 3001:3001 ack 11\n"])
    func X7_aResetAheadOfWhatWasCaptured(_ reset: String) {
        let text = handshake + "> P. 1:11 ack 1\n< P. 1:5 ack 11\n> . 11:11 ack 5\n" + reset
        #expect(!codes(text).contains(.rstIgnored), "\(reset)")
        #expect(codes(text).contains(.reset))
        for next in ["> . 11:11 ack 5", "> P. 11:21 ack 5", "< P. 5:10 ack 11"] {
            #expect(codes(text + next).contains(.rstIgnored), "\(reset)\(next)")
        }
    }

    /// Text that crossed the RST acknowledges its number. After a hole in the capture, the expected number is unknown.
    @Test func X7_whatIsMissingWasThere() {
        let text = handshake + "> P. 1:11 ack 1\n< R. 3001:3001 ack 11\n"
        #expect(!codes(text + "> P. 11:21 ack 3001").contains(.rstIgnored))
        #expect(codes(text + "> P. 11:21 ack 1").contains(.rstIgnored))
        let hole = handshake + "> P. 1:11 ack 1\n< P. 2001:3001 ack 11\n< R. 3001:3001 ack 11\n"
        #expect(!codes(hole).contains(.rstIgnored) && codes(hole).contains(.reset))
        #expect(codes(hole + "> . 11:11 ack 1").contains(.rstIgnored))
    }

    /// A RST before the end of the captured text lacks no text: its number alone shows that it is not obeyed.
    @Test(arguments: ["< R. -1000:-1000 ack 1\n", "< R. 1501:1501 ack 1\n", "< R. 1001:1001 ack 1\n"])
    func E16_aResetBehindWhatWasCaptured(_ reset: String) {
        #expect(codes(handshake + "< P. 1001:2001 ack 1\n" + reset).contains(.rstIgnored))
    }

    /// A RST outside the window, or long after the segment before it, answers nothing.
    @Test func E13_aResetThatAnswersNothing() {
        let text = handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n"
        #expect(!codes(text + "< R 900000001:900000001").contains(.halfOpenPeer))
        #expect(!codes(text + "60 < R 1:1").contains(.halfOpenPeer))
    }
}
