// Messages to the user on standard error.

import Glibc
import PacketSource
import TimelineReport

/// Writes one line to standard error, prefixed with the program's name.
func complain(_ text: String) {
    var buffer = OutputBuffer()
    buffer.append("tcptrace: ")
    buffer.append(text: text)
    buffer.newline()
    try? ResultOutput(descriptor: STDERR_FILENO).write(&buffer)
}

/// Writes one line to standard error without the program's name: the counts at the end look as tcpdump prints them.
func complain(plain text: String) {
    var buffer = OutputBuffer()
    buffer.append(text: text)
    buffer.newline()
    try? ResultOutput(descriptor: STDERR_FILENO).write(&buffer)
}

extension ResultOutputError {
    /// Reports a failure on standard error and returns the exit code. A closed pipe is not a failure: nothing is
    /// printed, and the code is 0.
    func complainAndExitCode() -> Int32 {
        switch self {
        case .closedPipe: return 0
        case .failed(let code):
            complain("standard output: \(describeErrno(code))")
            return 1
        }
    }
}
