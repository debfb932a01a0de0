// A segment that its receiver drops changes no finding and no number, except for the finding that names it.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct DroppedSegmentTests {
    private static let opening = """
        > S 0:0 ts 1000 0
        < S. 0:0 ack 1 ts 500000 1000
        > . 1:1 ack 1 ts 1010 500000
        0.100 > P. 1:11 ack 1 ts 1100 500000
        0.110 < . 1:1 ack 11 ts 500110 1100
        1 > P. 11:21 ack 1 ts 2000 500110

        """
    /// The text that was lost at the first second is retransmitted.
    private static let loss = """
        3 > P. 11:21 ack 1 ts 4000 500110
        3.1 < . 1:1 ack 21 ts 503100 4000
        5 > F. 21:21 ack 1 ts 6000 503100
        5.01 < F. 1:1 ack 22 ts 505010 6000
        5.02 > . 22:22 ack 2 ts 6020 505010

        """
    /// The server closes at ten seconds, and the capture ends two seconds later.
    private static let lateClose = """
        1.05 < . 1:1 ack 21 ts 501050 2000
        10 < F. 1:1 ack 21 ts 510000 2000
        10.01 > . 21:21 ack 2 ts 11010 510000

        """

    private struct Result: Equatable {
        var codes: [FindingCode]
        var lost: UInt32
        var closed: Int64
        var roundTrips: [UInt64]
        var initialWindow: UInt64
    }

    /// The results for an opening and the exchange after it, with or without a segment between them.
    private func judged(
        _ segment: String?, isDamaged: Bool = false, before rest: String, after seconds: Double = 0
    ) throws -> Result {
        let play = Play(keepsStatistics: true)
        var diagnosis = Diagnosis(isLive: false)
        play.observer = { event, _ in diagnosis.observe(event) }
        play.feed(Self.opening)
        if let segment {
            play.clock = 1_040 * Span.millisecond
            var made = play.segment(segment.split(separator: " ").map(String.init))
            if isDamaged { made.remarks.insert(.badChecksum) }
            play.observe(made)
        }
        play.feed(rest)
        let id = play.last.connection
        let end = play.now.advanced(by: Int64(seconds * 1e9))
        let found = diagnosis.conclude(id, play.timeline.connections, nil, now: end)
        let kept = play.timeline.connections.statistics(of: id)
        let statistics = try #require(kept)
        return Result(
            codes: found.map { $0.code }, lost: statistics[.originator].losses,
            closed: statistics[.responder].closedWindow.total(until: end),
            roundTrips: statistics.directions.map { $0.roundTrip.count },
            initialWindow: statistics[.originator].initialWindowBytes)
    }

    @Test(
        "A damaged segment says nothing: no window, no RST, no FIN",
        arguments: [
            "< . 1:1 ack 11 win 0", "< R 1:1 ttl 200", "< F. 1:1 ack 11", "< F. 1:1 ack 21", "< P. 1:101 ack 21",
            "< S. 7:7 ack 1", "< . 1:1 ack 21 sack 1:11",
        ])
    func damaged(_ segment: String) throws {
        for (rest, seconds) in [(Self.loss, 0.0), (Self.lateClose, 2.0)] {
            let clean = try judged(nil, before: rest, after: seconds)
            let result = try judged(segment, isDamaged: true, before: rest, after: seconds)
            #expect(result == clean)
        }
    }

    @Test("RFC 5961 5: nor does an ACK of what was never sent, but that it came")
    func blind() throws {
        let clean = try judged(nil, before: Self.loss)
        #expect(clean.codes == [.retransmission])
        var result = try judged("< . 1:1 ack 1342177280 win 0 ts 501040 2000", before: Self.loss)
        #expect(result.codes.contains(.challengeAck))
        result.codes.removeAll { $0 == .challengeAck }
        #expect(result == clean)
    }

    @Test("RFC 7323 5.3: nor does what PAWS drops, so that what was lost stays lost")
    func oldTimestamp() throws {
        let clean = try judged(nil, before: Self.loss)
        for segment in ["< . 1:1 ack 11 win 0 ts 400000 1020", "< F. 1:1 ack 11 win 0 ts 400000 1020"] {
            var result = try judged(segment, before: Self.loss)
            // Since it was sent, the next FIN is a retransmission, which yields no round trip.
            if segment.contains("F.") { result.roundTrips = clean.roundTrips }
            #expect(result == clean)
        }
    }

    @Test("RFC 7323 5.3: text that PAWS drops each time was sent each time")
    func oldText() throws {
        let result = try judged(
            "> P. 21:31 ack 1 ts 10 500110",
            before: """
                1.5 > P. 21:31 ack 1 ts 20 500110
                2.5 > P. 21:31 ack 1 ts 30 500110
                3 > P. 11:21 ack 1 ts 4000 500110
                3.1 < . 1:1 ack 21 ts 503100 4000
                """)
        #expect(result.lost == 3 && result.codes == [.retransmission])
    }
}
