// Reads a pcap, pcapng or snoop file or stream frame by frame, without copying: the public interface of this folder.

import Glibc
public import TCPModel

/// A capture file open for reading.
///
/// `-` is standard input. gzip and zstd files, recognized by their first octets, are decompressed while reading. Frames
/// are borrowed from the reader's buffer: their bytes are valid only within the body. The caller numbers the frames, in
/// file order.
public struct CaptureFileReader: ~Copyable {
    /// The two formats that this tool can also write.
    public enum Format: Sendable {
        /// Classic pcap.
        case pcap
        /// pcapng.
        case pcapng
    }

    /// Why `read` returned.
    public enum Progress: Sendable {
        /// It delivered `limit` frames, found an interface, or passed over blocks without frames; there may be more.
        case more
        /// A stream has no bytes at the moment, or a signal arrived: call again.
        case waiting
        /// The body returned false.
        case stopped
        /// A block of our own (`CaptureWriter.write(localBlock:)`) with this payload follows the frames so far.
        case localBlock([UInt8])
        /// The end of the file, without a fault.
        case end
    }

    private enum Decoder {
        case pcap(PcapDecoder)
        case pcapng(PcapngDecoder)
        case snoop(SnoopDecoder)
    }

    /// The file's name as given.
    public let path: String
    private var window: ByteWindow
    private var decoder: Decoder

    /// Opens a capture file and reads its header. `-` is standard input.
    ///
    /// Throws if the file cannot be opened, or is not a capture that this tool reads.
    ///
    /// - Parameters:
    ///   - keepsLocalBlocks: whether `read` returns at blocks of our own, which it otherwise skips.
    ///   - isWanted: called from time to time while a stream's header has not arrived; returning false gives up.
    public init(
        path: String, keepsLocalBlocks: Bool = false, while isWanted: () -> Bool = { true }
    ) throws(CaptureFileError) {
        var window = try Self.opened(path)
        var decoder: Decoder
        do {
            window = try Self.unpacked(window, isWanted)
            decoder = try Self.fileHeader(&window, keepsLocalBlocks, isWanted)
            if case .pcapng = decoder { try Self.primePcapng(&window, &decoder, isWanted) }
        } catch {
            throw CaptureFileError(file: path, reason: error.reason, offset: error.offset)
        }
        self.path = path
        self.window = window
        self.decoder = decoder
    }

    /// The interfaces described so far; a frame's `interface` is an index into them. In pcapng, more may be added
    /// during reading.
    public var interfaces: [CaptureInterface] {
        switch decoder {
        case .pcap(let decoder): [decoder.interface]
        case .pcapng(let decoder): decoder.interfaces
        case .snoop(let decoder): [decoder.interface]
        }
    }

    /// The number of interfaces described so far.
    public var interfaceCount: Int {
        if case .pcapng(let decoder) = decoder { decoder.interfaces.count } else { 1 }
    }

    /// The interfaces from index `start` on.
    public func interfaces(from start: Int) -> [CaptureInterface] { Array(interfaces.dropFirst(start)) }

    /// Whether it is a classic pcap file.
    public var isClassic: Bool { if case .pcap = decoder { true } else { false } }

    /// Whether its frames may have different link types.
    public var isMixed: Bool { if case .pcapng = decoder { true } else { false } }

    /// Frames lost according to the capturing program (pcapng's isb_ifdrop and epb_dropcount, snoop's drops), as far as
    /// the file has been read.
    public var droppedFrames: UInt64 {
        switch decoder {
        case .pcap: 0
        case .pcapng(let decoder): decoder.droppedFrames
        case .snoop(let decoder): decoder.droppedFrames
        }
    }

    /// Octets of the file consumed so far; for a compressed file, decompressed octets.
    public var bytesRead: UInt64 { window.offset }

    /// Size of the file in octets; nil for a stream and for a compressed file.
    public var size: UInt64? { window.size }

    /// The file's identity, used to avoid overwriting it.
    public var identity: FileIdentity { window.identity }

    /// The descriptor, to wait on when a stream has no bytes. The reader keeps ownership.
    public var fileDescriptor: Int32 { window.descriptor }

    /// Delivers every frame up to the end, or until `body` returns false.
    ///
    /// Throws at a fault, after delivering all frames before it.
    public mutating func forEachFrame(_ body: (FrameHeader, RawSpan) -> Bool) throws(CaptureFileError) {
        while true {
            switch try read(body) {
            case .more, .waiting, .localBlock: continue
            case .stopped, .end: return
            }
        }
    }

