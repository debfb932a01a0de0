// What the user is told on standard error.

import Glibc
import TimelineReport

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

extension ResultOutputError {
    /// Says what happened if it was a failure; the exit code for it.
    func complainAndExitCode() -> Int32 {
        switch self {
        case .closedPipe: return 0
        case .failed(let code):
            complain("standard output: \(describeErrno(code))")
            return 1
        }
    }
}
