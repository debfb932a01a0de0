// How long the live loop lets frames accumulate before it takes them in: not at all when few arrive.

import Glibc
import KernelSockets
import TCPModel

/// Measures the rate of frames, and decides whether it is high.
///
/// A wake-up costs a few microseconds here, and more in the traced program, whose processor it takes; a registered
/// waiter costs that program time with each frame. When frames arrive by the thousand, the loop looks at intervals and
/// takes in some hundred at a time; when few arrive, each is shown at once.
struct LivePace {
    /// The period over which frames are counted, in nanoseconds.
    private static let window = 10 * Span.millisecond
    /// Up to this many frames in a window, each is taken in at once.
    private static let calm = 20
    /// How long frames accumulate otherwise, in microseconds. The rings hold many times the number that arrives
    /// meanwhile.
    private static let pause: UInt32 = 3000
    /// With more frames in a window than this, they accumulate for a shorter time: taking them in occupies a processor
    /// for as long as that takes, and a traced program that should wake up there has to wait.
    private static let crowd = 400
    private static let shortPause: UInt32 = 1000

    private var frames = 0
    private var windowEnd: Int64 = 0
    private(set) var isBusy = false
    private var isCrowded = false

    /// Notes that `count` frames have arrived.
    mutating func note(_ count: Int) { frames += count }

    /// Judges the latest rate. Returns whether `isBusy` has changed.
    mutating func judge() -> Bool {
        let now = monotonicNow()
        guard now >= windowEnd else { return false }
        // After a long silence the count covers a longer period, which can only make the pace calmer.
        let isBusyNow = frames > Self.calm && now - windowEnd < Self.window
        isCrowded = frames > Self.crowd
        frames = 0
        windowEnd = now + Self.window
        defer { isBusy = isBusyNow }
        return isBusyNow != isBusy
    }

    /// Lets frames accumulate.
    func rest() { usleep(isCrowded ? Self.shortPause : Self.pause) }
}
