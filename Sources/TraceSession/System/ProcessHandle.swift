// A reference to a process that cannot be confused with another one: a pidfd, to signal it and to wait for its end.

import CLinux
import Glibc

/// A pidfd, closed at the end of this value's life. It refers to the process it was opened for even if the pid is
/// reused.
struct ProcessHandle: ~Copyable {
    private let descriptor: Int32

    /// Opens the process that has this pid now; nil with errno set on failure.
    init?(pid: Int32) {
        let opened = tcptrace_pidfd_open(pid)
        guard opened >= 0 else { return nil }
        descriptor = opened
    }

    deinit { close(descriptor) }

    /// A descriptor that becomes readable when the process has ended.
    var fileDescriptor: Int32 { descriptor }

    /// Sends a signal; returns 0 or an errno (EPERM, ESRCH).
    func send(signal: Int32) -> Int32 { tcptrace_pidfd_send_signal(descriptor, signal) == 0 ? 0 : errno }

    /// Waits until the process has ended, for at most the given time; returns whether it has.
    func waitForEnd(milliseconds: Int32) -> Bool {
        var waits = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        return pollUninterrupted(&waits, milliseconds: milliseconds) > 0
    }
}