    /// Delivers at most `limit` frames, and returns so that the caller can do other work; call it again to continue.
    ///
    /// - Parameters:
    ///   - limit: how many frames at most, 1 or more.
    ///   - waitMilliseconds: how long to wait for a stream's bytes; -1 waits as long as necessary.
    ///   - body: receives each frame; the bytes are borrowed. Returning false stops after this frame, which counts as
    ///     read.
    /// - Throws: at a fault, after delivering all frames before it, and again on every later call.
    @inlinable @inline(__always) public mutating func read(
        limit: Int = .max, waitMilliseconds: Int32 = -1, _ body: (FrameHeader, RawSpan) -> Bool
    ) throws(CaptureFileError) -> Progress {
        var left = limit
        while left > 0 {
            if let records {
                // The window's bytes do not move until the next fill, and no span of them outlives this call.
                let done = unsafe records.run(pending.bytes, limit: left, body: body)
                consume(done.consumed)
                left &-= done.frames
                if done.isStopped { return .stopped }
                if left == 0 { break }
            }
            if let progress = try readOther(&left, waitMilliseconds, body) { return progress }
        }
        return .more
    }

    // MARK: - Inside

    /// The fast reader for the records of a usual pcap file; nil for other files.
    @usableFromInline var records: PcapRecords? {
        if case .pcap(let decoder) = decoder { PcapRecords(decoder) } else { nil }
    }

    /// The bytes available, valid until the next fill.
    @usableFromInline var pending: UnsafeRawBufferPointer { unsafe window.bytes }

    /// Marks octets of `pending` as consumed.
    @usableFromInline mutating func consume(_ count: Int) { window.consume(count) }

    /// Handles whatever comes next: any kind of record, the end of the available bytes, a fault.
    ///
    /// - Parameters:
    ///   - left: how many frames are wanted; reduced by those delivered.
    /// - Returns: the value for `read` to return, or nil to continue.
    @usableFromInline mutating func readOther(
        _ left: inout Int, _ waitMilliseconds: Int32, _ body: (FrameHeader, RawSpan) -> Bool
    ) throws(CaptureFileError) -> Progress? {
        let outcome = Self.decode(&window, &decoder, limit: left, body)
        window.consume(outcome.consumed)
        left -= outcome.frames
        switch outcome.stop {
        case .limit: return nil
        case .interface: return .more
        case .stopped: return .stopped
        case .localBlock(let payload): return .localBlock(payload)
        case .fault(let reason): throw fault(reason)
        case .exhausted:
            if let end = try more(1, isPacket: true, waitMilliseconds) { return end }
        case .needs(let count, let isPacket):
            if let end = try more(count, isPacket: isPacket, waitMilliseconds) { return end }
        }
        // Return now and then, so that the caller need not wait for the end of any number of other blocks.
        return outcome.frames == 0 && outcome.consumed > 0 ? .more : nil
    }

    private static func decode(
        _ window: inout ByteWindow, _ decoder: inout Decoder, limit: Int,
        _ body: (FrameHeader, RawSpan) -> Bool
    ) -> DecoderOutcome {
        // The window's bytes do not move until the next fill, and no span of them outlives this call.
        let bytes = unsafe window.bytes.bytes
        switch decoder {
        case .pcap(let decoder):
            return decoder.run(bytes, limit: limit, body: body)
        case .pcapng(var pcapng):
            // Moved out and back in, so that adding an interface does not copy the decoder's arrays.
            decoder = .pcapng(PcapngDecoder())
            let outcome = pcapng.run(bytes, limit: limit, body: body)
            decoder = .pcapng(pcapng)
            return outcome
        case .snoop(var snoop):
            let outcome = snoop.run(bytes, limit: limit, body: body)
            decoder = .snoop(snoop)
            return outcome
        }
    }

    /// Gets more bytes. Returns nil once they are available, otherwise the value for `read` to return.
    private mutating func more(
        _ count: Int, isPacket: Bool, _ waitMilliseconds: Int32
    ) throws(CaptureFileError) -> Progress? {
        let filled: ByteWindow.Filled
        do {
            filled = try window.fill(need: count, waitMilliseconds: waitMilliseconds)
        } catch {
            throw CaptureFileError(
                file: path, reason: error.reason, offset: error.offset ?? window.offset,
                isDecompressed: window.isDecompressed && error.offset == nil)
        }
        switch filled {
        case .bytes: return nil
        case .waiting: return .waiting
        case .end:
            if window.hasShrunk { throw fault(.shrankWhileRead) }
            if window.available > 0 { throw fault(isPacket ? .packetCutShort : .blockCutShort) }
            return .end
        }
    }

    private func fault(_ reason: CaptureFileError.Reason) -> CaptureFileError {
        CaptureFileError(
            file: path, reason: reason, offset: window.offset, isDecompressed: window.isDecompressed)
    }

    /// How long to wait for a stream between two calls of `isWanted`, in milliseconds.
    private static let patience: Int32 = 100

