// The range of times that a capture file can state; times outside it are adjusted, counted and reported.

import TCPModel

/// The time range of a format, and the number of frames outside it.
struct StatedTimes: Sendable {
    private let isClassic: Bool
    /// Frames from before 1970: both formats count upwards from there, in unsigned numbers.
    private var early: UInt64 = 0
    /// Frames from after 2106-02-07 06:28:15 UTC: the seconds of a classic file have 32 bits.
    private var late: UInt64 = 0

    /// The last nanosecond that a classic file can state.
    private static let classicEnd = UInt64(UInt32.max) * 1_000_000_000 + 999_999_999

    init(_ format: CaptureFileReader.Format) { isClassic = format == .pcap }

    /// The time in nanoseconds since 1970, or the nearest that the format can state; adjusted times are counted.
    mutating func ticks(_ time: Timestamp) -> UInt64 {
        guard let ticks = UInt64(exactly: time.nanoseconds) else {
            early &+= 1
            return 0
        }
        guard isClassic && ticks > Self.classicEnd else { return ticks }
        late &+= 1
        return Self.classicEnd
    }

    /// Sentences about the times that the file does not state as they were, and what to do about them; empty if it
    /// states all.
    func sentences(file: String) -> [String] {
        let name = file == "-" ? "standard output" : printable(file)
        func written(_ count: UInt64, _ whence: String, _ time: String) -> String {
            "\(counted(count, "packet")) from \(whence) \(count == 1 ? "was" : "were") written to \(name) with the time"
                + " \(time) UTC, the nearest that it can express"
        }
        var sentences: [String] = []
        if early > 0 {
            sentences.append(
                written(early, "before 1970", "1970-01-01 00:00:00")
                    + ": for these, trust the original and not the copy, or correct the times first (editcap -t)")
        }
        if late > 0 {
            sentences.append(
                written(late, "after 2106", "2106-02-07 06:28:15")
                    + ": a file with another name, such as .pcapng, keeps their times")
        }
        return sentences
    }
}
