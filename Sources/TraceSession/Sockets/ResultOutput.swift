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
    /// Octets that a pipe takes as a whole or not at all (PIPE_BUF).
    private static let indivisible = 4096

    /// The descriptor number.
    let descriptor: Int32
    private let isPipe: Bool

    /// Results go to this descriptor.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
        var status = stat()
        // The call fills the structure that is passed.
        isPipe = unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }

    /// How many octets to write next, of those from `start` on. Pipes get whole lines, in portions that they do not divide:
    /// whoever reads them sees no half line if this program is ended while it waits for him. (Only longer lines than that.)
    private func portion(_ bytes: ArraySlice<UInt8>, from start: Int) -> Int {
        guard isPipe, bytes.endIndex - start > Self.indivisible else { return bytes.endIndex - start }
        let portion = bytes[start..<start + Self.indivisible]
        return portion.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 - start } ?? portion.count
    }

    /// Writes all of the buffer's bytes and clears it. Waits if the descriptor is non-blocking and full.
    package func write(_ buffer: inout OutputBuffer) throws(ResultOutputError) {
        defer { buffer.clear() }
        let bytes = buffer.bytes
        var written = 0
        while written < bytes.count {
            let portion = portion(bytes, from: written)
            // The region given to write(2) is a part of the array: what is left of it, or less.
            let count = unsafe bytes.withUnsafeBytes { region in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: region[written..<written + portion])
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
