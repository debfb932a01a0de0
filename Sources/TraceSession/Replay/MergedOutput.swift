// A replay's output to standard output, until the reader has gone or a write fails.

import Glibc
import TimelineReport

/// Buffered results on their way to standard output.
struct MergedOutput: ~Copyable {
    /// The number of octets to buffer before writing.
    private static let writeSize = 1 << 16

    var buffer = OutputBuffer(capacity: 1 << 17)
    private let output = ResultOutput(descriptor: STDOUT_FILENO)
    /// The exit code after a failed write; nil if none has failed.
    private(set) var status: Int32?

    /// Writes the buffer; after a failure its contents are discarded.
    mutating func flush() {
        guard status == nil else { return buffer.clear() }
        do throws(ResultOutputError) {
            try output.write(&buffer)
        } catch {
            status = error.complainAndExitCode()
        }
    }

    /// Writes the buffer if it holds enough.
    mutating func flushIfFull() {
        if buffer.count >= Self.writeSize { flush() }
    }
}
