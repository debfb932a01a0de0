// A process that cannot be mistaken for another: a pidfd, to signal it and to wait for its end.

import CLinux
import Glibc

/// A pidfd, closed when its owner goes. It stays that of the process it was opened for, whoever gets the pid later.
struct ProcessHandle: ~Copyable {
    private let descriptor: Int32

    /// Opens the process that has this pid now; nil with errno set if there is none.
    init?(pid: Int32) {
        let opened = tcptrace_pidfd_open(pid)
        guard opened >= 0 else { return nil }
        descriptor = opened
    }

    deinit { close(descriptor) }

    /// Readable when the process has ended.
    var fileDescriptor: Int32 { descriptor }

    /// Sends a signal; returns 0 or the errno (EPERM, ESRCH).
    func send(signal: Int32) -> Int32 { tcptrace_pidfd_send_signal(descriptor, signal) == 0 ? 0 : errno }

    /// Waits until the process has ended, at most so long; whether it has.
    func waitForEnd(milliseconds: Int32) -> Bool {
        var waits = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        return pollUninterrupted(&waits, milliseconds: milliseconds) > 0
    }
}
