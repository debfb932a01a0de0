// The order in which several files are read: by the time of their first frames, as they were captured.
//
// A shell sorts the files of a rotating capture by name (out.pcap1, out.pcap10, out.pcap2), but connections continue
// from one file to the next.

import PacketSource
import TCPModel
import TimelineReport

enum FileOrder {
    /// Attempts to read a file's first frame. Much else may precede it, and all of that is read again later.
    private static let looks = 64

    /// The files ordered by the time of their first frames; those with equal times keep the given order. A file that
    /// cannot be read, or has no frame, stays behind its predecessor. If a pipe is among them, which can be read only
    /// once, the given order is kept.
    static func byTime(_ files: [String]) -> [String] {
        // `-` may be a file, but whatever is read of it cannot be read again.
        guard files.count > 1, files.allSatisfy({ $0 != "-" && canBeReadAgain($0) }) else { return files }
        var latest = Int64.min
        let entries = files.enumerated().map { index, path in
            latest = firstTime(path)?.nanoseconds ?? latest
            return (time: latest, index: index, path: path)
        }
        return entries.sorted { ($0.time, $0.index) < ($1.time, $1.index) }.map(\.path)
    }

    /// Whether it is a regular file, or does not exist: that error is reported when it is read.
    private static func canBeReadAgain(_ path: String) -> Bool {
        FileIdentity.isRegular(path: path) || FileIdentity(path: path) == nil
    }

    /// The capture time of a file's first frame; nil if there is none, or no time (pcapng's simple packets have the
    /// epoch).
    private static func firstTime(_ path: String) -> Timestamp? {
        guard FileIdentity.isRegular(path: path), var reader = try? CaptureFileReader(path: path) else { return nil }
        var time: Timestamp?
        for _ in 0..<looks where time == nil {
            guard
                case .more? = try? reader.read(
                    limit: 1, waitMilliseconds: 0,
                    { header, _ in
                        time = header.time
                        return true
                    })
            else { break }
        }
        return time.flatMap { $0.nanoseconds == 0 ? nil : $0 }
    }
}

/// The end of the files read so far, to detect a file that begins before it.
struct FileEnds {
    /// Frames of several queues or interfaces may be out of order by this much. No two files overlap by so little.
    private static let tolerance = Span.millisecond

    /// The file with the latest last frame so far.
    private var last: (path: String, end: Timestamp)?
    private var isTold = false

    /// Notes that a file begins with a frame of this time. Returns a warning if files overlap, but only once, as one
    /// remedy serves all of them.
    mutating func begin(_ path: String, _ time: Timestamp) -> String? {
        guard let last, !isTold, last.end.since(time) > Self.tolerance, time.nanoseconds != 0 else { return nil }
        isTold = true
        return
            "\(printable(path)) begins \(spanText(last.end.since(time), .measured)) before \(printable(last.path)) ends, and files are read one after"
            + " the other: connections that are in both may look broken; merge them first (mergecap -w merged.pcapng FILE ...)"
    }

    /// Notes that a file was read, and the time of its last frame.
    mutating func end(_ path: String, _ time: Timestamp?) {
        guard let time, last.map({ $0.end < time }) ?? true else { return }
        last = (path, time)
    }
}
