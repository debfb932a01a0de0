// How long a window was closed, depending on what opens it and what ends it.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct ShutWindowTests {
    private let shut =
        handshake + """
            > P. 1:11 ack 1
            < . 1:1 ack 11 win 0
            0.4 > . 10:10 ack 1
            0.5 < F. 1:1 ack 11 win 0

            """

    @Test("E4: a FIN does not open the window of its sender")
    func finWithWindow0() {
        let found = findings(shut + "0.9 > . 10:10 ack 2\n1.1 < . 2:2 ack 11 win 500")
        #expect(found.map { $0.code } == [.zeroWindowStall])
        #expect(found.first?.message.contains("closed for 1") == true)
    }

    @Test("E4: a FIN asks for no room")
    func finIsNoProbe() {
        let text = handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n> F. 11:11 ack 1 win 0\n< . 1:1 ack 12\n"
        #expect(codes(text + "2.1 < F. 1:1 ack 12\n> . 12:12 ack 2 win 0") == [])
    }

    @Test("E4: text that was on its way is no probe")
    func textInFlight() {
        let text = handshake + "> P. 1:11 ack 1\n> P. 11:21 ack 1\n< . 1:1 ack 11 win 0\n> P. 11:21 ack 1\n"
        #expect(!codes(text + "8 < . 1:1 ack 21 win 500").contains(.zeroWindowStall))
    }

    @Test("E4: nor does a probe of another time vouch for an idle one")
    func probesOfAnotherTime() {
        let text =
            handshake
            + "> P. 1:11 ack 1\n< . 1:1 ack 11 win 0\n0.2 > . 10:10 ack 1\n< . 1:1 ack 11 win 500\n1 < . 1:1 ack 11 win 0\n"
        #expect(codes(text + "9 < . 1:1 ack 11 win 500") == [])
    }

    @Test("E4: a window that stays shut until a RST held the peer up all the same")
    func shutUntilReset() {
        let found = findings(
            handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11 win 0\n0.4 > . 10:10 ack 1\n3 < R 1:1", after: 9)
        #expect(found.map { $0.code }.contains(.zeroWindowStall))
        #expect(found.first?.message.contains("closed for 2.9s") == true)
    }

    /// A server that reads at intervals: its window is shut for `shut` seconds in each of four.
    private func pieces(shut: Double, of period: Double) -> [Finding] {
        var text = handshake
        for piece in 0..<4 {
            let (start, first) = (Double(piece) * period, 1 + piece * 100)
            text += "\(start + 0.01) > P. \(first):\(first + 100) ack 1\n"
            text += "\(start + 0.02) < . 1:1 ack \(first + 100) win 0\n"
            text += "\(start + 0.24) > . \(first + 99):\(first + 99) ack 1\n"
            text += "\(start + 0.02 + shut) < . 1:1 ack \(first + 100) win 500\n"
        }
        return findings(text)
    }

    @Test("E4: a window that is shut for most of the time, in short pieces")
    func shutInPieces() {
        let found = pieces(shut: 0.45, of: 0.5)
        #expect(found.map { $0.code } == [.zeroWindowStall])
        #expect(
            found.first?.message.contains(
                "its receive window closed for 1.8s of 1.9s, in 4 pieces: the process reads too slowly, and the peer has data to"
                    + " send (4 probes)") == true, "\(found)")
        #expect(found.first?.frames.count == 1)
        // Most of the time it is open, or it is shut for less than a second in all.
        #expect(pieces(shut: 0.45, of: 1.2).isEmpty && pieces(shut: 0.24, of: 0.3).isEmpty)
    }

    /// How long the server's window was closed, by the statistics and by the finding, in nanoseconds.
    private func accounts(_ text: String) throws -> (statistics: Int64, finding: Int64) {
        let play = Play(keepsStatistics: true).feed(text)
        let kept = play.timeline.connections.statistics(of: play.last.connection)
        let statistics = try #require(kept)
        let found = findings(text, keepsStatistics: true).first { $0.code == .zeroWindowStall }
        let evidence = try #require(found?.evidence.first { "\($0.name)" == "shut" })
        guard case .span(let span) = evidence.value else { return (0, -1) }
        return (statistics[.responder].closedWindow.longest(until: play.now), span)
    }

    @Test("E4: statistics and finding agree where the capture lacks the ACK that opened the window")
    func openedUnseen() throws {
        let (statistics, finding) = try accounts(
            handshake + """
                0.02 > P. 1:101 ack 1
                0.021 > P. 101:201 ack 1
                0.1 < . 1:1 ack 101 win 0
                0.5 > . 200:200 ack 1
                1.5 > P. 201:301 ack 1
                5 < . 1:1 ack 301 win 500
                6 > F. 301:301 ack 1
                """)
        #expect(statistics == 1400 * Span.millisecond && finding == statistics)
    }

    @Test("E4: and where a FIN shut it, which shuts it as any ACK does")
    func shutByFin() throws {
        let (statistics, finding) = try accounts(
            handshake + """
                0.02 > P. 1:101 ack 1
                1 < F. 1:1 ack 101 win 0
                1.01 > . 101:101 ack 2
                1.3 > . 100:100 ack 2
                1.7 > . 100:100 ack 2
                2.5 > . 100:100 ack 2
                4 < . 2:2 ack 101 win 500
                4.01 > P. 101:201 ack 2
                4.02 < . 2:2 ack 201 win 500
                """)
        #expect(statistics == 3 * Span.second && finding == statistics)
    }

    @Test("E4: who has the peer's FIN holds nobody up, whatever its window is")
    func shutAfterPeersFin() throws {
        let play = Play(keepsStatistics: true).feed(
            handshake + """
                0.1 > P. 1:11 ack 1
                0.2 < . 1:1 ack 11
                0.3 > F. 11:11 ack 1
                0.4 < . 1:1 ack 12 win 0
                2 < F. 1:1 ack 12 win 0
                2.1 > . 12:12 ack 2
                """)
        let kept = play.timeline.connections.statistics(of: play.last.connection)
        let statistics = try #require(kept)
        #expect(statistics[.responder].closedWindow.episodes == 0)
        #expect(statistics[.responder].zeroWindowAdvertisements == 2)
    }
}
