// How long the live loop lets frames gather before it takes them in: not at all when little happens.

import Glibc
import TCPModel

/// Measures how many frames come, and waits a moment when they are many.
///
/// A wake-up costs a few microseconds here, and more the program that is traced, whose processor it takes. When frames come by
/// the thousand, hundreds share one; when few come, each is shown at once.
struct LivePace {
    /// Frames are counted over so long, in nanoseconds.
    private static let window = 10 * Span.millisecond
    /// Up to so many frames a window each is taken in at once.
    private static let calm = 20
    /// How long frames gather otherwise, in microseconds. The rings hold many times what comes meanwhile.
    private static let pause: UInt32 = 3000

    private var frames = 0
    private var windowEnd: Int64 = 0
    private(set) var isBusy = false

    /// So many frames have come.
    mutating func note(_ count: Int) { frames += count }

    /// Before frames are taken in: lets more of them come, if many come.
    mutating func pause() {
        let now = monotonicNow()
        if now >= windowEnd {
            // After a long silence the count is of a longer time, which only makes the pace calmer.
            isBusy = frames > Self.calm && now - windowEnd < Self.window
            frames = 0
            windowEnd = now + Self.window
        }
        if isBusy { usleep(Self.pause) }
    }
}
