// What Recv-Q reveals about a process that has not closed.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct CloseWaitTests {
    private func message(_ text: String, unread: UInt32 = 0) -> String {
        let play = KernelCase(text)
        for time in [100.0, 200] {
            var server = play.server(.closeWait)
            server.receiveQueue = unread
            play.read(time, play.client(.finWait2, inode: 0), server, owners: [22: 8])
        }
        #expect(play.review(9000).contains(.closeWaitLeak), "\(play.found)")
        return play.message(.closeWaitLeak)
    }

    /// Reading text that came with a FIN, or was merged with it, clears Recv-Q without read() returning 0.
    @Test(arguments: [
        "> FP. 1:6 ack 1\n< . 1:1 ack 7", "> P. 1:6 ack 1\n< . 1:1 ack 6\n> F. 6:6 ack 1\n< . 1:1 ack 7",
    ])
    func T11_aFinBehindTextIsTakenOffWithIt(_ text: String) {
        #expect(
            message(handshake + text).hasSuffix(
                "; all octets have been read: close() is missing (the kernel does not show whether read() has returned 0, the end of the stream)"
            ))
    }

    @Test func T11_whereThereWasNoTextItIsTheEndThatWasRead() {
        let text = handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2"
        #expect(message(text).hasSuffix("; the process has read the end of the stream: close() is missing"))
        #expect(
            message(text, unread: 1).hasSuffix(
                "; the end of the stream is still unread: the process is not reading"))
    }

    /// A process that inherited the socket by fork(2) has to close it, too, and may be the only one left.
    @Test func T11_allWhoHoldIt() {
        func leak(held: [Int32]) -> KernelCase {
            let play = KernelCase(handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2")
            for time in [100.0, 200] {
                play.read(time, play.client(.finWait2, inode: 0), play.server(.closeWait), owners: [22: 8])
            }
            play.hold(300, [22: held], of: 8)
            #expect(play.review(9000).contains(.closeWaitLeak), "\(play.found)")
            return play
        }
        let shared = leak(held: [8, 9])
        #expect(
            shared.message(.closeWaitLeak).contains(
                "(p8[8]) has not closed its socket 8.9s after the peer's FIN: CLOSE_WAIT lasts until each of the 2"
                    + " processes that hold the socket (p8[8], p9[9]) calls close(); "), "\(shared.found)")
        #expect(leak(held: [8]).message(.closeWaitLeak).contains("lasts until its process calls close()"))
        let left = leak(held: [9]).message(.closeWaitLeak)
        #expect(left.contains("(p9[9]) has not closed") && !left.contains("p8"), "\(left)")
    }

    /// If the client's process still holds the socket, it has only shut down its sending side, and the answer may take
    /// a while.
    @Test func T2_aServerMayThink() {
        let play = KernelCase(exchange + "> F. 6:6 ack 6\n< . 6:6 ack 7")
        for time in [100.0, 200] {
            play.read(time, play.client(.finWait2), play.server(.closeWait), owners: [11: 7, 22: 8])
        }
        #expect(play.review(9000).isEmpty, "\(play.found)")
        #expect(play.review(31_000) == [.closeWaitLeak])
    }

    /// The leak is older than the trace: only keep-alives are captured, and the kernel shows the rest.
    @Test func T11_olderThanTheCapture() {
        let play = KernelCase("0 < . 9:9 ack 1\n> . 1:1 ack 10\n1 < . 9:9 ack 1\n> . 1:1 ack 10")
        for time in [1100.0, 1200] {
            play.read(time, play.client(.finWait2, inode: 0), play.server(.closeWait), owners: [22: 8])
        }
        let connection = play.play.connection
        let states = [Side.originator, .responder].map { connection.endpoint($0).state }
        #expect(Set(states) == [.finWait2, .closeWait], "\(states)")
        #expect(Set(play.review(9000)) == [.closeWaitLeak, .orphanFinWait2])
        #expect(
            play.message(.closeWaitLeak).contains(
                "(p8[8]) has not closed its socket since the peer's FIN, which came before the capture, at least 7.9s ago"
            ),
            "\(play.found)")
        #expect(
            play.message(.orphanFinWait2).contains("sent its FIN before the capture, and no process owns"),
            "\(play.found)")
    }

    /// The capture missed the FIN, but the kernel had the connection open before, so it is not an old leak.
    @Test func T11_aFinThatTheCaptureMissed() {
        let play = KernelCase("0 < . 9:9 ack 1\n> . 1:1 ack 10\n1 < . 9:9 ack 1\n> . 1:1 ack 10")
        for time in [1050.0, 1100] {
            play.read(time, play.client(.established), play.server(.established), owners: [22: 8])
        }
        for time in [9000.0, 9100] {
            play.read(time, play.client(.finWait2, inode: 0), play.server(.closeWait), owners: [22: 8])
        }
        #expect(play.review(9500) == [.stateMismatch], "\(play.found)")
        #expect(Set(play.review(15_000)) == [.stateMismatch, .closeWaitLeak, .orphanFinWait2])
        #expect(
            play.message(.closeWaitLeak).contains(
                "since the peer's FIN, which came unseen by the capture, at least 6s ago"),
            "\(play.found)")
    }

    /// The FIN counts as an octet in the kernel's queue, but close() does not lose it.
    @Test func T12_theFinIsNoOctetThatIsLost() {
        let play = KernelCase(exchange + "> P. 6:8 ack 6\n< . 6:6 ack 8\n> F. 8:8 ack 6\n< . 6:6 ack 9\n")
        var server = play.server(.closeWait)
        server.receiveQueue = 3
        play.read(100, play.client(.finWait2), server, owners: [22: 8])
        play.feed("0.3 < R. 6:6 ack 9")
        play.event(300, .responder, .resetSent(reason: "TCP_ABORT_ON_CLOSE"), pid: 8)
        #expect(play.conclude(900) == [.resetUnreadData], "\(play.found)")
        #expect(play.message(.resetUnreadData).contains("(2 octets at the latest reading)"), "\(play.found)")
    }
}
