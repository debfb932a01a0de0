// The two clocks used to time-stamp readings.

import Glibc
import TCPModel

/// The wall clock (CLOCK_REALTIME), which packet time stamps use too.
func wallClock() -> Timestamp {
    var time = timespec()
    // clock_gettime writes only to the structure passed to it.
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
}

/// The monotonic clock in nanoseconds. Only differences between two values are meaningful.
func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    // clock_gettime writes only to the structure passed to it.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec)).nanoseconds
}
