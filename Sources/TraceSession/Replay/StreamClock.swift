// Detects whether a stream comes from a capture that is running, and derives the current time at its source.

import TCPModel

/// The clock of a stream, derived from the times of its frames.
///
/// A stream is a file in transit (`zcat x.gz | tcptrace -r -`), or a running capture (`ssh host tcpdump -U -w - |
/// tcptrace -r -`). In a file the next frame may follow a microsecond after the last one, however long it takes to
/// arrive. In a running capture time passes even if nothing arrives, and the user wants to see which connections have
/// ended meanwhile.
struct StreamClock {
    /// A stream whose clock is near ours counts as running if all of it has been read and nothing arrives for this
    /// time, in nanoseconds.
    static let pause = 250 * Span.millisecond
    /// After this time without frames, ended connections are shown whatever the clock says, in nanoseconds.
    static let longPause = 10 * Span.second
    /// The clocks of two hosts mostly differ by less than this, in nanoseconds.
    static let nearness = 60 * Span.second
    /// The variation in the delay of a running capture's frames, in nanoseconds.
    static let jitter = 500 * Span.millisecond
    /// How long a stream that never pauses must keep pace with our clock, in nanoseconds; a stream whose clock is far
    /// from ours must always do so, for a longer time.
    static let trial = Span.second
    static let strangerTrial = 5 * Span.second

    /// The latest frame: when it was captured, and when it was read, on the wall clock and on the monotonic clock.
    private var latest: (captured: Timestamp, read: Timestamp, moment: Int64)?
    /// The time from which on the stream has kept pace with our clock, and how far behind it was then.
    private var start: (captured: Timestamp, behind: UInt64)?
    /// Whether the capture is running.
    private(set) var isRunning = false

    /// Notes that frames have been read; the latest was captured at `captured`.
    mutating func take(_ captured: Timestamp, wall: Timestamp, moment: Int64) { latest = (captured, wall, moment) }

    /// All available frames have been read: at such a moment the two clocks can be compared.
    mutating func rest(moment: Int64) {
        guard !isRunning, let latest else { return }
        // A file may contain any time: differences that overflow wrap around, and are still large.
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

    /// How long nothing has arrived, in nanoseconds.
    func silence(moment: Int64) -> Int64 { latest.map { moment - $0.moment } ?? .max }

    /// The current time at the stream's source; nil unless the capture is running, or nothing has arrived for long.
    func now(moment: Int64) -> Timestamp? {
        guard isRunning || silence(moment: moment) >= Self.longPause, let latest else { return nil }
        return latest.captured.advanced(by: moment - latest.moment)
    }
}
