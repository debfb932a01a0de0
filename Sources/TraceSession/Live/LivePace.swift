// How long the live loop lets frames gather before it takes them in: not at all when little happens.

import Glibc
import TCPModel

/// Measures how many frames come, and says whether they are many.
///
/// A wake-up costs a few microseconds here, and more the program that is traced, whose processor it takes; that somebody waits to
/// be woken costs it time with each frame. When frames come by the thousand, we look at intervals, some hundred at a time; when few
/// come, each is shown at once.
struct LivePace {
    /// Frames are counted over so long, in nanoseconds.
    private static let window = 10 * Span.millisecond
    /// Up to so many frames a window each is taken in at once.
    private static let calm = 20
    /// How long frames gather otherwise, in microseconds. The rings hold many times what comes meanwhile.
    private static let pause: UInt32 = 3000
    /// With more frames a window than this they gather for less time: a look holds a processor for as long as they take, and a traced
    /// program that is to wake up there meanwhile waits.
    private static let crowd = 400
    private static let shortPause: UInt32 = 1000

    private var frames = 0
    private var windowEnd: Int64 = 0
    private(set) var isBusy = false
    private var isCrowded = false

    /// So many frames have come.
    mutating func note(_ count: Int) { frames += count }

    /// Looks at what came lately. Returns whether `isBusy` is another now.
    mutating func judge() -> Bool {
        let now = monotonicNow()
        guard now >= windowEnd else { return false }
        // After a long silence the count is of a longer time, which only makes the pace calmer.
        let isBusyNow = frames > Self.calm && now - windowEnd < Self.window
        isCrowded = frames > Self.crowd
        frames = 0
        windowEnd = now + Self.window
        defer { isBusy = isBusyNow }
        return isBusyNow != isBusy
    }

    /// Lets frames gather.
    func rest() { usleep(isCrowded ? Self.shortPause : Self.pause) }
}
