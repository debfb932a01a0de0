// What a replay feeds with frames, however the work is divided among threads.

import PacketSource
import TCPModel
import TimelineReport

/// A consumer of the frames of capture files.
protocol ReplayConsumer: ~Copyable {
    /// The first file is open.
    mutating func begin(_ description: CaptureDescription)
    /// These are the interfaces by now: more than when it began.
    mutating func learn(_ interfaces: [CaptureDescription.Interface])
    /// A frame that passed the filter; `frame` counts all frames of all files from 1.
    mutating func take(_ header: FrameHeader, _ bytes: RawSpan, frame: UInt64)
    /// What a live trace learnt of the kernel by now, as it wrote it into its capture file.
    mutating func take(kernelRecord payload: [UInt8])
    /// Frames were lost before the next one.
    mutating func noteGap(_ count: UInt64)
    /// `ReplayDivision.batch` frames have been read, or a file has come to its end. False: nobody wants more.
    mutating func endBatch(lastFrame: UInt64) -> Bool
    /// The input pauses: writes what is known by now. Batches go on as if nobody had looked. False: nobody wants more.
    ///
    /// Where the capture runs, and it is `now` there, that is as much as a live trace knows: connections that have ended are reported
    /// soon, and kept for late segments.
    mutating func flush(lastFrame: UInt64, runningAt now: Timestamp?) -> Bool
    /// Nothing was begun, and nothing will be: there is no report.
    mutating func abandon()
    /// Everything has been read: reports what is left, and the end.
    mutating func finish(_ description: CaptureDescription)

    /// Frames that passed the filter.
    var captured: UInt64 { get }
    /// Connections that have ended, as far as that is known.
    var endedCount: UInt64 { get }
    /// Connections seen; complete after `finish`.
    var connectionCount: UInt64 { get }
    /// Those of them that are others of them behind a translation of addresses (NAT).
    var translatedCount: UInt64 { get }
    /// Connections that are kept at a time, at most.
    var connectionLimit: Int { get }
    /// Connections that were given up for lack of room.
    var evicted: UInt64 { get }
    /// What it came to; complete after `finish`.
    var overview: TraceOverview { get }
    /// Findings that the user does not want (`--fail-on`), in sentences for standard error.
    var unwantedFindings: [String] { get }
    /// That nobody whom `--pid` and `--pname` name had a connection, in a sentence for standard error; nil if somebody had.
    var unmetChoice: String? { get }
    /// What the files say of the kernel.
    var kernelCounts: RecordedKernel.Counts { get }
    /// What moved among the counters of the host that was traced; nil if the files do not say.
    var hostChange: HostCounterChange? { get }
    /// What was no segment.
    var tally: FrameTally { get }
    /// The exit code that a failure to write asks for; nil if there was none.
    var outputStatus: Int32? { get }
}
