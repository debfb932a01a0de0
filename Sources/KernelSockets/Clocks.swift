// The clocks: wall time for time stamps, monotonic time for deadlines, processor time for costs.

import Glibc
package import TCPModel

/// The wall clock (CLOCK_REALTIME), which packet time stamps use too.
package func wallClockNow() -> Timestamp { Timestamp(nanoseconds: clockNanoseconds(CLOCK_REALTIME)) }

/// The monotonic clock in nanoseconds. Only differences between two values are meaningful.
package func monotonicNow() -> Int64 { clockNanoseconds(CLOCK_MONOTONIC) }

/// Processor time used by this thread, in nanoseconds. It measures what work costs: on a busy machine most of the
/// elapsed time belongs to other programs.
package func processorTime() -> Int64 { clockNanoseconds(CLOCK_THREAD_CPUTIME_ID) }

private func clockNanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    // clock_gettime writes only to the structure passed to it.
    unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
