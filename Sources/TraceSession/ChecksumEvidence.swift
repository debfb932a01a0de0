// Which segments with a wrong checksum were damaged on their way, where the kernel reports what it drops.
//
// A wrong checksum alone shows little: a network card that puts segments together may leave the checksum of one of
// them. But if the kernel reports that it dropped the packet for that, its receiver has never seen it.

import KernelEvidence
import KernelSockets
import PacketSource
import TCPModel
import TCPTimeline

/// The packets that the kernel dropped for a wrong checksum.
struct ChecksumEvidence {
    /// Live: the events, which the kernel reports at once.
    private let source: TracepointSource?
    /// On replay: the files, whose events come behind the frames; they are searched for the first suspicious segment.
    private let files: [String]
    /// Their events, in order of time, once the files have been searched.
    private var recorded: [SocketEvent]?
    /// The most events to keep.
    private static let limit = 1 << 18

    init(source: TracepointSource) {
        self.source = source
        files = []
    }

    init(files: [String]) {
        source = nil
        self.files = files
    }

    /// Whether a captured segment was dropped for its checksum.
    mutating func isDropped(_ segment: Segment, capturedAt time: Timestamp) -> Bool {
        func isIt(_ drop: SocketEvent) -> Bool {
            drop.local == segment.tuple.destination && drop.remote == segment.tuple.source
                && time.isJustBefore(drop: drop.time)
        }
        if let source { return source.latestChecksumDrops().contains(where: isIt) }
        let drops = recorded ?? Self.drops(in: files)
        recorded = drops
        var (low, high) = (0, drops.count)
        while low < high {
            let middle = (low + high) / 2
            if time.since(drops[middle].time) > Span.millisecond { low = middle + 1 } else { high = middle }
        }
        return drops[low...].prefix { $0.time.since(time) <= Span.millisecond }.contains(where: isIt)
    }

    /// The drops that the files record. A pipe can be read only once, so its are not known in time. Faults are reported
    /// where the file is read for its frames.
    private static func drops(in files: [String]) -> [SocketEvent] {
        var drops: [SocketEvent] = []
        for path in files where path != "-" && FileIdentity.isRegular(path: path) {
            guard var reader = try? CaptureFileReader(path: path, keepsLocalBlocks: true) else { continue }
            var decoder = KernelRecordDecoder()
            var isOver = false
            while !isOver, drops.count < limit {
                switch try? reader.read(limit: .max, waitMilliseconds: 0, { _, _ in true }) {
                case .localBlock(let payload):
                    if case .events(let events, _)? = try? decoder.decode(payload) {
                        drops += events.filter(\.isChecksumDrop)
                    }
                case .more, .stopped: break
                case .waiting, .end, nil: isOver = true
                }
            }
        }
        return drops.sorted { $0.time < $1.time }
    }
}
