// How long a connection may be silent in each state, and how many are examined.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite struct SilenceTests {
    /// Whether the only connection of `play` counts as gone after this many nanoseconds of silence.
    private func isGone(_ play: Play, after silence: Int64) -> Bool {
        var looks = 8
        return play.timeline.nextSilent(at: play.now.advanced(by: silence), looks: &looks) != nil
    }

    @Test(arguments: [
        ("> S 0:0", Silence.opening), ("> S 0:0\n< S. 0:0 ack 1", Silence.opening),
        (handshake, Silence.open), (handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11", Silence.open),
        (handshake + "> F. 1:1 ack 1", Silence.halfClosed),
        (handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2", Silence.halfClosed),
        (handshake + "< F. 1:1 ack 1\n> . 1:1 ack 2\n< . 2:2 ack 1", Silence.halfClosed),
        (handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n< F. 1:1 ack 2", Silence.closing),
        ("> P. 1:11 ack 1", Silence.halfClosed), ("> P. 1:11 ack 1\n< . 1:1 ack 11", Silence.open),
    ])
    func eachStateHasItsTime(_ exchange: String, _ time: Int64) {
        let play = Play(exchange)
        #expect(!isGone(play, after: time), "\(exchange)")
        #expect(isGone(play, after: time + 1), "\(exchange)")
    }

    @Test func onesThatEndedAreLeftToTheirOwnQueue() {
        for exchange in [handshake + IncarnationTests.closing, "> S 0:0\n< R. 0:0 ack 1"] {
            #expect(!isGone(Play(exchange), after: 100 * Silence.open), "\(exchange)")
        }
    }

    @Test func aSegmentBeginsTheTimeAnew() {
        let play = Play("> S 0:0")
        play.feed("299 > S 0:0")
        #expect(!isGone(play, after: Silence.opening))
    }

    @Test func aLookCostsTheSameHoweverManyThereAre() {
        let play = Play()
        for port in UInt16(1000)..<1100 {
            play.client = SocketAddress(.loopbackV4, port)
            play.feed("> S 0:0")
        }
        let late = play.now.advanced(by: Silence.opening + Span.second)
        // The interval has passed for no connection, so all looks are used up.
        var looks = 30
        #expect(play.timeline.nextSilent(at: play.now, looks: &looks) == nil && looks == 0)
        // Thirty looks find thirty of them, and the next round continues from there until none is left.
        var rounds = 0
        while play.timeline.trackedCount > 0 {
            var looks = 30
            var found = 0
            while let id = play.timeline.nextSilent(at: late, looks: &looks) {
                play.timeline.retire(id)
                found += 1
            }
            #expect(found <= 30)
            rounds += 1
            guard rounds < 20 else { break }
        }
        #expect(rounds == 4, "\(rounds)")
        #expect(play.timeline.trackedCount == 0)
    }

    @Test func anEmptyTableHasNone() {
        var timeline = Timeline(seed: 1)
        var looks = 10
        #expect(timeline.nextSilent(at: epoch, looks: &looks) == nil)
    }
}
