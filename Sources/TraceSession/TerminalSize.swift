// How large the page is that is shown.

import CLinux
import Glibc

/// The size of the terminal on standard output, or nil if there is none (or it does not say).
func terminalSize() -> (columns: Int, rows: Int)? {
    var columns: UInt16 = 0
    var rows: UInt16 = 0
    // The shim fills the two numbers that are passed, nothing else.
    guard unsafe tcptrace_terminal_size(STDOUT_FILENO, &columns, &rows) == 1, columns > 0, rows > 0 else { return nil }
    return (Int(columns), Int(rows))
}
