// One capture file of a replay: its frames that pass the filter, with their numbers, and how many it lacks.

import PacketSource
import TCPModel

/// A capture file that is being read, and the filter for its frames.
struct InputFile: ~Copyable {
    private var reader: CaptureFileReader
    private var filter: FilterSet?
    /// Lost frames that have been told.
    private var toldLosses: UInt64 = 0
    /// When the latest frame was captured, whether it passed the filter or not; nil before the first one.
    private(set) var latestTime: Timestamp?

    /// Opens a file; an empty filter lets every frame pass. Nil if it has no header yet and is not wanted any longer.
    ///
    /// - Parameter keepsRecords: whether `read` is to come back with what the file says of the kernel.
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
    /// Those from a place on, copied out: the reader may go on with its own.
    func interfaces(from start: Int) -> [CaptureInterface] { reader.interfaces(from: start) }
    /// Whether it is a classic pcap file, which has one interface.
    var isClassic: Bool { reader.isClassic }
    /// Octets that are done, and of how many; nil for a stream.
    var bytesRead: UInt64 { reader.bytesRead }
    var size: UInt64? { reader.size }

    /// Readable when a stream has more.
    var fileDescriptor: Int32 { reader.fileDescriptor }

    /// Hands over the next frames, at most `limit`, or until `body` returns false. It does not wait for a stream.
    ///
    /// - Parameters:
    ///   - frame: the number of the frame before, which is counted on.
    ///   - body: gets each frame that passes the filter, and its number.
    @inline(__always) mutating func read(
        limit: Int, after frame: inout UInt64, _ body: (FrameHeader, RawSpan, UInt64) -> Bool
    ) throws(TraceError) -> CaptureFileReader.Progress {
        var number = frame
        var latest = Timestamp(nanoseconds: 0)
        // Taken out and put back: the reader is busy meanwhile, and the filter is another's.
        var filter = filter.take()
        defer {
            if number != frame { latestTime = latest }
            frame = number
            self.filter = filter.take()
        }
        do throws(CaptureFileError) {
            // Where nothing is filtered, frames take the short way.
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

    /// What the filter left out because it cannot be compiled for a link type, in sentences for standard error.
    mutating func rejections() -> [String] {
        let rejected = filter?.rejected ?? []
        return rejected.map { rejection in
            let (count, name) = (rejection.frames, rejection.linkType.name)
            return
                "\(counted(count, "frame")) of link-type \(name) left out: the filter cannot be compiled for it ("
                + printable(rejection.fault.message) + ")"
        }
    }

    /// Frames that the capturing program lost, as far as that is known and was not told before.
    mutating func takeLosses() -> UInt64 {
        // A capture may take back what it said (pcapng's interface statistics).
        let losses = reader.droppedFrames
        defer { toldLosses = max(toldLosses, losses) }
        return losses - min(losses, toldLosses)
    }
}
