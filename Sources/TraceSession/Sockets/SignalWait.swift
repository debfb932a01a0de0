// Waiting for a while, for a signal, or until nobody reads the output any more.

import CLinux
import Glibc

/// Signals taken out of their usual way and waited for through a descriptor; put back when this value goes.
package struct SignalWait: ~Copyable {
    /// Why the waiting ended.
    enum End {
        case timeout
        case signal
        case closed
    }

    private let descriptor: Int32
    private let signals: [Int32]

    /// Blocks these signals and watches for them; nil with errno set if that fails.
    package init?(_ signals: [Int32]) {
        var set = Self.signalSet(signals)
        // Both calls read the set that is passed, nothing else.
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        let opened = unsafe signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
        guard opened >= 0 else { return nil }
        descriptor = opened
        self.signals = signals
    }

    deinit {
        var set = Self.signalSet(signals)
        // What is still pending was meant to end the waiting, which has ended: take it before the block is lifted.
        var time = timespec(tv_sec: 0, tv_nsec: 0)
        // The calls read the structures that are passed, nothing else.
        while unsafe sigtimedwait(&set, nil, &time) > 0 {}
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        close(descriptor)
    }

    private static func signalSet(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        // Both calls change the set that is passed, nothing else.
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        return set
    }

    /// From now on the signals do what they do by default: a second Ctrl-C ends the program at once.
    func standDown() {
        var set = Self.signalSet(signals)
        // The call reads the set that is passed, nothing else.
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Readable when a signal is waiting, for epoll.
    var fileDescriptor: Int32 { descriptor }

    /// Takes the next signal that is waiting, or nil at once.
    package func next() -> Int32? {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        // read(2) fills at most the structure that is passed.
        guard unsafe read(descriptor, &information, size) == size else { return nil }
        return Int32(bitPattern: information.ssi_signo)
    }

    /// Waits at most so long; ends earlier at one of the signals, or when the other side of the pipe `output` closes.
    func wait(milliseconds: Int32, orClosed output: Int32) -> End {
        var waits = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: output, events: 0, revents: 0),
        ]
        let count = nfds_t(waits.count)
        // The count is the array's own.
        let ready = unsafe poll(&waits, count, milliseconds)
        if ready <= 0 { return .timeout }
        if waits[0].revents != 0 { return .signal }
        return .closed
    }
}
