// One capture file of a replay: its frames that pass the filter, with their numbers, and the number of frames that it
// lacks.

import PacketSource
import TCPModel

/// A capture file being read, and the filter for its frames.
struct InputFile: ~Copyable {
    private var reader: CaptureFileReader
    private var filter: FilterSet?
    /// Lost frames that have been reported.
    private var toldLosses: UInt64 = 0
    /// The capture time of the latest frame, whether it passed the filter or not; nil before the first one.
    private(set) var latestTime: Timestamp?

    /// Opens a file; an empty filter lets every frame pass. Nil if `isWanted` turned false before the file's header
    /// arrived.
    ///
    /// - Parameter keepsRecords: whether `read` returns at the file's kernel records.
    init?(
        _ path: String, filter words: String, keepsRecords: Bool, while isWanted: () -> Bool
    ) throws(TraceError) {
        let opened: CaptureFileReader
        var filter: FilterSet?
        do throws(CaptureFileError) {
            opened = try CaptureFileReader(path: path, keepsLocalBlocks: keepsRecords, while: isWanted)
        } catch {
            if error.reason == .givenUp { return nil }
            throw .file(error)
        }
        if !words.isEmpty {
            do {
                filter = try FilterSet(
                    words, linkType: opened.interfaces.first?.linkType ?? .ethernet, othersMayCome: opened.isMixed)
            } catch {
                throw .capture(error)
            }
        }
        reader = opened
        self.filter = filter
    }

    var path: String { reader.path }
    var interfaces: [CaptureInterface] { reader.interfaces }
    var interfaceCount: Int { reader.interfaceCount }
    /// The interfaces from `start` on, copied, so that the reader can change its own.
    func interfaces(from start: Int) -> [CaptureInterface] { reader.interfaces(from: start) }
    /// Whether it is a classic pcap file, which has a single interface.
    var isClassic: Bool { reader.isClassic }
    /// Octets read so far, and in total; the size is nil for a stream.
    var bytesRead: UInt64 { reader.bytesRead }
    var size: UInt64? { reader.size }

    /// A descriptor that is readable when a stream has more.
    var fileDescriptor: Int32 { reader.fileDescriptor }

    /// Delivers the next frames, at most `limit`, or until `body` returns false. Does not wait for a stream.
    ///
    /// - Parameters:
    ///   - frame: the number of the previous frame; advanced by each frame read.
    ///   - body: receives each frame that passes the filter, and its number.
    @inline(__always) mutating func read(
        limit: Int, after frame: inout UInt64, _ body: (FrameHeader, RawSpan, UInt64) -> Bool
    ) throws(TraceError) -> CaptureFileReader.Progress {
        var number = frame
        var latest = Timestamp(nanoseconds: 0)
        // Taken out and put back, because the closure changes the filter while the reader is in use.
        var filter = filter.take()
        defer {
            if number != frame { latestTime = latest }
            frame = number
            self.filter = filter.take()
        }
        do throws(CaptureFileError) {
            // Without a filter, frames take a shorter path.
            if filter == nil {
                @inline(__always) func deliver(_ header: FrameHeader, _ bytes: RawSpan) -> Bool {
                    number &+= 1
                    latest = header.time
                    return body(header, bytes, number)
                }
                return try reader.read(limit: limit, waitMilliseconds: 0, deliver)
            }
            return try reader.read(limit: limit, waitMilliseconds: 0) { header, bytes in
                number &+= 1
                latest = header.time
                return filter?.matches(header, bytes) == false || body(header, bytes, number)
            }
        } catch {
            throw .file(error)
        }
    }

    /// Sentences on frames left out because the filter cannot be compiled for their link type.
    mutating func rejections() -> [String] {
        let rejected = filter?.rejected ?? []
        return rejected.map { rejection in
            let (count, name) = (rejection.frames, rejection.linkType.name)
            return
                "\(counted(count, "frame")) of link-type \(name) left out: the filter cannot be compiled for it ("
                + printable(rejection.fault.message) + ")"
        }
    }

    /// Frames that the capturing program lost, as far as known and not reported before.
    mutating func takeLosses() -> UInt64 {
        // A capture may later report fewer losses than before (pcapng's interface statistics).
        let losses = reader.droppedFrames
        defer { toldLosses = max(toldLosses, losses) }
        return losses - min(losses, toldLosses)
    }
}
