// What the text says about a capture of one direction (CASES X5, X6): nothing that only the other direction could tell.

import Exchanges
import TCPModel
import TCPTimeline
import Testing
import TimelineReport

@Suite struct OneDirectionTests {
    private func lines(_ segments: String) -> [String] {
        let play = Play(keepsStatistics: true)
        return Render(play).run(segments, TextTimelineReport(style: TextStyle(), order: .blocks))
            .split(separator: "\n").map(String.init)
    }

    /// The client closed first, but the capture has only the server's FIN.
    @Test(arguments: [
        "< S. 0:0 ack 1\n< P. 1:101 ack 11\n< F. 101:101 ack 12",
        "> S 0:0\n> P. 1:101 ack 1\n> F. 101:101 ack 12\n> . 102:102 ack 13",
    ])
    func whoClosedFirstIsNotKnown(_ segments: String) {
        let lines = lines(segments)
        #expect(lines.contains { $0.hasPrefix("--- teardown ---") }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("half-closed in this capture (SH") }, "\(lines)")
        #expect(Play(segments).connection.closer == nil && Play(segments).connection.mayLackFin)
    }

    @Test func anAnswerOrAResetTells() {
        let closed = Play(handshake + "> F. 1:1 ack 1")
        #expect(closed.connection.closer == .originator && !closed.connection.mayLackFin)
        #expect(Play("> S 0:0\n> . 1:1 ack 1\n> R. 1:1 ack 1").connection.closer == .originator)
        // Nothing was closed: no side is the closer, and no FIN is missing.
        let own = Play("> S 0:0\n> . 1:1 ack 1")
        #expect(own.connection.closer == nil && !own.connection.mayLackFin)
    }

    /// The kernel's evidence is as good as the other direction.
    @Test func aKernelTells() {
        let play = Play("> S 0:0\n> . 1:1 ack 1\n> F. 1:1 ack 1")
        #expect(play.connection.mayLackFin)
        play.timeline.kernelConfirms(.responder, of: play.last.connection)
        #expect(play.connection.closer == .originator && !play.connection.mayLackFin)
    }

    @Test func whatWasLostIsNotKnown() {
        let lines = lines("> S 0:0\n> . 1:1 ack 1\n0.1 > P. 1:5 ack 1\n0.11 > P. 5:9 ack 1\n0.4 > P. 5:9 ack 1")
        #expect(lines.contains("  client sent 1 again (1 RTO or probe)"), "\(lines)")
        #expect(!lines.contains { $0.contains(" lost") })
    }

    /// A filter kept SYNs, FINs and RSTs only: no ACK tells whether the first FIN had arrived.
    @Test func withoutPlainSegmentsWhatWasLostIsNotKnownEither() {
        let lines = lines(
            "> S 0:0\n< S. 0:0 ack 1\n0.1 > F. 11:11 ack 15\n0.4 > F. 11:11 ack 15\n0.5 < F. 15:15 ack 12")
        #expect(lines.contains { $0.hasPrefix("  client sent 1 again (") }, "\(lines)")
        #expect(!lines.contains { $0.contains(" lost") }, "\(lines)")
    }
}
