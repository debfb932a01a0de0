// Writes captured frames to a pcapng file, or to a classic nanosecond pcap file if its name ends in .pcap.

public import Glibc
public import TCPModel

/// A capture file open for writing.
///
/// Frames are buffered: call `flush` after each batch if a reader is waiting for them. Call `close` at the end; without
/// it, the last frames and the statistics are missing from the file. SIGPIPE must be ignored, so that a closed pipe is
/// reported as an error.
public struct CaptureWriter: ~Copyable {
    /// The owner of a new file: the user who ran sudo.
    public struct Owner: Hashable, Sendable {
        /// User id.
        public var user: uid_t
        /// Group id.
        public var group: gid_t

        /// An owner from its ids.
        public init(user: uid_t, group: gid_t) {
            self.user = user
            self.group = group
        }
    }

    /// The format that the file's name asks for.
    public let format: CaptureFileReader.Format
    private var output: OutputFile
    private var interfaces: [CaptureInterface] = []
    private var statistics: [CaptureStatistics?] = []
    private var times: StatedTimes
    private var lastTime: UInt64 = 0
    private var isClosed = false

    /// Creates or truncates the file. `-` is standard output, in pcapng.
    ///
    /// - Parameters:
    ///   - path: the file's name; the suffix `.pcap` (in any case) makes it a classic file.
    ///   - application: the program to name as the file's writer: "tcptrace 0.1".
    ///   - inputs: the captures that are being read, none of which is overwritten.
    ///   - owner: the owner of the file; nil for the process's own user.
    /// - Throws: if the file cannot be opened, is one of `inputs`, or is a symbolic link to a file.
    public init(
        path: String, application: String, notOver inputs: Set<FileIdentity> = [], owner: Owner? = nil
    ) throws(CaptureWriteError) {
        var output = try OutputFile(path, notOver: inputs, owner: owner)
        let format: CaptureFileReader.Format = path.lowercased().hasSuffix(".pcap") ? .pcap : .pcapng
        if format == .pcapng { try output.append(CaptureBlocks.sectionHeader(application: application)) }
        self.format = format
        self.output = output
        times = StatedTimes(format)
    }

    /// Whether a file's name stands for standard output: `-`, or one of the system's names for it.
    public static func isStandardOutput(_ path: String) -> Bool {
        path == "-" || OutputFile.ownDescriptor(path) == STDOUT_FILENO
    }

    /// The file's name as given.
    public var path: String { output.path }

    /// The file's identity; nil for a pipe or a device.
    public var identity: FileIdentity? { output.identity }

    /// What the file does not state as it was in the frames, and what to do about it, in sentences that name the file.
    public var remarks: [String] { times.sentences(file: output.path) }

    /// Describes an interface and returns its number, counted from 0, by which frames refer to it.
    ///
    /// Throws `mixedLinkTypes` for a second link type in a classic file, `tooManyInterfaces`, or an error of writing.
    @discardableResult
    public mutating func addInterface(
        _ interface: CaptureInterface, filter: String? = nil
    ) throws(CaptureWriteError) -> UInt16 {
        guard let number = UInt16(exactly: interfaces.count) else { throw failure(.tooManyInterfaces) }
        switch format {
        case .pcapng:
            try output.append(CaptureBlocks.interfaceDescription(interface, filter: filter))
        case .pcap:
            if let first = interfaces.first {
                guard first.linkType == interface.linkType else {
                    throw failure(.mixedLinkTypes(first: first.linkType.name, second: interface.linkType.name))
                }
            } else {
                try output.append(CaptureBlocks.pcapHeader(interface))
            }
        }
        interfaces.append(interface)
        statistics.append(nil)
        return number
    }

    /// Writes a frame of the interface `header.interface`. Only what `bytes` holds is written, whatever the header
    /// says. A classic file has no room for options, which are ignored.
    public mutating func write(
        _ header: FrameHeader, _ bytes: RawSpan, _ options: FrameOptions = FrameOptions()
    ) throws(CaptureWriteError) {
        guard header.interface < interfaces.count else { throw failure(.unknownInterface(header.interface)) }
        let known = interfaces[Int(header.interface)].linkType
        guard known == header.linkType else {
            throw failure(.mixedLinkTypes(first: known.name, second: header.linkType.name))
        }
        lastTime = times.ticks(header.time)
        let captured = UInt32(truncatingIfNeeded: bytes.byteCount)
        switch format {
        case .pcapng: try writeBlock(header, bytes, captured, options)
        case .pcap: try writeRecord(header, bytes, captured)
        }
    }

