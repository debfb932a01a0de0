// The two clocks that readings are stamped with.

import Glibc
import TCPModel

/// The wall clock (CLOCK_REALTIME), which packet time stamps use too.
func wallClock() -> Timestamp {
    var time = timespec()
    // clock_gettime fills the structure that is passed, nothing else.
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
}

/// Nanoseconds of the monotonic clock: only differences mean something.
func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    // clock_gettime fills the structure that is passed, nothing else.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec)).nanoseconds
}
