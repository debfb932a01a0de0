// poll(2) that waits for its full time even if signals arrive.

import Glibc
import KernelSockets
import TCPModel

/// Waits for at most the given time for one of the descriptors, despite signals. Returns the number that are ready, or
/// -1 with errno set.
func pollUninterrupted(_ entries: inout [pollfd], milliseconds: Int32) -> Int32 {
    let deadline = monotonicNow() + Int64(milliseconds) * Span.millisecond
    var left = milliseconds
    while true {
        // The count is the array's own.
        let count = nfds_t(entries.count)
        let ready = unsafe poll(&entries, count, left)
        if ready >= 0 || errno != EINTR { return ready }
        // A negative time means forever.
        if milliseconds > 0 {
            let rest = max(0, deadline - monotonicNow())
            left = Int32(clamping: (rest + Span.millisecond - 1) / Span.millisecond)
        }
    }
}
