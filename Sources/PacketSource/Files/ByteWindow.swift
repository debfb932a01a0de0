// The bytes of a capture that can be looked at now: a bounded growing buffer over a file or a stream, decompressed on the way if
// need be.
//
// Files are read, not mapped: a mapping costs more than copying into a buffer that stays in the cache (a replay takes a tenth longer),
// shows a file that shrinks as zeros and SIGBUS, and a disk's fault as SIGBUS alone.

import Glibc

/// Owner of the descriptor and of the memory. Bytes `start ..< end` have not been consumed yet.
@safe struct ByteWindow: ~Copyable {
    /// What `fill` brought.
    enum Filled { case bytes, end, waiting }

    /// First size of the buffer: it fits into a core's cache.
    static let firstCapacity = 256 << 10

    let descriptor: Int32
    let identity: FileIdentity
    /// Octets that a regular file had, from where it is read, when it was opened; nil for a stream and for what is decompressed.
    let size: UInt64?
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var start = 0
    private(set) var end = 0
    /// Offset in the file of the byte at `base`.
    private var baseOffset: UInt64 = 0
    private var atEnd = false
    /// What stands between the descriptor and the buffer if the file is compressed; offsets are then of what it holds.
    private var compressed: CompressedInput?

    /// Takes over `descriptor`, which is open for reading; it is closed in every case.
    init(descriptor: Int32, status: stat) throws(WindowError) {
        self.descriptor = descriptor
        identity = FileIdentity(status)
        // Files of /proc say size 0 and have bytes all the same.
        if fileType(status) == S_IFREG, status.st_size > 0 {
            // Standard input may have been read from before.
            size = UInt64(max(0, status.st_size - max(0, lseek(descriptor, 0, SEEK_CUR))))
            // Advice cannot harm.
            _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        } else {
            size = nil
        }
        capacity = Self.firstCapacity
        guard let memory = unsafe malloc(capacity) else {
            close(descriptor)
            throw WindowError(code: ENOMEM)
        }
        unsafe base = memory
    }

    /// The decompressed octets of what `packed` shows compressed, of which nothing has been consumed.
    init(decompressing packed: consuming ByteWindow, _ format: CompressionFormat) throws(WindowError) {
        // The other one closes its descriptor when it goes.
        descriptor = fcntl(packed.descriptor, F_DUPFD_CLOEXEC, 3)
        identity = packed.identity
        size = nil
        capacity = Self.firstCapacity
        guard descriptor >= 0 else { throw WindowError(code: errno) }
        guard var input = CompressedInput(format) else {
            close(descriptor)
            throw WindowError(code: ENOMEM)
        }
        if unsafe input.append(packed.bytes) < packed.available {
            // The magic is looked at first, with one read of the first buffer's size at most.
            close(descriptor)
            throw WindowError(code: EFBIG)
        }
        guard let memory = unsafe malloc(capacity) else {
            close(descriptor)
            throw WindowError(code: ENOMEM)
        }
        unsafe base = memory
        compressed = consume input
    }

    deinit {
        // base came from malloc or realloc and is freed here only; no span of it outlives self.
        unsafe free(base)
        if descriptor > 2 { close(descriptor) }
    }

    /// Offset in the file of the next byte to consume.
    var offset: UInt64 { baseOffset + UInt64(start) }

    /// Bytes that can be looked at.
    var available: Int { end - start }

    /// The bytes that can be looked at.
    var bytes: UnsafeRawBufferPointer {
        // start <= end <= capacity, and capacity bytes are ours.
        unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(base) + start, count: end - start)
    }

    /// Takes `count` bytes, at most `available`, as done.
    mutating func consume(_ count: Int) {
        start += min(count, end - start)
    }

    /// Makes at least `need` bytes available if the file has them. Bytes move: no span may be held.
    ///
    /// `waitMilliseconds` < 0 waits as long as it takes; otherwise, and on a signal, it may come back with `.waiting`.
    mutating func fill(need: Int, waitMilliseconds: Int32) throws(WindowError) -> Filled {
        while available < need {
            if atEnd { return .end }
            makeRoom()
            if capacity == end && !grow() { throw WindowError(code: ENOMEM) }
            if compressed != nil, try decompress() { continue }
            if waitMilliseconds >= 0 && size == nil {
                var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                // question is one pollfd and lives through the call.
                if unsafe poll(&question, 1, waitMilliseconds) <= 0 { return .waiting }
            }
            let count = readSome()
            switch count {
            // The decompressor says whether this is a good place to end.
            case 0: atEnd = compressed == nil
            case 1...: if compressed == nil { end += count }
            default:
                if errno == EINTR || errno == EAGAIN {
                    if waitMilliseconds >= 0 { return .waiting }
                    if errno == EAGAIN { waitForInput() }
                    continue
                }
                throw WindowError(code: errno)
            }
        }
        return .bytes
    }

    /// One read(2), to the buffer or to the decompressor.
    private mutating func readSome() -> Int {
        if compressed != nil { return compressed?.read(from: descriptor) ?? 0 }
        // end < capacity, so there is room for capacity - end bytes.
        return unsafe read(descriptor, base + end, capacity - end)
    }

    /// Moves on without reading; false if the decompressor has used up all that was read.
    private mutating func decompress() throws(WindowError) -> Bool {
        // end < capacity, so there is room for capacity - end bytes.
        let room = unsafe UnsafeMutableRawBufferPointer(start: base + end, count: capacity - end)
        switch try unsafe compressed?.produce(to: room) {
        case .produced(let count): end += count
        case .end, nil: atEnd = true
        case .needsInput: return false
        }
        return true
    }

    /// Whether the bytes were compressed in the file.
    var isDecompressed: Bool { compressed != nil }

    /// Whether a regular file has come to its end before as many bytes as it had when it was opened.
    var hasShrunk: Bool {
        guard let size, atEnd else { return false }
        return baseOffset + UInt64(end) < size
    }

    private mutating func makeRoom() {
        guard start > 0 else { return }
        // Both ranges lie within the buffer; memmove allows overlap.
        unsafe memmove(base, base + start, end - start)
        baseOffset += UInt64(start)
        end -= start
        start = 0
    }

    /// Doubles the buffer. It is called only when the buffer is full of bytes that did come, so a lie cannot make it large.
    private mutating func grow() -> Bool {
        // base came from malloc or realloc; after success the old pointer is not used again.
        guard let larger = unsafe realloc(base, capacity * 2) else { return false }
        unsafe base = larger
        capacity *= 2
        return true
    }

    private func waitForInput() {
        var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // question is one pollfd and lives through the call.
        _ = unsafe poll(&question, 1, -1)
    }
}

/// Why the window gets no more bytes.
struct WindowError: Error {
    var reason: CaptureFileError.Reason
    /// Octets from the start of the file, if not those of the window tell where.
    var offset: UInt64?

    init(_ reason: CaptureFileError.Reason, offset: UInt64? = nil) {
        self.reason = reason
        self.offset = offset
    }

    /// An errno of its system calls.
    init(code: Int32) { self.init(.system(code)) }
}
