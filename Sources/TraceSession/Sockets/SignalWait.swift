// Signals as something to ask for and to wait for; a second one that asks to stop ends the program, wherever it waits.

import CLinux
import Glibc

/// Signals taken out of their usual way; put back when this value goes. There is one at a time.
///
/// They are caught and not held back: a program that waits for the reader of its output, or for a file to be opened, can
/// still be ended. The first SIGINT, SIGTERM or SIGHUP is only noted, for `next`. Another one, a quarter of a second later or
/// more, does what it does by default.
package struct SignalWait: ~Copyable {
    /// Why the waiting ended.
    enum End {
        case timeout
        case signal
        /// The other descriptor that was waited for.
        case ready
    }

    private let descriptor: Int32

    /// Catches these signals; nil with errno set if that fails.
    package init?(_ signals: [Int32]) {
        // The array's own count of signals is read.
        let opened = unsafe tcptrace_catch_signals(signals, signals.count)
        guard opened >= 0 else { return nil }
        descriptor = opened
    }

    deinit { tcptrace_release_signals() }

    /// From now on the first signal is like a second one: it ends the program at once.
    func standDown() { tcptrace_end_at_next_signal() }

    /// Readable when a signal is waiting, for epoll.
    var fileDescriptor: Int32 { descriptor }

    /// Takes the next signal that is waiting, or nil at once.
    package func next() -> Int32? {
        var number: UInt8 = 0
        // read(2) fills at most the one octet that is passed.
        return unsafe read(descriptor, &number, 1) == 1 ? Int32(number) : nil
    }

    /// Waits at most so long; ends earlier at one of the signals, or when nobody reads `output` any more.
    func wait(milliseconds: Int32, orClosed output: Int32) -> End { wait(milliseconds, output, events: 0) }

    /// The same, or until `input` has something to read.
    @discardableResult func wait(milliseconds: Int32, orReadable input: Int32) -> End {
        wait(milliseconds, input, events: Int16(POLLIN))
    }

    private func wait(_ milliseconds: Int32, _ other: Int32, events: Int16) -> End {
        var waits = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: events, revents: 0),
        ]
        // A signal that was caught is there to be read then.
        guard pollUninterrupted(&waits, milliseconds: milliseconds) > 0 else { return .timeout }
        return waits[0].revents != 0 ? .signal : .ready
    }
}
