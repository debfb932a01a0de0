// Writing results to standard output: short writes, closed pipes and full disks included.

import Glibc
package import TimelineReport

/// Why results could not be written.
package enum ResultOutputError: Error, Hashable, Sendable {
    /// Nobody reads any more: a request to stop, not a failure.
    case closedPipe
    /// write(2) failed with this errno.
    case failed(code: Int32)
}

/// A descriptor that results go to. The descriptor is borrowed: standard output is nobody's to close.
package struct ResultOutput {
    /// The descriptor number.
    let descriptor: Int32

    /// Results go to this descriptor.
    package init(descriptor: Int32) { self.descriptor = descriptor }

    /// Writes all of the buffer's bytes and clears it. Waits if the descriptor is non-blocking and full.
    package func write(_ buffer: inout OutputBuffer) throws(ResultOutputError) {
        defer { buffer.clear() }
        let bytes = buffer.bytes
        var written = 0
        while written < bytes.count {
            // The region given to write(2) is the rest of the array: `written` is less than its count.
            let count = unsafe bytes.withUnsafeBytes { region in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: region[written...])
                return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count >= 0 {
                written += count
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                // One structure is passed, and its count is 1.
                _ = unsafe poll(&wait, 1, 1000)
            case EPIPE: throw .closedPipe
            default: throw .failed(code: errno)
            }
        }
    }
}

/// Tells the user something on standard error, one line with the program's name before it.
func complain(_ text: String) {
    var buffer = OutputBuffer()
    buffer.append("tcptrace: ")
    buffer.append(text: text)
    buffer.newline()
    try? ResultOutput(descriptor: STDERR_FILENO).write(&buffer)
}

/// The same without the program's name, for the counts at the end, as tcpdump prints them.
func complain(plain text: String) {
    var buffer = OutputBuffer()
    buffer.append(text: text)
    buffer.newline()
    try? ResultOutput(descriptor: STDERR_FILENO).write(&buffer)
}

/// The C library's words for an errno.
package func describeErrno(_ code: Int32) -> String {
    // strerror returns a NUL-terminated string that lives until the next call; it is copied at once.
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}

/// Untrusted text with everything that could act on a terminal escaped.
package func printable(_ text: String) -> String {
    var buffer = OutputBuffer()
    buffer.appendPrintable(text)
    return String(decoding: buffer.bytes, as: UTF8.self)
}
