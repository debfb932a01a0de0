// Which streams are taken for running captures, and what time it is there.

import TCPModel
import Testing

@testable import TraceSession

@Suite("The clock of a stream") struct StreamClockTests {
    /// When a frame was captured, and when it was read, in milliseconds after the start.
    private typealias Frame = (captured: Int64, read: Int64)

    /// Frames that are captured `pause` milliseconds apart, and read every 50 ms.
    private static func frames(_ count: Int64, every pause: Int64) -> [Frame] {
        var frames: [Frame] = []
        for number in 0...count { frames.append((captured: number * pause, read: number * 50 + 300)) }
        return frames
    }

    private static let start = Timestamp(nanoseconds: 1_796_000_000 * Span.second)
    private static func milliseconds(_ count: Int64) -> Int64 { count * Span.millisecond }

    /// A clock after reading these frames, with `skew` seconds between the capture's clock and this host's. The stream
    /// rests after each frame, as all of it has been read.
    private func clock(_ frames: [Frame], skew: Int64 = 0) -> StreamClock {
        var clock = StreamClock()
        for frame in frames {
            clock.take(
                Self.start.advanced(by: Self.milliseconds(frame.captured) + skew * Span.second),
                wall: Self.start.advanced(by: Self.milliseconds(frame.read)), moment: Self.milliseconds(frame.read))
            clock.rest(moment: Self.milliseconds(frame.read) + 1)
        }
        return clock
    }

    @Test func onePauseIsEnoughWhereTheClocksAgree() {
        for skew: Int64 in [0, 3, -59, 59] {
            var clock = clock([(0, 100)], skew: skew)
            clock.rest(moment: Self.milliseconds(349))
            #expect(!clock.isRunning)
            #expect(clock.now(moment: Self.milliseconds(349)) == nil)
            clock.rest(moment: Self.milliseconds(350))
            #expect(clock.isRunning)
            let now = Self.start.advanced(by: skew * Span.second + Self.milliseconds(400))
            #expect(clock.now(moment: Self.milliseconds(500)) == now)
        }
    }

    @Test func anOldFileMayPauseForLong() {
        for skew: Int64 in [101, -101, 86_400, -86_400 * 3650] {
            // The file is read much faster than it was captured, then much slower.
            var clock = clock([(0, 0), (9000, 10), (9001, 9000), (9002, 30_000)], skew: skew)
            clock.rest(moment: Self.milliseconds(90_000))
            #expect(!clock.isRunning)
            // After ten seconds the reader is shown what there is; the next frame may still follow a microsecond after
            // the last.
            #expect(clock.now(moment: Self.milliseconds(39_999)) == nil)
            let captured = Self.start.advanced(by: skew * Span.second + Self.milliseconds(9002))
            #expect(clock.now(moment: Self.milliseconds(40_000)) == captured.advanced(by: 10 * Span.second))
            clock.take(captured, wall: Self.start, moment: Self.milliseconds(90_001))
            #expect(clock.now(moment: Self.milliseconds(90_002)) == nil)
        }
    }

    @Test func aStreamThatNeverPausesRunsAlong() {
        func late(_ frame: Int64) -> Int64 { frame % 7 * 40 }
        var frames = Self.frames(20, every: 50)
        for index in frames.indices { frames[index].read += late(Int64(index)) }
        #expect(!clock(Array(frames.dropLast())).isRunning)
        #expect(clock(frames).isRunning)
    }

    @Test func aWrongClockThatRunsAlongIsOneThatRuns() {
        let frames = Self.frames(100, every: 50)
        for skew: Int64 in [3600, -86_400] {
            #expect(!clock(Array(frames.dropLast()), skew: skew).isRunning)
            #expect(clock(frames, skew: skew).isRunning)
        }
        // A fifth too fast: no real clock is that wrong.
        let fast = Self.frames(400, every: 60)
        #expect(!clock(fast, skew: 3600).isRunning)
    }

    @Test func anyTimeMayBeInAFile() {
        for nanoseconds in [Int64.min, .max, 0] {
            var clock = StreamClock()
            for moment in 0..<20 {
                let captured = Timestamp(nanoseconds: moment % 2 == 0 ? nanoseconds : ~nanoseconds)
                clock.take(captured, wall: Self.start, moment: Int64(moment) * Span.second)
                clock.rest(moment: Int64(moment) * Span.second + Span.second / 2)
            }
            #expect(!clock.isRunning)
        }
    }
}
