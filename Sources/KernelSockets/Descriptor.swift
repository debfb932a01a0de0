// Move-only owners of a file descriptor and of a directory stream, and the few calls on them that reading /proc needs.

import Glibc

/// An open file descriptor, closed when its owner goes.
struct Descriptor: ~Copyable {
    /// The descriptor number.
    let number: Int32

    /// Opens `path`; nil with errno set when that fails. Always close-on-exec.
    init?(path: String, flags: Int32 = O_RDONLY) {
        // The path is a String: the compiler hands over a NUL-terminated copy for the time of the call.
        let opened = retrying { unsafe open(path, flags | O_CLOEXEC) }
        // Before anything is stored: a value that is complete runs deinit, and close(-1) would overwrite errno.
        guard opened >= 0 else { return nil }
        number = opened
    }

    /// Opens `name` below the directory `parent`; nil with errno set when that fails. Always close-on-exec.
    init?(below parent: borrowing Descriptor, name: String, flags: Int32 = O_RDONLY) {
        let directory = parent.number
        // The name is a String: the compiler hands over a NUL-terminated copy for the time of the call.
        let opened = retrying { unsafe openat(directory, name, flags | O_CLOEXEC) }
        guard opened >= 0 else { return nil }
        number = opened
    }

    /// Takes over an open descriptor.
    init(owning opened: Int32) { number = opened }

    deinit { close(number) }

    /// Reads at most `bytes.count - offset` bytes into `bytes` from `offset` on; 0 at the end, negative (errno) on error.
    func read(into bytes: inout [UInt8], from offset: Int) -> Int {
        precondition(offset >= 0 && offset <= bytes.count)
        // The region given to read(2) is the rest of the array: the precondition holds offset inside it.
        return unsafe bytes.withUnsafeMutableBytes { region in
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: region[offset...])
            return retrying { unsafe Glibc.read(number, rest.baseAddress, rest.count) }
        }
    }

    /// The first bytes (at most `limit`) of the file `name` below this directory; nil with errno set when that fails.
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

    /// How many octets the file says it has; nil with errno set when it has gone.
    func size() -> Int? {
        var status = stat()
        // fstat fills the structure that is passed, nothing else.
        guard unsafe fstat(number, &status) == 0 else { return nil }
        return Int(status.st_size)
    }

    /// The user id that owns this file; nil with errno set when it has gone.
    func ownerUser() -> UInt32? {
        var status = stat()
        // fstat fills the structure that is passed, nothing else.
        guard unsafe fstat(number, &status) == 0 else { return nil }
        return status.st_uid
    }

    /// The target of the link `name` below this directory, cut to `buffer.count` bytes: how many bytes of `buffer` it
    /// takes, or nil with errno set.
    func linkTarget(of name: String, into buffer: inout [UInt8]) -> Int? {
        // readlinkat writes at most the count that it is given: the array's own.
        let count: Int? = unsafe buffer.withUnsafeMutableBytes { region in
            guard let start = region.baseAddress else { return nil }
            return unsafe readlinkat(number, name, start.assumingMemoryBound(to: CChar.self), region.count)
        }
        guard let count, count >= 0 else { return nil }
        return count
    }
}

/// Calls again while a signal interrupts the call.
func retrying<Number: FixedWidthInteger & SignedInteger>(_ call: () -> Number) -> Number {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

/// A directory being listed, closed when its owner goes.
@safe struct DirectoryStream: ~Copyable {
    // A DIR* from fdopendir that this value alone owns until deinit.
    private let stream: OpaquePointer

    /// Lists the directory `name` below `parent` (`.`: parent itself); nil with errno set when that fails.
    init?(below parent: borrowing Descriptor, name: String) {
        // The name is a String: the compiler hands over a NUL-terminated copy for the time of the call.
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

    // The stream is open: only init makes this value, and deinit runs once.
    deinit { unsafe closedir(stream) }

    /// The next entry whose name is a decimal number, as that number; nil at the end. All other entries are skipped.
    mutating func nextNumber() -> Int32? {
        // The entry is valid until the next readdir on this stream; only digits are copied out of it, before that.
        while let entry = unsafe readdir(stream) {
            let number = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe decimalNumber($0) }
            if let number { return number }
        }
        return nil
    }
}

/// The NUL-terminated decimal number at the start of `bytes`, or nil if there is anything else or it is too big.
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
