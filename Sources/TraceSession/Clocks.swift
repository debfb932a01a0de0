// The clocks of a session: when to do something, what it cost, and when frames were captured.

import Glibc
import TCPModel

/// Nanoseconds of the monotonic clock: only differences mean something.
func monotonicNow() -> Int64 { clockNanoseconds(CLOCK_MONOTONIC) }

/// Nanoseconds of the processor that this thread has used. What work costs is measured by it: on a busy machine the time between
/// its beginning and its end is mostly other programs'.
func processorTime() -> Int64 { clockNanoseconds(CLOCK_THREAD_CPUTIME_ID) }

/// The clock that stamps frames.
func wallClockNow() -> Timestamp { Timestamp(nanoseconds: clockNanoseconds(CLOCK_REALTIME)) }

private func clockNanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    // clock_gettime fills the structure that is passed, nothing else.
    unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
