// A finding that blames a stopped process says that it is stopped, and how to help.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct TroubledProcessTests {
    private static let remedy = "is stopped by a signal (Ctrl-Z, SIGSTOP): kill -CONT 8 lets it continue"

    private func evidence(_ play: KernelCase, _ code: FindingCode) -> String? {
        for item in play.found.first(where: { $0.code == code })?.evidence ?? [] where "\(item.name)" == "stopped_by" {
            if case .text(let text) = item.value { return text }
        }
        return nil
    }

    /// A connection in the accept queue of process 8.
    private func waiting() -> KernelCase {
        let play = KernelCase(handshake)
        for time in [5.0, 120] {
            play.read(
                time, play.client(.established), play.server(.established, inode: 0), play.listener(waiting: 1),
                owners: [33: 8])
        }
        return play
    }

    /// A connection that process 8 does not close.
    private func leaking() -> KernelCase {
        let play = KernelCase(exchange + "1 > F. 6:6 ack 6\n< . 6:6 ack 7")
        for time in [1100.0, 6000] {
            play.read(time, play.client(.finWait2, inode: 0), play.server(.closeWait), owners: [22: 8])
        }
        return play
    }

    @Test func aServerThatDoesNotAccept() {
        let play = waiting()
        play.trouble([8: .stopped])
        #expect(play.review(1500) == [.neverAccepted])
        #expect(play.message(.neverAccepted).hasSuffix("; p8[8] " + Self.remedy), "\(play.found)")
        #expect(evidence(play, .neverAccepted) == "signal")
    }

    @Test func aServerThatDoesNotClose() {
        let play = leaking()
        play.trouble([8: .traced])
        #expect(play.review(8000).contains(.closeWaitLeak))
        #expect(play.message(.closeWaitLeak).hasSuffix("; p8[8] is stopped by a debugger"), "\(play.found)")
        #expect(evidence(play, .closeWaitLeak) == "debugger")
    }

    /// The process already has the descriptor that it has to close.
    @Test func whoHasNoDescriptorLeftCanClose() {
        let play = leaking()
        play.trouble([8: .noDescriptors])
        #expect(play.review(8000).contains(.closeWaitLeak))
        #expect(!play.message(.closeWaitLeak).contains("descriptor"), "\(play.found)")
    }

    /// A SYN for a listener whose queue is full: the tables have nothing of the connection.
    @Test func aServerWhoseQueueIsFull() {
        let play = KernelCase("0 > S 0:0 <mss 65495>\n1 > S 0:0 <mss 65495>")
        for time in [5.0, 1200] {
            play.read(
                time, play.client(.synSent), play.listener(waiting: 2, backlog: 1), owners: [33: 8])
        }
        play.trouble([8: .stopped])
        #expect(play.review(2500) == [.acceptQueueFull])
        #expect(
            play.message(.acceptQueueFull).hasSuffix("is not calling accept(); p8[8] " + Self.remedy), "\(play.found)")
    }

    /// A master forks workers, and one of them is stopped: the master never accepts, and is not to blame.
    @Test func aWorkerThatIsStopped() {
        let play = waiting()
        play.hold(500, [33: [8, 9]], of: 8)
        play.trouble([9: .stopped])
        #expect(play.review(1500) == [.neverAccepted])
        #expect(
            play.message(.neverAccepted).contains(
                "not accepted: none of the 2 processes that hold the listener (p8[8], p9[9]) has called accept()"
            ),
            "\(play.found)")
        #expect(
            play.message(.neverAccepted).hasSuffix(
                "; p9[9] is stopped by a signal (Ctrl-Z, SIGSTOP): kill -CONT 9 lets it continue"), "\(play.found)")
        let names = play.found.first?.evidence.map { "\($0.name)" } ?? []
        #expect(names.contains("holders") && names.contains("stopped") && !names.contains("pid"), "\(names)")
    }

    /// The same with a full queue.
    @Test func workersWhoseQueueIsFull() {
        let play = KernelCase("0 > S 0:0 <mss 65495>\n1 > S 0:0 <mss 65495>")
        for time in [5.0, 1200] {
            play.read(time, play.client(.synSent), play.listener(waiting: 2, backlog: 1), owners: [33: 8])
        }
        play.hold(1300, [33: [8, 9, 10]], of: 8)
        play.trouble([:])
        #expect(play.review(2500) == [.acceptQueueFull])
        #expect(
            play.message(.acceptQueueFull).hasSuffix(
                ", and none of the 3 processes that hold the listener (p8[8], p9[9], p10[10]) is calling accept()"),
            "\(play.found)")
    }

    @Test func aServerThatHasNoDescriptorLeft() {
        let play = waiting()
        play.trouble([8: .noDescriptors])
        #expect(play.review(1500) == [.neverAccepted])
        #expect(
            play.message(.neverAccepted).contains("; p8[8] has no file descriptor left, so accept() fails with EMFILE"))
        #expect(play.message(.neverAccepted).contains("not accepted: p8[8] cannot accept it"))
        let names = play.found.first?.evidence.map { "\($0.name)" } ?? []
        #expect(names.contains("accept_errno") && !names.contains("stopped_by"))
    }

    @Test func nobodyElsesTroubleIsToldOf() {
        let play = KernelCase(exchange + "1 > F. 6:6 ack 6\n< . 6:6 ack 7")
        for time in [1100.0, 6000] {
            play.read(time, play.client(.finWait2), play.server(.closeWait), owners: [11: 7, 22: 8])
        }
        play.trouble([7: .stopped])
        #expect(play.review(40_000).contains(.closeWaitLeak))
        #expect(!play.message(.closeWaitLeak).contains("stopped"), "\(play.found)")
        #expect(evidence(play, .closeWaitLeak) == nil)
    }
}
