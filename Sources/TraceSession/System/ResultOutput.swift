// Writes results to standard output, with short writes, closed pipes and full disks handled.

import Glibc
package import TimelineReport

/// Reasons why results could not be written.
package enum ResultOutputError: Error, Hashable, Sendable {
    /// The reader has gone: a request to stop rather than a failure.
    case closedPipe
    /// write(2) failed with this errno.
    case failed(code: Int32)
}

/// A descriptor that results are written to. It is borrowed: standard output is not ours to close.
package struct ResultOutput {
    /// The largest number of octets that a pipe takes atomically (PIPE_BUF).
    private static let indivisible = 4096

    /// The descriptor number.
    let descriptor: Int32
    private let isPipe: Bool

    /// Results go to this descriptor.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
        var status = stat()
        // The call writes only to the structure passed to it.
        isPipe = unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }

    /// The number of octets to write next, from `start` on. A pipe gets whole lines in portions that it does not
    /// divide, so that its reader sees no partial line if this program is ended while it waits. (Only lines longer than
    /// such a portion are divided.)
    private func portion(_ bytes: ArraySlice<UInt8>, from start: Int) -> Int {
        guard isPipe, bytes.endIndex - start > Self.indivisible else { return bytes.endIndex - start }
        let portion = bytes[start..<start + Self.indivisible]
        return portion.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 - start } ?? portion.count
    }

    /// Writes all of the buffer's bytes and clears it. Waits if the descriptor is non-blocking and not ready.
    package func write(_ buffer: inout OutputBuffer) throws(ResultOutputError) {
        defer { buffer.clear() }
        let bytes = buffer.bytes
        var written = 0
        while written < bytes.count {
            let portion = portion(bytes, from: written)
            // The region passed to write(2) lies within the array: the rest of it, or less.
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