    /// Writes a block of our own behind the frames so far: `CaptureFileReader` returns its payload, and other programs
    /// skip it. In a classic file, which has no room for it, nothing is written. Throws `blockTooLong` for a block at
    /// which `CaptureFileReader` would refuse the rest of the file.
    public mutating func write(localBlock payload: [UInt8]) throws(CaptureWriteError) {
        guard format == .pcapng else { return }
        guard payload.count <= Int(DecoderLimit.capturedLength) else { throw failure(.blockTooLong(payload.count)) }
        try output.append(CaptureBlocks.local(payload))
    }

    /// Sets an interface's counters, for the statistics that `close` writes (pcapng only).
    public mutating func setStatistics(_ counters: CaptureStatistics, interface: UInt16) {
        guard interface < statistics.count else { return }
        statistics[Int(interface)] = counters
    }

    /// Writes out the buffer.
    public mutating func flush() throws(CaptureWriteError) {
        try output.flush()
    }

    /// Writes the statistics and the buffer, and closes the file; a second call does nothing.
    public mutating func close() throws(CaptureWriteError) {
        guard !isClosed else { return }
        isClosed = true
        if format == .pcap && interfaces.isEmpty {
            let nothing = CaptureInterface(linkType: .ethernet, snapshotLength: CaptureInterface.wholeFrame)
            try output.append(CaptureBlocks.pcapHeader(nothing))
        }
        for (number, counters) in statistics.enumerated() where format == .pcapng {
            guard let counters else { continue }
            let block = CaptureBlocks.interfaceStatistics(
                interface: UInt32(number), ticks: lastTime, statistics: counters)
            try output.append(block)
        }
        try output.close()
    }

    // MARK: - Inside

    /// Writes an enhanced packet block with the time `lastTime`.
    private mutating func writeBlock(
        _ header: FrameHeader, _ bytes: RawSpan, _ captured: UInt32, _ options: FrameOptions
    ) throws(CaptureWriteError) {
        let padding = -Int(captured) & 3
        let length = UInt32(32 + Int(captured) + padding + options.length)
        let head: [7 of UInt32] = [
            PcapngBlock.enhancedPacket, length, UInt32(header.interface), UInt32(truncatingIfNeeded: lastTime >> 32),
            UInt32(truncatingIfNeeded: lastTime), captured, header.originalLength,
        ]
        try append(head)
        try output.append(bytes)
        try output.append(zeros: padding)
        if options.length > 0 { try append(options) }
        let tail: [1 of UInt32] = [length]
        try append(tail)
    }

    private mutating func append(_ options: FrameOptions) throws(CaptureWriteError) {
        if options.commentLength > 0 {
            let head: [1 of UInt32] = [UInt32(PcapngOption.comment) | UInt32(options.comment.count) << 16]
            try append(head)
            try output.append(options.comment)
            try output.append(zeros: -options.comment.count & 3)
        }
        if let process = options.process {
            // The option's length, then the process; the thread is unknown.
            let words: [3 of UInt32] = [UInt32(PcapngOption.process) | 8 << 16, UInt32(bitPattern: process), 0]
            try append(words)
        }
        let end: [1 of UInt32] = [0]
        try append(end)
    }

    /// Writes a classic record with the time `lastTime`.
    private mutating func writeRecord(
        _ header: FrameHeader, _ bytes: RawSpan, _ captured: UInt32
    ) throws(CaptureWriteError) {
        let (seconds, fraction) = lastTime.quotientAndRemainder(dividingBy: 1_000_000_000)
        let head: [4 of UInt32] = [UInt32(clamping: seconds), UInt32(fraction), captured, header.originalLength]
        try append(head)
        try output.append(bytes)
    }

    /// Appends numbers in little-endian order, whatever this machine's byte order.
    private mutating func append<let count: Int>(_ numbers: [count of UInt32]) throws(CaptureWriteError) {
        var ordered = numbers
        for index in 0..<count { ordered[index] = numbers[index].littleEndian }
        // 32-bit integers have no padding: all their bytes are initialized.
        try output.append(unsafe ordered.span.bytes)
    }

    private func failure(_ reason: CaptureWriteError.Reason) -> CaptureWriteError {
        CaptureWriteError(file: output.path, reason: reason)
    }
}
