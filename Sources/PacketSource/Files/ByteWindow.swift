// A window onto the bytes of a capture: a bounded, growing buffer over a file or a stream, which decompresses if
// necessary.
//
// Files are read rather than mapped. A mapping costs more than copying into a buffer that stays in cache (a replay
// takes a tenth longer). It also turns a shrinking file into zeros and SIGBUS, and a disk error into SIGBUS.

import Glibc

/// The owner of the descriptor and of the buffer. Bytes `start ..< end` have not been consumed yet.
@safe struct ByteWindow: ~Copyable {
    /// The result of `fill`.
    enum Filled { case bytes, end, waiting }

    /// Initial size of the buffer, which fits into a core's cache.
    static let firstCapacity = 256 << 10

    let descriptor: Int32
    let identity: FileIdentity
    /// Octets from the read position to the end of a regular file when it was opened; nil for a stream and for
    /// decompressed data.
    let size: UInt64?
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var start = 0
    private(set) var end = 0
    /// Offset in the file of the byte at `base`.
    private var baseOffset: UInt64 = 0
    private var atEnd = false
    /// The decompressor between the descriptor and the buffer, if the file is compressed; offsets then count
    /// decompressed octets.
    private var compressed: CompressedInput?

    /// Takes ownership of `descriptor`, which must be open for reading; it is closed in every case.
    init(descriptor: Int32, status: stat) throws(WindowError) {
        self.descriptor = descriptor
        identity = FileIdentity(status)
        // Files in /proc report size 0 but have bytes all the same.
        if fileType(status) == S_IFREG, status.st_size > 0 {
            // Part of standard input may have been read already.
            size = UInt64(max(0, status.st_size - max(0, lseek(descriptor, 0, SEEK_CUR))))
            // Only advice, so a failure does not matter.
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

    /// A window over the decompressed octets of `packed`, of which nothing may have been consumed.
    init(decompressing packed: consuming ByteWindow, _ format: CompressionFormat) throws(WindowError) {
        // `packed` closes its own descriptor when it is destroyed.
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
            // Not expected: recognizing the magic takes one read of at most the first buffer's size.
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
        // base came from malloc or realloc and is freed only here; no span of it outlives self.
        unsafe free(base)
        if descriptor > 2 { close(descriptor) }
    }

    /// Offset in the file of the next byte to consume.
    var offset: UInt64 { baseOffset + UInt64(start) }

    /// How many bytes are available.
    var available: Int { end - start }

    /// The available bytes.
    var bytes: UnsafeRawBufferPointer {
        // start <= end <= capacity, and capacity bytes were allocated.
        unsafe UnsafeRawBufferPointer(start: UnsafeRawPointer(base) + start, count: end - start)
    }

    /// Marks `count` bytes, at most `available`, as consumed.
    mutating func consume(_ count: Int) {
        start += min(count, end - start)
    }

    /// Makes at least `need` bytes available if the file has them. Bytes move, so no span may be held.
    ///
    /// With `waitMilliseconds` < 0 it waits as long as necessary; otherwise, also after a signal, it may return
    /// `.waiting`.
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
            // For compressed input, the decompressor decides whether the file may end here.
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

    /// One read(2), into the buffer or into the decompressor.
    private mutating func readSome() -> Int {
        if compressed != nil { return compressed?.read(from: descriptor) ?? 0 }
        // end < capacity, so there is room for capacity - end bytes.
        return unsafe read(descriptor, base + end, capacity - end)
    }

    /// Makes progress without reading; false if the decompressor has used up all input.
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

    /// Whether the file is compressed.
    var isDecompressed: Bool { compressed != nil }

    /// Whether a regular file ended before as many bytes as it had when it was opened.
    var hasShrunk: Bool {
        guard let size, atEnd else { return false }
        return baseOffset + UInt64(end) < size
    }

    private mutating func makeRoom() {
        guard start > 0 else { return }
        // Both ranges lie within the buffer; memmove allows them to overlap.
        unsafe memmove(base, base + start, end - start)
        baseOffset += UInt64(start)
        end -= start
        start = 0
    }

    /// Doubles the buffer. Called only when the buffer is full of bytes actually read, so a false length cannot make it
    /// large.
    private mutating func grow() -> Bool {
        // base came from malloc or realloc; after success the old pointer is no longer used.
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

/// Why the window cannot get more bytes.
struct WindowError: Error {
    var reason: CaptureFileError.Reason
    /// Octets from the start of the file; nil if the window's position is the place of the error.
    var offset: UInt64?

    init(_ reason: CaptureFileError.Reason, offset: UInt64? = nil) {
        self.reason = reason
        self.offset = offset
    }

    /// An error from an errno of a system call.
    init(code: Int32) { self.init(.system(code)) }
}
