// Signals that can be polled and waited for; a second request to stop ends the program, wherever it is waiting.

import CLinux
import Glibc

/// Catches signals, and restores their previous handling at the end of this value's life. There is one at a time.
///
/// Signals are caught rather than blocked, so that a program waiting for the reader of its output, or for a file to be
/// opened, can still be ended. The first SIGINT, SIGTERM or SIGHUP is only recorded, for `next`. Another one, at least
/// a quarter of a second later, has its default effect.
package struct SignalWait: ~Copyable {
    /// Why a wait ended.
    enum End {
        case timeout
        case signal
        /// The other descriptor is ready, or lost its reader.
        case ready
    }

    private let descriptor: Int32

    /// Catches these signals; nil with errno set on failure.
    package init?(_ signals: [Int32]) {
        // The count passed is the array's own.
        let opened = unsafe tcptrace_catch_signals(signals, signals.count)
        guard opened >= 0 else { return nil }
        descriptor = opened
    }

    deinit { tcptrace_release_signals() }

    /// From now on already the first signal ends the program at once.
    func standDown() { tcptrace_end_at_next_signal() }

    /// A descriptor for epoll that is readable when a signal is waiting.
    var fileDescriptor: Int32 { descriptor }

    /// Takes the next waiting signal; nil if there is none.
    package func next() -> Int32? {
        var number: UInt8 = 0
        // read(2) writes at most the one octet passed to it.
        return unsafe read(descriptor, &number, 1) == 1 ? Int32(number) : nil
    }

    /// Waits for at most the given time; ends earlier at one of the signals, or when `output` has lost its reader.
    func wait(milliseconds: Int32, orClosed output: Int32) -> End { wait(milliseconds, output, events: 0) }

    /// Waits for at most the given time; ends earlier at one of the signals, or when `input` has something to read.
    @discardableResult func wait(milliseconds: Int32, orReadable input: Int32) -> End {
        wait(milliseconds, input, events: Int16(POLLIN))
    }

    private func wait(_ milliseconds: Int32, _ other: Int32, events: Int16) -> End {
        var waits = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: events, revents: 0),
        ]
        // A signal that interrupted the wait can be read from the descriptor.
        guard pollUninterrupted(&waits, milliseconds: milliseconds) > 0 else { return .timeout }
        return waits[0].revents != 0 ? .signal : .ready
    }
}
