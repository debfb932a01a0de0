// poll(2) that lasts as long as it was told to, whatever signals come.

import Glibc
import TCPModel

/// Waits at most so long for one of the descriptors, signals or not; the number of those that are ready, or -1 with errno set.
func pollUninterrupted(_ entries: inout [pollfd], milliseconds: Int32) -> Int32 {
    let deadline = monotonicNow() + Int64(milliseconds) * Span.millisecond
    var left = milliseconds
    while true {
        // The count is the array's own.
        let count = nfds_t(entries.count)
        let ready = unsafe poll(&entries, count, left)
        if ready >= 0 || errno != EINTR { return ready }
        // Negative means for ever.
        if milliseconds > 0 {
            let rest = max(0, deadline - monotonicNow())
            left = Int32(clamping: (rest + Span.millisecond - 1) / Span.millisecond)
        }
    }
}
