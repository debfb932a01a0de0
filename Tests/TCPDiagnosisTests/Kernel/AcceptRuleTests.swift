// Connections that were accepted late, or never.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct AcceptRuleTests {
    private func waiting() -> KernelCase {
        let play = KernelCase(handshake)
        play.read(5, play.client(.established), play.server(.established, inode: 0), play.listener(waiting: 1))
        play.read(120, play.client(.established), play.server(.established, inode: 0), play.listener(waiting: 1))
        return play
    }

    @Test func notForLongerThanItLived() {
        let play = waiting()
        play.feed("0.2 > R. 1:1 ack 1")
        #expect(play.conclude(450).contains(.neverAccepted))
        #expect(play.message(.neverAccepted).hasPrefix("open for 198ms but not accepted"), "\(play.found)")
    }

    @Test func aCaptureThatEndsSoonAfterwardsIsNoSlowServer() {
        #expect(waiting().conclude(450) == [])
        #expect(waiting().conclude(1100) == [.neverAccepted])
    }

    @Test func thePlaceIsToldWhereAllThatWaitAreTraced() {
        let alone = waiting()
        alone.review(1500)
        #expect(alone.message(.neverAccepted).hasSuffix("; it is number 1 of 1 in the accept queue"))
        let among = waiting()
        among.read(300, among.server(.established, inode: 0), among.listener(waiting: 2))
        among.review(1500)
        #expect(among.message(.neverAccepted).hasSuffix("; 2 connections are in the accept queue"), "\(among.found)")
    }

    /// Two listeners share the address, and the one that had the connection in its queue is killed: the other one was
    /// not involved.
    @Test func theListenerThatHadItStaysNamed() {
        let play = KernelCase(handshake)
        for time in [5.0, 120] {
            play.read(
                time, play.client(.established), play.server(.established, inode: 0), play.listener(),
                play.listener(waiting: 1, inode: 34), owners: [33: 8, 34: 9])
        }
        play.feed("1.2 < R. 1:1 ack 1")
        play.read(1300, play.listener(), owners: [33: 8])
        #expect(play.view?.responder.listenerProcess?.pid == 9)
    }

    @Test func aLateAcceptTakesItBack() {
        let play = waiting()
        #expect(play.review(1500) == [.neverAccepted])
        play.read(1700, play.client(.established), play.server(.established, inode: 0), play.listener(waiting: 1))
        play.read(
            1800, play.client(.established), play.server(.established, inode: 22), play.listener(), owners: [22: 8])
        #expect(play.review(2600) == [.neverAccepted, .acceptedLate])
        #expect(
            play.message(.acceptedLate).hasPrefix("p8[8] did not call accept() until 1.70s to 1.80s after"),
            "\(play.found)")
    }

    /// A process cannot answer before accept(), so the answer shows that it accepted, whatever the readings missed.
    @Test func anAnswerTakesItBackToo() {
        let play = waiting()
        play.read(1200, play.client(.established), play.server(.established, inode: 0), play.listener(waiting: 1))
        #expect(play.review(1500) == [.neverAccepted])
        play.feed("2.8 < P. 1:11 ack 1\n0.001 > R 1:1")
        #expect(play.conclude(3500).filter { $0 == .acceptedLate }.count == 1, "\(play.found)")
        #expect(
            play.message(.acceptedLate).contains(" server did not call accept() until 1.20s to 2.80s after"),
            "\(play.found)")
    }

    /// The process that ends had not accepted the connection and so had no socket for it: the only cause is the end of
    /// its listener. That finding says how long the connection waited, so no other one does.
    @Test func whoseServerEndsWaitedInVain() {
        for isEnding in [true, false] {
            let play = waiting()
            play.feed("0.3 < R. 1:1 ack 1")
            play.event(299.9, .responder, .transition(from: .listen, to: .closed), pid: 8, isEnding: isEnding)
            play.event(300, .responder, .resetSent(reason: "TCP_STATE"), socket: 0xb, pid: 8, isEnding: isEnding)
            #expect(play.conclude(900) == [.resetListenerClosed], "\(play.found)")
            let cause = isEnding ? "p8[8] exited, which closed its listener" : "p8[8] closed its listener"
            #expect(
                play.message(.resetListenerClosed)
                    == cause + " after the connection had waited 298ms in the accept queue", "\(play.found)")
            #expect(play.view?.responder.process == nil, "it never had this socket")
        }
    }

    @Test func whatWasReportedBeforeTheListenerEndedStays() {
        let play = waiting()
        #expect(play.review(1500) == [.neverAccepted])
        play.feed("1.8 < R. 1:1 ack 1")
        play.event(1799.9, .responder, .transition(from: .listen, to: .closed), pid: 8)
        play.event(1800, .responder, .resetSent(reason: "TCP_STATE"), socket: 0xb, pid: 8)
        #expect(play.conclude(2400) == [.neverAccepted, .resetListenerClosed], "\(play.found)")
    }

    /// The handshake's last ACK was dropped, and text opened the connection to the server's kernel a second later: it
    /// did not wait in the queue before. It waited until its socket ended, whatever the latest reading was.
    @Test func theWaitBeginsAndEndsWithTheSocket() throws {
        let play = KernelCase(handshake + "0.01 > P. 1:4 ack 1\n0.99 > P. 1:4 ack 1\n< . 1:1 ack 4")
        play.event(1010, .responder, .transition(from: .synReceived, to: .established))
        for time in [1020.0, 1130] {
            play.read(time, play.client(.established), play.server(.established, inode: 0), play.listener(waiting: 1))
        }
        #expect(play.review(2110).contains(.neverAccepted), "\(play.found)")
        #expect(play.message(.neverAccepted).hasPrefix("open for 1.1s but not accepted"), "\(play.found)")
        play.feed("1.5 < R. 1:1 ack 4")
        play.event(2509.9, .responder, .transition(from: .listen, to: .closed), pid: 8)
        play.event(2510, .responder, .transition(from: .established, to: .closed), socket: 0xb, pid: 8)
        play.event(2510, .responder, .resetSent(reason: "TCP_STATE"), socket: 0xb, pid: 8)
        #expect(play.conclude(3500).contains(.resetListenerClosed), "\(play.found)")
        #expect(
            play.message(.resetListenerClosed).contains("after the connection had waited 1.5s in"), "\(play.found)")
        let delay = try #require(play.view?.responder.acceptDelay(play.play.connection))
        #expect(delay.least == 1500 * Span.millisecond && delay.most == nil)
    }

    /// close(), shutdown() and SOCK_DESTROY all end a listener, but the caller of the last need not be its owner.
    @Test(
        arguments: [
            (8, true, true, "p8[8] closed its listener"), (8, true, false, "p8[8] shut down its listener (shutdown())"),
            (9, true, false, "p9[9] destroyed the listener of p8[8] (SOCK_DESTROY, as ss -K does)"),
            // Without events for the ends of sockets, shutdown() cannot be told from close().
            (8, false, false, "p8[8] closed its listener"),
        ] as [(Int32, Bool, Bool, String)])
    func whoEndsAListener(_ pid: Int32, isTold: Bool, isFreed: Bool, words: String) {
        let play = KernelCase(handshake + "> P. 1:5 ack 1\n< . 1:1 ack 5")
        for time in [10.0, 120] {
            play.read(
                time, play.client(.established), play.server(.established, inode: 0), play.listener(waiting: 1),
                owners: [33: 8])
        }
        play.feed("0.3 < R. 1:1 ack 5")
        play.event(306, .responder, .transition(from: .listen, to: .closed), socket: 0xf, pid: pid)
        play.event(306.1, .responder, .resetSent(reason: "TCP_STATE"), socket: 0xb, pid: pid)
        if isTold { play.event(306.15, .responder, .destroyed, socket: 0xb, pid: pid) }
        if isFreed { play.event(306.2, .responder, .destroyed, socket: 0xf, pid: pid) }
        #expect(play.conclude(900).contains(.resetListenerClosed), "\(play.found)")
        #expect(
            play.message(.resetListenerClosed)
                == words
                + " after the connection had waited 298ms in the accept queue; 4 octets that the client sent are lost",
            "\(play.found)")
        #expect(play.view?.responder.process == nil, "it never had this socket")
    }

    @Test func oneWaitsAndSeveralWait() {
        func message(_ waiting: UInt32) -> String {
            let play = KernelCase("> S 0:0\n1.01 > S 0:0")
            play.read(1100, play.client(.synSent), play.listener(waiting: waiting))
            #expect(play.conclude(2000) == [.acceptQueueFull], "\(play.found)")
            return play.message(.acceptQueueFull)
        }
        #expect(message(1).contains("1 connection waits in the accept queue of 127.0.0.1:9500, and"))
        #expect(message(2).contains("2 connections wait in the accept queue"))
    }

    /// The server has accepted by the time that the trace ends, but its queue was full when the SYNs came.
    @Test func aQueueThatWasFullIsStillTheCause() {
        func play(_ others: [KernelSocket] = []) -> KernelCase {
            let play = KernelCase("> S 0:0\n1.01 > S 0:0")
            let full = play.listener(waiting: 2, backlog: 1, inode: 34)
            play.read(1100, all: others + [play.client(.synSent), full], owners: [34: 9])
            play.read(1900, all: others + [play.client(.synSent), play.listener(backlog: 1, inode: 34)])
            return play
        }
        let alone = play()
        #expect(alone.conclude(2000) == [.acceptQueueFull], "\(alone.found)")
        #expect(
            alone.message(.acceptQueueFull)
                == "2 SYNs got no answer: 2 connections were waiting in the accept queue of 127.0.0.1:9500 (backlog 1)"
                + " at that time: p9[9] accepts too slowly")
        // The same with several listeners on the address.
        let among = play([KernelCase("> S 0:0").listener(backlog: 100)])
        #expect(among.conclude(2000) == [.acceptQueueFull], "\(among.found)")
        #expect(
            among.message(.acceptQueueFull).contains(", one of 2 listeners there at that time: p9[9]"), "\(among.found)"
        )
    }

    /// The connection now in the queue is this one: its server serves one client at a time.
    @Test func oneThatWasLetInLateFillsTheQueueAgain() {
        for waiting: UInt32 in [0, 1] {
            let play = KernelCase("> S 0:0")
            var listener = play.listener(waiting: 1, backlog: 0, inode: 34)
            listener.drops = 7
            play.count(0, ["TcpExtListenOverflows": 1])
            play.read(100, all: [play.client(.synSent), listener], owners: [34: 9])
            play.feed("1.01 > S 0:0\n1.011 < S. 0:0 ack 1\n1.012 > . 1:1 ack 1")
            listener.receiveQueue = waiting
            listener.drops = 8
            play.read(
                1100, all: [play.client(.established), play.server(.established, inode: 0), listener], owners: [34: 9])
            #expect(play.conclude(1300).contains(.acceptQueueFull), "\(waiting): \(play.found)")
            #expect(
                play.message(.acceptQueueFull).contains("; the connection was let in 1s late, by SYN number 2"),
                "\(play.found)")
        }
    }

    /// The queue was full between the two SYNs, but refused neither of them, as its own counter shows.
    @Test func aQueueThatRefusedNothingIsNotTheCause() {
        func found(refused: UInt32) -> [FindingCode] {
            let play = KernelCase("> S 0:0")
            var listener = play.listener(backlog: 1)
            listener.drops = 7
            play.read(100, play.client(.synSent), listener)
            listener.receiveQueue = 2
            play.read(500, play.client(.synSent), listener)
            play.feed("1.0 > S 0:0")
            listener.receiveQueue = 0
            listener.drops = 7 + refused
            play.read(1100, play.client(.synSent), listener)
            return play.conclude(2000)
        }
        #expect(found(refused: 0) == [.synUnanswered])
        #expect(found(refused: 1) == [.acceptQueueFull])
    }

    /// SO_REUSEPORT: a SYN goes to one of several listeners, and each has a queue of its own.
    @Test func ofSeveralListenersTheFullOneIsNamed() {
        let play = KernelCase("> S 0:0\n1.01 > S 0:0")
        let full = play.listener(waiting: 1, backlog: 0, inode: 34)
        // Before the queue was full, the other listener was assumed to be the one that the SYN met.
        play.read(
            500, play.client(.synSent), play.listener(waiting: 6, backlog: 100),
            play.listener(backlog: 0, inode: 34), owners: [33: 8, 34: 9])
        play.read(
            1100, play.client(.synSent), play.listener(waiting: 6, backlog: 100), full, owners: [33: 8, 34: 9])
        #expect(play.conclude(2000) == [.acceptQueueFull], "\(play.found)")
        #expect(
            play.message(.acceptQueueFull)
                == "2 SYNs got no answer: 1 connection waits in the accept queue of 127.0.0.1:9500 (backlog 0), one of 2"
                + " listeners there, and p9[9] is not calling accept()")
    }

    @Test func aQueueWithRoomIsNotCalledEmpty() {
        func message(_ listeners: [(waiting: UInt32, backlog: UInt32)]) -> String {
            let play = KernelCase("> S 0:0\n1.01 > S 0:0")
            let sockets = listeners.indices.map {
                play.listener(
                    waiting: listeners[$0].waiting, backlog: listeners[$0].backlog, inode: 33 + UInt64($0))
            }
            play.read(1100, all: [play.client(.synSent)] + sockets)
            #expect(play.conclude(2000) == [.synUnanswered], "\(play.found)")
            return play.message(.synUnanswered)
        }
        #expect(
            message([(0, 100)]).contains("a process listens there, and its accept queue is empty: the SYN was dropped"))
        #expect(
            message([(6, 100)]).contains("a process listens there, and its accept queue has room (6 of 100): the SYN"))
        #expect(
            message([(0, 100), (1, 1)]).contains(
                "one of 2 listeners there should take it, and none of their queues is full: the SYN was dropped"))
    }

    /// The connection waits in the only queue that is not empty.
    @Test func theOnlyListenerInWhoseQueueSomethingIsHasIt() {
        let play = KernelCase(handshake)
        for time in [5.0, 120] {
            play.read(
                time, play.client(.established), play.server(.established, inode: 0), play.listener(backlog: 100),
                play.listener(waiting: 1, backlog: 5, inode: 34), owners: [33: 8, 34: 9])
        }
        play.review(1500)
        #expect(
            play.message(.neverAccepted).hasSuffix(
                "p9[9] has not called accept(); it is number 1 of 1 in the accept queue"),
            "\(play.found)")
    }

    /// TCP_DEFER_ACCEPT: the kernel counts the bare ACK, but ignores it.
    @Test func aListenerThatWaitsForTheFirstOctets() {
        let play = KernelCase(handshake)
        play.count(0, ["TcpExtTCPDeferAcceptDrop": 1])
        play.read(40, play.client(.established), play.server(.synReceived, inode: 0), play.listener())
        play.read(140, play.client(.established), play.server(.synReceived, inode: 0), play.listener())
        #expect(play.review(500) == [.acceptDeferred], "no disagreement: \(play.found)")
        play.feed("3.0 > P. 1:6 ack 1\n< . 1:1 ack 6")
        play.read(3010, play.client(.established), play.server(.established), play.listener(), owners: [22: 8])
        #expect(play.conclude(5000) == [.acceptDeferred], "nor was it accepted late: \(play.found)")
    }

    @Test func aLastAckThatIsNotHeededOfWhichNoCountTells() {
        let play = KernelCase(handshake)
        play.read(40, play.client(.established), play.server(.synReceived, inode: 0), play.listener())
        play.read(140, play.client(.established), play.server(.synReceived, inode: 0), play.listener())
        #expect(play.review(500) == [.stateMismatch])
        #expect(play.message(.stateMismatch).contains("it ignored the handshake's last ACK (TCP_DEFER_ACCEPT, or"))
    }

    @Test func nobodyIsBlamedForAnothersQueue() {
        let play = KernelCase(handshake)
        for time in [5.0, 120] {
            play.read(
                time, play.client(.established), play.server(.established, inode: 0),
                play.listener(waiting: 3, backlog: 100), play.listener(waiting: 1, backlog: 0, inode: 34),
                owners: [33: 8, 34: 9])
        }
        play.review(1500)
        #expect(
            play.message(.neverAccepted).hasSuffix(
                "not accepted: the one of 2 listeners that has it in its queue has not called accept()"),
            "\(play.found)")
    }

    /// The client has nothing to send and waits for ever: no segment shows it, but the tables have only its own socket.
    @Test func H22_aFullQueueBehindACookieWhereNobodySendsAnything() {
        let play = KernelCase("> S 0:0\n1.01 > S 0:0\n1.011 < S. 0:0 ack 1\n1.012 > . 1:1 ack 1")
        for start in [0.0, 1000] {
            play.count(start, ["TcpExtSyncookiesRecv": 1, "TcpPassiveOpens": 1, "TcpExtListenOverflows": 1])
        }
        for time in [1050.0, 1100] { play.read(time, play.client(.established), play.listener(waiting: 1, backlog: 1)) }
        #expect(play.review(1400) == [.acceptQueueFull], "it was neither let in nor opened: \(play.found)")
        #expect(
            play.message(.acceptQueueFull).contains("the client has a connection that its server does not have"),
            "\(play.found)")
        #expect(play.conclude(3000) == [.acceptQueueFull], "\(play.found)")
    }

    /// H22: with a SYN cookie, the kernel keeps nothing until the last ACK, and drops that ACK if the queue is full:
    /// the client considers the connection open.
    @Test func H22_aFullQueueBehindACookie() {
        let play = KernelCase(handshake)
        play.count(0, ["TcpExtSyncookiesSent": 1, "TcpExtSyncookiesRecv": 1, "TcpExtListenOverflows": 1])
        play.read(50, play.client(.established), play.listener(waiting: 2, backlog: 1))
        play.feed("0.1 > P. 1:4 ack 1\n0.4 > P. 1:4 ack 1\n1 > P. 1:4 ack 1\n")
        play.read(1100, play.client(.established), play.listener(waiting: 2, backlog: 1))
        let found = play.conclude(2000)
        #expect(found.contains(.acceptQueueFull), "\(play.found)")
        #expect(
            play.message(.acceptQueueFull).contains(
                "was full (backlog 1) when the handshake's last ACK came, and the server then keeps nothing"
            ))
        // A connection that the kernel has, or had, is not lost.
        let other = KernelCase(handshake)
        other.count(0, ["TcpExtSyncookiesRecv": 1, "TcpExtListenOverflows": 1])
        other.read(50, other.client(.established), other.server(.established), other.listener(waiting: 2, backlog: 1))
        other.feed("0.1 > P. 1:4 ack 1\n0.4 > P. 1:4 ack 1\n")
        #expect(!other.conclude(2000).contains(.acceptQueueFull), "\(other.found)")
    }

    /// A rule drops the last ACK with its cookie; when it is gone, the queue is full. The listener counts what it refuses.
    @Test(arguments: [UInt32(3), 0]) func H22_aFullQueueBehindARule(refused: UInt32) {
        let play = KernelCase(handshake + "0.01 > P. 1:4 ack 1")
        play.tellsDropEnds = true
        for time in [2.01, 10.01] { play.event(time, .responder, .dropped(reason: .netfilterDrop)) }
        var listener = play.listener(waiting: 1, backlog: 1)
        listener.drops = 1
        for time in [50.0, 100] { play.read(time, play.client(.established), listener) }
        #expect(play.play.connection.responder.state == .listen)
        play.feed("0.8 > P. 1:4 ack 1\n1.6 > P. 1:4 ack 1\n3.2 > P. 1:4 ack 1\n")
        listener.drops = 1 + refused
        listener.receiveQueue = 2
        play.read(3300, play.client(.established), listener)
        #expect(play.conclude(5000).contains(.acceptQueueFull) == (refused > 0), "\(play.found)")
        if refused > 0 {
            let message = play.message(.acceptQueueFull)
            #expect(
                message.hasPrefix(
                    "the accept queue of 127.0.0.1:9500 was full (backlog 1) when the client's retransmission came, and"
                )
                    && message.contains("; the kernel dropped 2 segments for the server: NETFILTER_DROP"), "\(message)")
        }
    }
}
