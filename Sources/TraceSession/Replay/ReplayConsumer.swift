// The receiver of a replay's frames, however the work is divided among threads.

import PacketSource
import TCPModel
import TimelineReport

/// A consumer of the frames of capture files.
protocol ReplayConsumer: ~Copyable {
    /// The first file is open.
    mutating func begin(_ description: CaptureDescription)
    /// All interfaces known by now; there are more than at the beginning.
    mutating func learn(_ interfaces: [CaptureDescription.Interface])
    /// A frame that passed the filter; `frame` counts all frames of all files from 1.
    mutating func take(_ header: FrameHeader, _ bytes: RawSpan, frame: UInt64)
    /// A record of the kernel's state, as a live trace wrote it to its capture file.
    mutating func take(kernelRecord payload: [UInt8])
    /// Frames were lost before the next one.
    mutating func noteGap(_ count: UInt64)
    /// `ReplayDivision.batch` frames have been read, or a file has ended. Returns false if no more frames are wanted.
    mutating func endBatch(lastFrame: UInt64) -> Bool
    /// The input pauses: writes what is known by now. The division into batches is not affected. Returns false if no
    /// more frames are wanted.
    ///
    /// If the capture is running, and its time is `now`, the output is as far as a live trace's would be: ended
    /// connections are reported soon, and kept for late segments.
    mutating func flush(lastFrame: UInt64, runningAt now: Timestamp?) -> Bool
    /// Nothing was begun, and nothing will be: there is no report.
    mutating func abandon()
    /// Everything has been read: reports the remaining connections and the end.
    mutating func finish(_ description: CaptureDescription)

    /// Frames that passed the filter.
    var captured: UInt64 { get }
    /// Connections that have ended, as far as known.
    var endedCount: UInt64 { get }
    /// Connections seen; complete after `finish`.
    var connectionCount: UInt64 { get }
    /// Connections that are the same as others, seen on the other side of an address translation (NAT).
    var translatedCount: UInt64 { get }
    /// The most connections to keep at a time.
    var connectionLimit: Int { get }
    /// Connections given up for lack of room.
    var evicted: UInt64 { get }
    /// The totals; complete after `finish`.
    var overview: TraceOverview { get }
    /// The findings named by `--fail-on`, as sentences for standard error.
    var unwantedFindings: [String] { get }
    /// A sentence for standard error if no process chosen by `--pid` and `--pname` had a connection; nil if one had.
    var unmetChoice: String? { get }
    /// Counts of the files' kernel records.
    var kernelCounts: RecordedKernel.Counts { get }
    /// The changes of the traced host's counters; nil if the files do not have them.
    var hostChange: HostCounterChange? { get }
    /// Counts of what was not a segment.
    var tally: FrameTally { get }
    /// The exit code after a failed write; nil if none has failed.
    var outputStatus: Int32? { get }
}
