// The progress of a long replay: one line on a terminal's standard error, rewritten again and again and finally erased.

import CLinux
import Glibc
import KernelSockets
import TCPModel
import TimelineReport

/// The line. It is not shown if standard error is not a terminal, nor within the first second.
struct ProgressLine {
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let start = monotonicNow()
    private var next: Int64 = Span.second
    private var isShown = false

    /// Updates the line, four times a second.
    mutating func show(_ packets: UInt64, _ bytes: UInt64, _ size: UInt64?) {
        guard isTerminal else { return }
        let elapsed = monotonicNow() - start
        guard elapsed >= next else { return }
        next = elapsed + Span.second / 4
        isShown = true
        var line = OutputBuffer()
        line.append("\rtcptrace: ")
        line.append(number: packets)
        line.append(" packets read")
        if let size, size > 0 {
            line.append(", ")
            line.append(number: bytes * 100 / size)
            line.append("%")
        }
        line.append(", ")
        line.append(number: packets / UInt64(max(1, elapsed / Span.millisecond)))
        line.append(" a millisecond\u{1b}[K")
        try? ResultOutput(descriptor: STDERR_FILENO).write(&line)
    }

    /// Erases the line, before anything else is written.
    mutating func clear() {
        guard isShown else { return }
        isShown = false
        var line = OutputBuffer()
        line.append("\r\u{1b}[K")
        try? ResultOutput(descriptor: STDERR_FILENO).write(&line)
    }
}
