// Whether a stream is that of a capture that runs, and what time it is where that is made.

import TCPModel

/// The clock of a stream, told by the times of its frames.
///
/// A stream is a file on its way (`zcat x.gz | tcptrace -r -`), or a capture that runs (`ssh host tcpdump -U -w - | tcptrace -r -`).
/// In a file the next frame may be of the next microsecond, however long it takes to come. Where a capture runs, time goes on
/// while nothing comes, and whoever looks on wants to see what has ended meanwhile.
struct StreamClock {
    /// A stream with a clock near ours that has nothing for so long is read up to now, in nanoseconds.
    static let pause = 250 * Span.millisecond
    /// After so long whoever looks on is shown what has ended, whatever the clock says, in nanoseconds.
    static let longPause = 10 * Span.second
    /// Clocks of two hosts differ by less, mostly, in nanoseconds.
    static let nearness = 60 * Span.second
    /// Frames of a running capture may come so much sooner or later than each other, in nanoseconds.
    static let jitter = 500 * Span.millisecond
    /// A stream that never pauses has to run along with our clock for so long, in nanoseconds; with a clock that is far from ours any
    /// has to, for longer.
    static let trial = Span.second
    static let strangerTrial = 5 * Span.second

    /// The latest frame: when it was captured, and when it was read, on the wall clock and on the monotonic one.
    private var latest: (captured: Timestamp, read: Timestamp, moment: Int64)?
    /// Since when it has run along with our clock, and how far behind it was then.
    private var start: (captured: Timestamp, behind: UInt64)?
    /// Whether the capture runs.
    private(set) var isRunning = false

    /// Frames have been read by now; the latest was captured at this time.
    mutating func take(_ captured: Timestamp, wall: Timestamp, moment: Int64) { latest = (captured, wall, moment) }

    /// All that there was has been read: a moment at which the two clocks can be compared.
    mutating func rest(moment: Int64) {
        guard !isRunning, let latest else { return }
        // Any time may be in a file: differences that do not fit wrap, and are large all the same.
        let behind = UInt64(bitPattern: latest.read.nanoseconds &- latest.captured.nanoseconds)
        let isNear = Int64(bitPattern: behind).magnitude < UInt64(Self.nearness)
        if isNear && moment - latest.moment >= Self.pause {
            isRunning = true
            return
        }
        guard let start, Int64(bitPattern: behind &- start.behind).magnitude <= UInt64(Self.jitter) else {
            self.start = (latest.captured, behind)
            return
        }
        let length = latest.captured.nanoseconds &- start.captured.nanoseconds
        isRunning = length >= (isNear ? Self.trial : Self.strangerTrial)
    }

    /// How long nothing has come, in nanoseconds.
    func silence(moment: Int64) -> Int64 { latest.map { moment - $0.moment } ?? .max }

    /// What time it is there; nil unless the capture runs, or nothing has come for long.
    func now(moment: Int64) -> Timestamp? {
        guard isRunning || silence(moment: moment) >= Self.longPause, let latest else { return nil }
        return latest.captured.advanced(by: moment - latest.moment)
    }
}
