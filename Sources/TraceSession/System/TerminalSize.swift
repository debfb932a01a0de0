// The size of the terminal that shows the output.

import CLinux
import Glibc

/// The size of the terminal on standard output; nil if that is not a terminal, or if its size is unknown.
func terminalSize() -> (columns: Int, rows: Int)? {
    var columns: UInt16 = 0
    var rows: UInt16 = 0
    // The shim writes only to the two numbers passed to it.
    guard unsafe tcptrace_terminal_size(STDOUT_FILENO, &columns, &rows) == 1, columns > 0, rows > 0 else { return nil }
    return (Int(columns), Int(rows))
}
