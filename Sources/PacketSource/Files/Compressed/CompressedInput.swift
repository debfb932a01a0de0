// The compressed side of a stream: octets as they come from the descriptor, and what a decompressor makes of them.

import Glibc

/// Owner of a buffer of compressed octets and of the decompressor. Memory is bounded: the output goes where the caller
/// has room, so that a file that unpacks to any size is just a long stream.
@safe struct CompressedInput: ~Copyable {
    /// What `produce` came back with.
    enum Step {
        /// So many octets were written, at least one.
        case produced(Int)
        /// All of the input is used: `append` more, or say that there is none.
        case needsInput
        /// The end, and nothing wrong.
        case end
    }

    private enum Engine: ~Copyable {
        case gzip(GzipInflater)
        case zstd(ZstdInflater)
    }

    /// Octets read at a time; no less than a window reads before it knows that they are compressed.
    private static let capacity = ByteWindow.firstCapacity

    /// Which format it is.
    let format: CompressionFormat
    private var engine: Engine
    private let base: UnsafeMutableRawPointer
    private var start = 0
    private var end = 0
    /// Offset in the file of the octet at `base`.
    private var baseOffset: UInt64 = 0
    /// Whether we are between two members or frames: where the file may end.
    private var isBetweenMembers = false
    /// The descriptor has no more.
    private var isInputOver = false
    /// The last piece filled its room: there may be more of it without any input.
    private var mayHaveMore = false
    /// What is wrong with the octets at `offset`; what was made of those before has been handed out.
    private var fault: WindowError?

    /// nil if there is no memory.
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

    /// Offset in the file of the first compressed octet that is not used yet.
    var offset: UInt64 { baseOffset + UInt64(start) }

    /// Takes over octets that somebody else has read already; as many as there is room for.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Int {
        let count = min(bytes.count, Self.capacity - end)
        // end + count <= capacity, and the two do not overlap: base is ours alone.
        if count > 0, let source = bytes.baseAddress { unsafe memcpy(base + end, source, count) }
        end += count
        return count
    }

    /// Reads more from `descriptor`, all that was read before being used: what read(2) says.
    mutating func read(from descriptor: Int32) -> Int {
        baseOffset += UInt64(start)
        start = 0
        end = 0
        // There is room for capacity octets.
        let count = unsafe Glibc.read(descriptor, base, Self.capacity)
        if count > 0 { end = count }
        if count == 0 { isInputOver = true }
        return count
    }

    /// Decompresses to `output`, which is not empty.
    mutating func produce(to output: UnsafeMutableRawBufferPointer) throws(WindowError) -> Step {
        if let fault { throw fault }
        while true {
            if isBetweenMembers, format == .gzip, try !nextMemberStarts() { return isInputOver ? .end : .needsInput }
            if start == end, isInputOver, isBetweenMembers { return .end }
            // A stream may pause for long, and zstd takes it for damage to be asked again and again with nothing new.
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
                // Neither library does that; a loop without end would be worse than this.
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

    /// Whether another gzip member follows the last one. Zeros are what tapes and block devices are filled up with; as
    /// with gzip(1), they are no fault, and anything else is.
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
