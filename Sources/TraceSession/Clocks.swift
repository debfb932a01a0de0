// The clocks of a session: for scheduling, for measuring cost, and for time stamps comparable with those of frames.

import Glibc
import TCPModel

/// Nanoseconds of the monotonic clock; only differences between two readings mean anything.
func monotonicNow() -> Int64 { clockNanoseconds(CLOCK_MONOTONIC) }

/// Processor time that this thread has used, in nanoseconds. The cost of work is measured with it, because on a busy
/// machine most of the elapsed time belongs to other programs.
func processorTime() -> Int64 { clockNanoseconds(CLOCK_THREAD_CPUTIME_ID) }

/// The current wall-clock time: the clock that stamps frames.
func wallClockNow() -> Timestamp { Timestamp(nanoseconds: clockNanoseconds(CLOCK_REALTIME)) }

private func clockNanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    // clock_gettime writes only to the structure passed to it.
    unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
