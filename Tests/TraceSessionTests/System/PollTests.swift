// Waiting for descriptors: for the given time, and for a reader that closes its end.

import Foundation
import KernelSockets
import Testing

@testable import TraceSession

@Suite struct PollTests {
    /// A signal must not restart the wait from the beginning.
    @Test func signalsDoNotMakeAWaitLonger() {
        signal(SIGWINCH) { _ in }
        defer { signal(SIGWINCH, SIG_DFL) }
        let waiting = pthread_self()
        let start = monotonicNow()
        let sender = Thread {
            for _ in 0..<40 {
                usleep(25_000)
                _ = pthread_kill(waiting, SIGWINCH)
            }
        }
        sender.start()
        var entries: [pollfd] = []
        #expect(pollUninterrupted(&entries, milliseconds: 100) == 0)
        let took = monotonicNow() - start
        #expect(took >= 99_000_000 && took < 700_000_000, "\(took) ns")
        while !sender.isFinished { usleep(10_000) }
    }

    /// Many shells connect programs by sockets. A socket whose peer closes reports a hang-up, not an error.
    @Test(arguments: [true, false]) func aReaderThatGoes(isSocket: Bool) throws {
        var ends: [Int32] = [-1, -1]
        let made =
            isSocket ? unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) : unsafe pipe(&ends)
        try #require(made == 0)
        let (reader, writer) = (ends[0], ends[1])
        defer { close(writer) }
        #expect(!StandardStreams.hasLostReader(writer))
        if isSocket {
            // The reader has only stopped sending; it may still read.
            shutdown(reader, Int32(SHUT_WR))
            #expect(!StandardStreams.hasLostReader(writer))
        }
        close(reader)
        #expect(StandardStreams.hasLostReader(writer))
    }
}
