// What a replay writes to standard output, until nobody wants it any more.

import Glibc
import TimelineReport

/// Results on their way to standard output.
struct MergedOutput: ~Copyable {
    /// Octets that gather before they are written.
    private static let writeSize = 1 << 16

    var buffer = OutputBuffer(capacity: 1 << 17)
    private let output = ResultOutput(descriptor: STDOUT_FILENO)
    /// The exit code that a failure to write asks for; nil as long as there is none.
    private(set) var status: Int32?

    /// Writes what there is; after a failure it is forgotten.
    mutating func flush() {
        guard status == nil else { return buffer.clear() }
        do throws(ResultOutputError) {
            try output.write(&buffer)
        } catch {
            status = error.complainAndExitCode()
        }
    }

    /// The same if enough has gathered.
    mutating func flushIfFull() {
        if buffer.count >= Self.writeSize { flush() }
    }
}