    /// Makes `count` bytes available, waiting as long as they are wanted; false if the file has no more.
    private static func fill(
        _ count: Int, _ window: inout ByteWindow, _ isWanted: () -> Bool
    ) throws(WindowError) -> Bool {
        while true {
            switch try window.fill(need: count, waitMilliseconds: patience) {
            case .bytes: return true
            case .end: return false
            case .waiting: if !isWanted() { throw WindowError(.givenUp) }
            }
        }
    }

    private static func need(
        _ count: Int, _ window: inout ByteWindow, _ isWanted: () -> Bool
    ) throws(HeaderFault) {
        do {
            if try fill(count, &window, isWanted) { return }
        } catch {
            throw HeaderFault(reason: error.reason, offset: error.offset ?? 0)
        }
        throw HeaderFault(reason: window.available == 0 ? .empty : .headerCutShort)
    }

    private static func opened(_ path: String) throws(CaptureFileError) -> ByteWindow {
        do {
            return try openWindow(path)
        } catch {
            throw CaptureFileError(file: path, reason: error.reason)
        }
    }

    /// The window itself or, if the file is compressed, a window over its decompressed contents.
    private static func unpacked(
        _ window: consuming ByteWindow, _ isWanted: () -> Bool
    ) throws(HeaderFault) -> ByteWindow {
        try need(4, &window, isWanted)
        // need made 4 bytes available, and the span does not outlive the window.
        let magic = UInt32(bigEndian: unsafe window.bytes.bytes.word(0, swapped: false))
        guard let format = CompressionFormat(magic: magic) else { return window }
        do {
            return try ByteWindow(decompressing: window, format)
        } catch {
            throw HeaderFault(reason: error.reason, offset: error.offset ?? 0)
        }
    }

    /// Reads the file header. For pcapng nothing is consumed: its section header is a block like others.
    private static func fileHeader(
        _ window: inout ByteWindow, _ keepsLocalBlocks: Bool, _ isWanted: () -> Bool
    ) throws(HeaderFault) -> Decoder {
        let magic = try readMagic(&window, isWanted)
        if magic == PcapngBlock.sectionHeader {
            try need(28, &window, isWanted)
            return .pcapng(PcapngDecoder(keepsLocalBlocks: keepsLocalBlocks))
        }
        if UInt32(bigEndian: magic) == SnoopDecoder.magic {
            try need(SnoopDecoder.fileHeaderLength, &window, isWanted)
            // need made 16 bytes available, and the span does not outlive the window.
            let decoder = try SnoopDecoder(header: unsafe window.bytes.bytes)
            window.consume(SnoopDecoder.fileHeaderLength)
            return .snoop(decoder)
        }
        try need(PcapDecoder.fileHeaderLength, &window, isWanted)
        // need made 24 bytes available, and the span does not outlive the window.
        let decoder = try PcapDecoder(header: unsafe window.bytes.bytes)
        window.consume(PcapDecoder.fileHeaderLength)
        return .pcap(decoder)
    }

    /// The first four bytes as a little-endian number; throws if they belong to no capture format.
    private static func readMagic(
        _ window: inout ByteWindow, _ isWanted: () -> Bool
    ) throws(HeaderFault) -> UInt32 {
        try need(4, &window, isWanted)
        // need made 4 bytes available, and the span does not outlive the window.
        let bytes = unsafe window.bytes.bytes
        let magic = bytes.word(0, swapped: false)
        if let reason = foreignFormat(bytes) { throw HeaderFault(reason: reason) }
        return magic
    }

    /// Reads up to the first interface description, waiting for it if necessary, and on through any that follow it in
    /// the buffer, so that link types are known early. A later fault is left for `read` to report.
    private static func primePcapng(
        _ window: inout ByteWindow, _ decoder: inout Decoder, _ isWanted: () -> Bool
    ) throws(HeaderFault) {
        while true {
            let outcome = decode(&window, &decoder, limit: 0) { _, _ in false }
            window.consume(outcome.consumed)
            let needed: Int
            switch outcome.stop {
            case .interface: continue
            case .exhausted where hasInterface(decoder): return
            case .exhausted: needed = 1
            case .needs(let count, _): needed = count
            case .fault(let reason) where window.offset == 0: throw HeaderFault(reason: reason)
            default: return
            }
            if window.available >= needed { continue }
            if hasInterface(decoder) { return }
            guard isWanted() else { throw HeaderFault(reason: .givenUp) }
            do throws(WindowError) {
                guard try fill(needed, &window, isWanted) else { return }
            } catch {
                if error.reason == .givenUp { throw HeaderFault(reason: .givenUp) }
                return
            }
        }
    }

    /// Do not call this while holding a copy of the decoder: its next change would then copy its arrays.
    private static func hasInterface(_ decoder: Decoder) -> Bool {
        if case .pcapng(let pcapng) = decoder { !pcapng.interfaces.isEmpty } else { true }
    }
}
