// Move-only owners of a file descriptor and of a directory stream, with the few operations needed to read /proc.

import Glibc

/// An open file descriptor, closed when the value is destroyed.
struct Descriptor: ~Copyable {
    /// The descriptor number.
    let number: Int32

    /// Opens `path` with O_CLOEXEC; nil with errno set on failure.
    init?(path: String, flags: Int32 = O_RDONLY) {
        // The path is a String: the compiler passes a NUL-terminated copy that lives for the duration of the call.
        let opened = retrying { unsafe open(path, flags | O_CLOEXEC) }
        // Check before `number` is stored: a fully initialized value runs deinit, and its close(-1) would overwrite
        // errno.
        guard opened >= 0 else { return nil }
        number = opened
    }

    /// Opens `name` below the directory `parent` with O_CLOEXEC; nil with errno set on failure.
    init?(below parent: borrowing Descriptor, name: String, flags: Int32 = O_RDONLY) {
        let directory = parent.number
        // The name is a String: the compiler passes a NUL-terminated copy that lives for the duration of the call.
        let opened = retrying { unsafe openat(directory, name, flags | O_CLOEXEC) }
        guard opened >= 0 else { return nil }
        number = opened
    }

    /// Takes ownership of an open descriptor.
    init(owning opened: Int32) { number = opened }

    deinit { close(number) }

    /// Reads up to `bytes.count - offset` bytes into `bytes`, starting at `offset`. Returns 0 at end of file and -1
    /// with errno set on error.
    func read(into bytes: inout [UInt8], from offset: Int) -> Int {
        precondition(offset >= 0 && offset <= bytes.count)
        // read(2) gets the rest of the array; the precondition keeps `offset` within it.
        return unsafe bytes.withUnsafeMutableBytes { region in
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: region[offset...])
            return retrying { unsafe Glibc.read(number, rest.baseAddress, rest.count) }
        }
    }

    /// The first `limit` bytes, at most, of the file `name` below this directory; nil with errno set on failure.
    func contents(of name: String, limit: Int) -> [UInt8]? {
        guard let file = Descriptor(below: self, name: name) else { return nil }
        var bytes = [UInt8](repeating: 0, count: limit)
        var filled = 0
        while filled < limit {
            let count = file.read(into: &bytes, from: filled)
            if count < 0 { return nil }
            if count == 0 { break }
            filled += count
        }
        bytes.removeSubrange(filled...)
        return bytes
    }

    /// The file's size in octets (st_size); nil with errno set if the file no longer exists.
    func size() -> Int? {
        var status = stat()
        // fstat writes only to the structure passed to it.
        guard unsafe fstat(number, &status) == 0 else { return nil }
        return Int(status.st_size)
    }

    /// The user id of the file's owner; nil with errno set if the file no longer exists.
    func ownerUser() -> UInt32? {
        var status = stat()
        // fstat writes only to the structure passed to it.
        guard unsafe fstat(number, &status) == 0 else { return nil }
        return status.st_uid
    }

    /// Reads the target of the symbolic link `name` below this directory into `buffer`, truncated to `buffer.count`
    /// bytes. Returns the number of bytes written, or nil with errno set.
    func linkTarget(of name: String, into buffer: inout [UInt8]) -> Int? {
        // readlinkat writes no more than the count passed to it, which is the array's own.
        let count: Int? = unsafe buffer.withUnsafeMutableBytes { region in
            guard let start = region.baseAddress else { return nil }
            return unsafe readlinkat(number, name, start.assumingMemoryBound(to: CChar.self), region.count)
        }
        guard let count, count >= 0 else { return nil }
        return count
    }
}

/// Retries the call as long as it is interrupted by a signal (EINTR).
func retrying<Number: FixedWidthInteger & SignedInteger>(_ call: () -> Number) -> Number {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

/// An open directory stream, closed when the value is destroyed.
@safe struct DirectoryStream: ~Copyable {
    // A DIR* from fdopendir, owned by this value alone until deinit.
    private let stream: OpaquePointer

    /// Opens the directory `name` below `parent` for listing (`.` for `parent` itself); nil with errno set on failure.
    init?(below parent: borrowing Descriptor, name: String) {
        // The name is a String: the compiler passes a NUL-terminated copy that lives for the duration of the call.
        let number = unsafe openat(parent.number, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        guard let stream = unsafe fdopendir(number) else {
            let code = errno
            close(number)
            errno = code
            return nil
        }
        unsafe self.stream = stream
    }

    // The stream is open: every value comes from a successful init, and deinit runs once.
    deinit { unsafe closedir(stream) }

    /// The next entry whose name is a decimal number, as that number; nil at the end. All other entries are skipped.
    mutating func nextNumber() -> Int32? {
        // The entry is valid until the next readdir on this stream; its digits are parsed before then.
        while let entry = unsafe readdir(stream) {
            let number = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe decimalNumber($0) }
            if let number { return number }
        }
        return nil
    }
}

/// The NUL-terminated decimal number at the start of `bytes`; nil if there are other characters or the number
/// overflows.
private func decimalNumber(_ bytes: UnsafeRawBufferPointer) -> Int32? {
    var number: Int32 = 0
    // Bounds: the loop walks the buffer's own indices.
    for index in bytes.indices {
        let byte = unsafe bytes[index]
        if byte == 0 { return index > 0 ? number : nil }
        guard byte >= 0x30 && byte <= 0x39 else { return nil }
        let (shifted, overflow) = number.multipliedReportingOverflow(by: 10)
        let (sum, carry) = shifted.addingReportingOverflow(Int32(byte - 0x30))
        if overflow || carry { return nil }
        number = sum
    }
    return nil
}
