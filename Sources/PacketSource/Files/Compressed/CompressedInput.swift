// The compressed side of a stream: octets from the descriptor, and the decompressor that they go through.

import Glibc

/// The owner of a buffer of compressed octets and of the decompressor. Memory is bounded: the output goes into a buffer
/// of the caller's, so a file of any decompressed size is just a long stream.
@safe struct CompressedInput: ~Copyable {
    /// The result of `produce`.
    enum Step {
        /// This many octets were written, at least one.
        case produced(Int)
        /// All input has been used: `append` or `read` more.
        case needsInput
        /// The end of the stream, without a fault.
        case end
    }

    private enum Engine: ~Copyable {
        case gzip(GzipInflater)
        case zstd(ZstdInflater)
    }

    /// The most octets read at a time; no less than a window reads before it recognizes compressed data.
    private static let capacity = ByteWindow.firstCapacity

    /// The compression format.
    let format: CompressionFormat
    private var engine: Engine
    private let base: UnsafeMutableRawPointer
    private var start = 0
    private var end = 0
    /// Offset in the file of the octet at `base`.
    private var baseOffset: UInt64 = 0
    /// Whether the last member or frame is complete: only then may the file end.
    private var isBetweenMembers = false
    /// Whether the descriptor has reached its end.
    private var isInputOver = false
    /// Whether the last output filled its room, so that more may follow without any input.
    private var mayHaveMore = false
    /// The error at `offset`; all output before it has been delivered.
    private var fault: WindowError?

    /// Returns nil if there is no memory.
    init?(_ format: CompressionFormat) {
        self.format = format
        switch format {
        case .gzip:
            guard let inflater = GzipInflater() else { return nil }
            engine = .gzip(inflater)
        case .zstd:
            guard let inflater = ZstdInflater() else { return nil }
            engine = .zstd(inflater)
        }
        unsafe base = .allocate(byteCount: Self.capacity, alignment: 16)
    }

    deinit {
        // Allocated in init; no pointer to it leaves this type.
        unsafe base.deallocate()
    }

    /// Offset in the file of the first compressed octet not used yet.
    var offset: UInt64 { baseOffset + UInt64(start) }

    /// Appends octets that the caller has already read, as many as there is room for, and returns how many.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = min(bytes.count, Self.capacity - end)
        // end + count <= capacity, and the ranges do not overlap: only this type uses base.
        if count > 0, let source = bytes.baseAddress { unsafe memcpy(base + end, source, count) }
        end += count
        return count
    }

    /// Reads more from `descriptor`, once all earlier input has been used. Returns the result of read(2).
    mutating func read(from descriptor: Int32) -> Int {
        baseOffset += UInt64(start)
        start = 0
        end = 0
        // base has room for capacity octets.
        let count = unsafe Glibc.read(descriptor, base, Self.capacity)
        if count > 0 { end = count }
        if count == 0 { isInputOver = true }
        return count
    }

    /// Decompresses into `output`, which must not be empty.
    mutating func produce(to output: UnsafeMutableRawBufferPointer) throws(WindowError) -> Step {
        if let fault { throw fault }
        while true {
            if isBetweenMembers, format == .gzip, try !nextMemberStarts() { return isInputOver ? .end : .needsInput }
            if start == end, isInputOver, isBetweenMembers { return .end }
            // A stream may pause for a long time, and zstd reports damage if it is called repeatedly without new input.
            if start == end, !isInputOver, !mayHaveMore { return .needsInput }
            // start <= end <= capacity.
            let input = unsafe UnsafeRawBufferPointer(start: base + start, count: end - start)
            let piece: DecompressedPiece
            switch engine {
            case .gzip(let inflater): piece = unsafe inflater.step(input, to: output)
            case .zstd(let inflater): piece = unsafe inflater.step(input, to: output)
            }
            start += piece.consumed
            mayHaveMore = piece.produced == output.count
            if piece.consumed > 0 || piece.produced > 0 { isBetweenMembers = false }
            switch piece.outcome {
            case .more where piece.consumed == 0 && piece.produced == 0 && start < end:
                // Neither library does this, but an error is better than an endless loop.
                fault = WindowError(.badCompression(format.name, .damaged), offset: offset)
            case .more: break
            case .endOfMember: isBetweenMembers = true
            case .damaged(let reason):
                fault = WindowError(.badCompression(format.name, reason), offset: offset)
            case .outOfMemory: fault = WindowError(code: ENOMEM)
            }
            if piece.produced > 0 { return .produced(piece.produced) }
            if let fault { throw fault }
            if start == end, !isBetweenMembers {
                guard isInputOver else { return .needsInput }
                throw WindowError(.badCompression(format.name, .cutShort), offset: offset)
            }
            if start == end, !isInputOver { return .needsInput }
        }
    }

    /// Whether another gzip member follows the last one. Zeros are padding from tapes and block devices: as in gzip(1),
    /// they are no fault, and anything else is.
    private mutating func nextMemberStarts() throws(WindowError) -> Bool {
        // start < end <= capacity.
        while start < end, unsafe base.load(fromByteOffset: start, as: UInt8.self) == 0 { start += 1 }
        guard start < end else { return false }
        if unsafe base.load(fromByteOffset: start, as: UInt8.self) == 0x1f { return true }
        let error = WindowError(.badCompression(format.name, .trailingOctets), offset: offset)
        fault = error
        throw error
    }
}
