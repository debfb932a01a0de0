// In which order several files are read: by the time of their first frames, as they were captured.
//
// A shell sorts what a rotating capture wrote by name (out.pcap1, out.pcap10, out.pcap2), and connections go on from one file into the
// next.

import PacketSource
import TCPModel
import TimelineReport

enum FileOrder {
    /// How often the beginning of a file is asked for its first frame: it may have much that is none, which is read once more later.
    private static let looks = 64

    /// The files by the time of their first frames; those that begin at the same time as they were given. One that cannot be read, or has
    /// no frame, stays behind the one before it. With a pipe among them, which can be read only once, the order is that given.
    static func byTime(_ files: [String]) -> [String] {
        // `-` may be a file, but what was read of it would be gone.
        guard files.count > 1, files.allSatisfy({ $0 != "-" && canBeReadAgain($0) }) else { return files }
        var latest = Int64.min
        let entries = files.enumerated().map { index, path in
            latest = firstTime(path)?.nanoseconds ?? latest
            return (time: latest, index: index, path: path)
        }
        return entries.sorted { ($0.time, $0.index) < ($1.time, $1.index) }.map(\.path)
    }

    /// Whether it is a regular file, or none at all: what is wrong with it is told when it is read.
    private static func canBeReadAgain(_ path: String) -> Bool {
        FileIdentity.isRegular(path: path) || FileIdentity(path: path) == nil
    }

    /// When the first frame of a file was captured; nil if it has none, or no time (pcapng's simple packets have the epoch).
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

/// Where the files that were read have ended, and whether one begins before that.
struct FileEnds {
    /// Frames of several queues or interfaces may be written in another order, by so much: no two files overlap so little.
    private static let tolerance = Span.millisecond

    /// The file whose last frame is the latest so far.
    private var last: (path: String, end: Timestamp)?
    private var isTold = false

    /// A file begins with a frame of this time. Returns what is to be said of that, once: the remedy is one for all.
    mutating func begin(_ path: String, _ time: Timestamp) -> String? {
        guard let last, !isTold, last.end.since(time) > Self.tolerance, time.nanoseconds != 0 else { return nil }
        isTold = true
        return
            "\(printable(path)) begins \(spanText(last.end.since(time), .measured)) before \(printable(last.path)) ends, and files are read one behind"
            + " the other: connections that are in both may look broken; merge them first (mergecap -w merged.pcapng FILE ...)"
    }

    /// A file was read, and this was its last frame.
    mutating func end(_ path: String, _ time: Timestamp?) {
        guard let time, last.map({ $0.end < time }) ?? true else { return }
        last = (path, time)
    }
}
