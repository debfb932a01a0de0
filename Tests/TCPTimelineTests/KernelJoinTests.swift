// What the kernel says and what the wire shows, with handmade readings.

import Exchanges
import TCPMachine
import TCPModel
import Testing

@testable import TCPTimeline

/// A reading that lists exactly these sockets.
struct Reading: KernelSnapshot {
    var begin: Timestamp
    var end: Timestamp
    var sockets: [KernelSocket] = []

    init(_ play: Play, after span: Int64, _ sockets: [KernelSocket]) {
        begin = play.now.advanced(by: span)
        end = begin.advanced(by: Span.millisecond)
        self.sockets = sockets
    }

    func socket(local: SocketAddress, remote: SocketAddress) -> KernelSocket? {
        sockets.first { $0.local == local && $0.remote == remote && $0.state != .listen }
    }

    func listeners(at address: SocketAddress, from peer: SocketAddress) -> [KernelSocket] {
        Array(sockets.filter { $0.state == .listen && $0.local.port == address.port }.prefix(1))
    }

    func isLocal(_ address: IPAddress) -> Bool { address.isLoopback }
}

/// An exchange, and the join that watches its connections.
final class Joined {
    let play: Play
    var join = KernelJoin()

    init(_ text: String) {
        play = Play(text)
        for event in play.events where event.isFirst {
            join.add(event.connection, number: play.timeline[event.connection].number, nil)
        }
    }

    var needsReading: Bool { join.needsReading(play.timeline) }
    var id: ConnectionID { play.last.connection }

    func client(_ state: TCPState, inode: UInt64 = 11) -> KernelSocket {
        KernelSocket(local: play.client, remote: play.server, state: state, inode: inode)
    }

    func server(_ state: TCPState, inode: UInt64 = 22) -> KernelSocket {
        KernelSocket(local: play.server, remote: play.client, state: state, inode: inode)
    }

    var listener: KernelSocket {
        KernelSocket(local: play.server, remote: SocketAddress(.anyV4, 0), state: .listen, inode: 33)
    }

    /// Reads this many milliseconds after the latest segment. Returns the events other than states, in words.
    @discardableResult
    func read(_ milliseconds: Int64, _ sockets: KernelSocket...) -> [String] {
        let events = join.reconcile(
            Reading(play, after: milliseconds * Span.millisecond, sockets), &play.timeline)
        return events.compactMap { event in
            let side = event.side == .originator ? "client" : "server"
            switch event.kind {
            case .state, .owner, .translated, .traced: return nil
            case .notAccepted: return "\(side) not accepted"
            case .accepted(let least, let most):
                return "\(side) accepted after \(least / Span.millisecond) to \(most / Span.millisecond) ms"
            case .dropped(let from): return "\(side) dropped from \(from.displayName)"
            case .contradiction(let kernel, let wire):
                return "\(side) \(kernel.map { "\($0.displayName)" } ?? "none") instead of \(wire.displayName)"
            case .uncaptured(let kernel, let wire, _):
                return "\(side) \(kernel.displayName) ahead of \(wire.displayName)"
            }
        }
    }
}

@Suite struct KernelJoinTests {
    @Test func bothSidesConfirmed() {
        let joined = Joined(handshake)
        #expect(joined.read(1, joined.client(.established), joined.server(.established)).isEmpty)
        let view = joined.join.view(joined.id)
        #expect(view?.originator.confirmedState == .established)
        #expect(view?.responder.confirmedState == .established)
        #expect(joined.play.connection.originator.certainty == .confirmed)
        #expect(joined.play.connection.responder.certainty == .confirmed)
    }

    @Test func contradictionOnlyAfterTwoReadings() {
        let joined = Joined(handshake)
        #expect(joined.read(1, joined.client(.established), joined.server(.finWait1)).isEmpty)
        #expect(joined.read(10, joined.client(.established), joined.server(.finWait1)).isEmpty, "too soon")
        #expect(
            joined.read(40, joined.client(.established), joined.server(.finWait1)) == [
                "server FIN_WAIT_1 instead of ESTABLISHED"
            ])
        #expect(joined.read(80, joined.client(.established), joined.server(.finWait1)).isEmpty, "said once")
        #expect(joined.join.view(joined.id)?.responder.contradiction == .finWait1)
        joined.read(120, joined.client(.established), joined.server(.established))
        #expect(joined.join.view(joined.id)?.responder.contradiction == nil)
    }

    @Test func aReadingThatBeganBeforeTheLatestSegmentContradictsNothing() {
        let joined = Joined(handshake)
        joined.read(1, joined.client(.established), joined.server(.established))
        joined.play.feed("> F. 1:1 ack 1\n< . 1:1 ack 2")
        #expect(joined.read(-1, joined.client(.established), joined.server(.established)).isEmpty)
        #expect(joined.read(-1, joined.client(.established), joined.server(.established)).isEmpty)
        #expect(joined.read(50, joined.client(.finWait2, inode: 0), joined.server(.closeWait)).isEmpty)
        #expect(joined.join.view(joined.id)?.originator.confirmedState == .finWait2)
    }

    /// A reading may miss a socket, or the socket is being moved (TCP_REPAIR, as CRIU does): later it is there after
    /// all.
    @Test func whatWasGoneAndIsThereAgainIsOpen() {
        let joined = Joined(handshake)
        for time in [1, 40] as [Int64] {
            joined.read(time, joined.client(.established), joined.server(.established))
        }
        joined.read(80, joined.server(.established))
        #expect(joined.read(120, joined.server(.established)) == ["client dropped from ESTABLISHED"])
        #expect(joined.play.connection.statesText == "CLOSED ESTABLISHED")
        for time in [160, 200] as [Int64] { joined.read(time, joined.client(.synSent), joined.server(.established)) }
        #expect(joined.play.connection.statesText == "CLOSED ESTABLISHED", "another connection's")
        joined.play.feed("0.5 < P. 1:4 ack 1")
        joined.read(1, joined.client(.established), joined.server(.established))
        #expect(
            joined.read(40, joined.client(.established), joined.server(.established)) == [
                "client ESTABLISHED instead of CLOSED"
            ])
        #expect(joined.play.connection.statesText == "ESTABLISHED ESTABLISHED")
        joined.play.feed("> P. 1:9 ack 4\n< . 4:4 ack 9\n> F. 9:9 ack 4\n< F. 4:4 ack 10\n> . 10:10 ack 5")
        #expect(joined.play.connection.statesText == "TIME_WAIT CLOSED")
        #expect(joined.play.connection.outcome == .closed)
    }

    /// With a SYN cookie, a listener keeps nothing until the last ACK, and drops that ACK if its queue is full: only
    /// the client is open.
    @Test func H22_ofAConnectionThatItsListenerDoesNotHaveTheOpeningIsTakenBack() {
        let joined = Joined(handshake)
        #expect(joined.read(5, joined.client(.established), joined.listener).isEmpty)
        #expect(
            joined.read(50, joined.client(.established), joined.listener) == ["server LISTEN instead of ESTABLISHED"])
        #expect(joined.play.connection.statesText == "ESTABLISHED LISTEN")
        #expect(joined.play.connection.outcome == .halfOpen)
        #expect(joined.read(90, joined.client(.established), joined.listener).isEmpty, "said once")
        // The queue has room now, and the cookie is still valid.
        joined.play.feed("1.0 > P. 1:4 ack 1\n< . 1:1 ack 4")
        #expect(joined.play.connection.statesText == "ESTABLISHED ESTABLISHED")
        // Nothing is corrected if the client is on another host, if there is no listener, or if the listener has
        // dropped nothing.
        var idle = joined.listener
        idle.drops = 0
        for sockets in [[joined.listener], [joined.client(.established)], [joined.client(.established), idle]] {
            let other = Joined(handshake)
            for time in [5, 50] as [Int64] {
                let events = other.join.reconcile(
                    Reading(other.play, after: time * Span.millisecond, sockets), &other.play.timeline)
                #expect(!events.contains { if case .contradiction = $0.kind { true } else { false } })
            }
            #expect(other.play.connection.statesText == "ESTABLISHED ESTABLISHED")
        }
    }

    @Test func whatWasOnlyInferredIsTakenBack() {
        let joined = Joined("> S 0:0\n< S. 0:0 ack 1")
        let asks = joined.client(.synSent)
        joined.read(1, asks, joined.server(.synReceived))
        #expect(joined.play.connection.statesText == "ESTABLISHED SYN_RECEIVED", "one reading proves nothing")
        #expect(joined.read(40, asks, joined.server(.synReceived)) == ["client SYN_SENT instead of ESTABLISHED"])
        #expect(joined.play.connection.statesText == "SYN_SENT SYN_RECEIVED")
        #expect(joined.play.connection.originator.certainty == .confirmed)
        #expect(joined.read(80, asks, joined.server(.synReceived)).isEmpty)
        #expect(joined.join.view(joined.id)?.originator.contradiction == .synSent, "why is still worth telling")
        // H6: the cause that dropped one SYN-ACK may drop the next one, too. Only the client's own ACK will prove
        // otherwise.
        joined.play.feed("1.0 < S. 0:0 ack 1")
        #expect(joined.play.connection.statesText == "SYN_SENT SYN_RECEIVED")
        joined.read(1, asks, joined.server(.synReceived))
        #expect(joined.read(40, asks, joined.server(.synReceived)).isEmpty)
        #expect(joined.join.view(joined.id)?.originator.contradiction == .synSent, "why is still worth telling")
        joined.play.feed("1.1 > S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1")
        joined.read(1, joined.client(.established), joined.server(.established))
        #expect(joined.join.view(joined.id)?.originator.contradiction == nil)
        #expect(joined.play.connection.statesText == "ESTABLISHED ESTABLISHED")
    }

    @Test("The handshake's last ACK, a FIN, and the ACK of a FIN that were dropped behind the capture")
    func droppedBehindTheCapture() {
        func corrected(_ text: String, _ client: TCPState, _ server: TCPState) -> (Joined, [String]) {
            let joined = Joined(text)
            joined.read(1, joined.client(client), joined.server(server))
            return (joined, joined.read(40, joined.client(client), joined.server(server)))
        }
        let (ack, ackSaid) = corrected(handshake, .established, .synReceived)
        #expect(ackSaid == ["server SYN_RECEIVED instead of ESTABLISHED"])
        #expect(ack.play.connection.statesText == "ESTABLISHED SYN_RECEIVED")
        ack.play.feed("> P. 1:11 ack 1")
        #expect(ack.play.connection.statesText == "ESTABLISHED ESTABLISHED", "text has the ACK too")

        let (fin, finSaid) = corrected(handshake + "> F. 1:1 ack 1", .finWait1, .established)
        #expect(finSaid == ["server ESTABLISHED instead of CLOSE_WAIT"])
        #expect(fin.play.connection.statesText == "FIN_WAIT_1 ESTABLISHED")
        fin.play.feed("> F. 1:1 ack 1\n< . 1:1 ack 2")
        #expect(fin.play.connection.statesText == "FIN_WAIT_2 CLOSE_WAIT")

        let (last, lastSaid) = corrected(handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2", .finWait1, .closeWait)
        #expect(lastSaid == ["client FIN_WAIT_1 instead of FIN_WAIT_2"])
        last.play.feed("> F. 1:1 ack 1\n< . 1:1 ack 2\n< F. 1:1 ack 2\n> . 2:2 ack 2")
        #expect(last.play.connection.statesText == "TIME_WAIT CLOSED")
    }

    @Test func aDifferentDisagreementStartsAnew() {
        let joined = Joined(handshake)
        joined.read(1, joined.server(.closeWait))
        #expect(joined.read(40, joined.server(.lastAck)).isEmpty)
        #expect(joined.read(80, joined.server(.lastAck)) == ["server CLOSE_WAIT ahead of ESTABLISHED"])
        #expect(joined.read(120, joined.server(.lastAck)).isEmpty)
        #expect(joined.read(160, joined.server(.lastAck)) == ["server LAST_ACK instead of CLOSE_WAIT"])
    }

    @Test func timeWaitRunsOut() {
        let joined = Joined(handshake + IncarnationTests.closing)
        joined.read(1, joined.client(.timeWait, inode: 0))
        #expect(joined.join.view(joined.id)?.originator.confirmedState == .timeWait)
        #expect(joined.needsReading)
        #expect(joined.read(60_000).isEmpty, "one reading without it proves nothing")
        #expect(joined.needsReading)
        #expect(joined.read(60_100) == ["client dropped from TIME_WAIT"])
        #expect(joined.play.connection.statesText == "CLOSED CLOSED")
        #expect(joined.read(60_200).isEmpty)
        #expect(!joined.needsReading)
    }

    @Test func T11_orphanInFinWait2IsDroppedSilently() {
        let joined = Joined(handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2")
        joined.read(1, joined.client(.finWait2, inode: 0), joined.server(.closeWait))
        joined.read(60_000, joined.server(.closeWait))
        #expect(joined.read(60_100, joined.server(.closeWait)) == ["client dropped from FIN_WAIT_2"])
        #expect(joined.play.connection.statesText == "CLOSED CLOSE_WAIT")
        #expect(joined.play.connection.outcome == .halfClosed)
    }

    @Test func H23_notAcceptedThenAccepted() {
        let joined = Joined(handshake)
        let client = joined.client(.established)
        #expect(joined.read(1, client, joined.listener, joined.server(.established, inode: 0)).isEmpty)
        #expect(joined.read(50, client, joined.listener, joined.server(.established, inode: 0)).isEmpty)
        #expect(
            joined.read(102, client, joined.listener, joined.server(.established, inode: 0)) == ["server not accepted"])
        #expect(joined.read(200, client, joined.listener, joined.server(.established, inode: 0)).isEmpty, "said once")
        #expect(
            joined.read(301, client, joined.listener, joined.server(.established, inode: 44)) == [
                "server accepted after 200 to 302 ms"
            ])
        #expect(joined.read(400, client, joined.listener, joined.server(.established, inode: 44)).isEmpty)
    }

    /// A process cannot answer before accept(), so the answer bounds the wait although the reading that sees the accept
    /// comes later.
    @Test func H23_anAnswerBoundsTheWait() throws {
        let joined = Joined(handshake)
        let client = joined.client(.established)
        for time in [1, 102, 200] as [Int64] {
            joined.read(time, client, joined.listener, joined.server(.established, inode: 0))
        }
        let open = joined.play.now
        joined.play.feed("0.251 < P. 1:8 ack 1")
        let answer = joined.play.last
        #expect(joined.play.timeline[joined.id].counters[1].uniqueBytes == 7)
        joined.join.noteAnswer(joined.id, answer.time)
        joined.join.noteAnswer(joined.id, answer.time.advanced(by: Span.second))
        #expect(
            joined.read(1, client, joined.listener, joined.server(.established, inode: 44)) == [
                "server accepted after 200 to \(answer.time.since(open) / Span.millisecond) ms"
            ])
    }

    @Test func H23_acceptLatencyIsBoundedByReadings() throws {
        let joined = Joined(handshake)
        func delay() throws -> (least: Int64, most: Int64?)? {
            try #require(joined.join.view(joined.id)).responder.acceptDelay(joined.play.connection)
        }
        #expect(try delay() == nil, "nothing was read")
        joined.read(5, joined.listener, joined.server(.established, inode: 0))
        #expect(try delay()?.least == 5 * Span.millisecond && delay()?.most == nil)
        joined.read(20, joined.listener, joined.server(.established, inode: 44))
        #expect(try delay()?.least == 5 * Span.millisecond && delay()?.most == 21 * Span.millisecond)
        // A later reading does not change the time of the accept.
        joined.read(200, joined.listener, joined.server(.established, inode: 44))
        #expect(try delay()?.most == 21 * Span.millisecond)
        let quick = Joined(handshake)
        quick.read(3, quick.listener, quick.server(.established, inode: 44))
        let view = try #require(quick.join.view(quick.id))
        #expect(try #require(view.responder.acceptDelay(quick.play.connection)).least == 0)
    }

    @Test func H23_placesInTheQueueAreInTheOrderOfOpening() throws {
        let play = Play()
        var join = KernelJoin()
        var servers: [KernelSocket] = []
        var ids: [ConnectionID] = []
        for port in [40001, 40002, 40003] as [UInt16] {
            play.client.port = port
            play.feed(handshake)
            join.add(play.last.connection, number: play.connection.number, nil)
            ids.append(play.last.connection)
            servers.append(
                KernelSocket(local: play.server, remote: play.client, state: .established, inode: 0))
        }
        let listener = KernelSocket(
            local: play.server, remote: SocketAddress(.anyV4, 0), state: .listen, receiveQueue: 3, inode: 33)
        func read(_ milliseconds: Int64) {
            _ = join.reconcile(
                Reading(play, after: milliseconds * Span.millisecond, servers + [listener]), &play.timeline)
        }
        read(1)
        read(150)
        #expect(ids.map { join.view($0)?.responder.queuePlace } == [1, 2, 3])
        servers[0].inode = 50
        read(250)
        #expect(ids.map { join.view($0)?.responder.queuePlace } == [nil, 1, 2])
    }

    /// The last ACK of the first connection was dropped, so its server's kernel opened it after the second one.
    @Test func H07_theKernelsOrderOfOpeningCounts() throws {
        let play = Play()
        var join = KernelJoin()
        var servers: [KernelSocket] = []
        var ids: [ConnectionID] = []
        for port in [40001, 40002] as [UInt16] {
            play.client.port = port
            play.feed(handshake)
            join.watch(play.last.connection, play.timeline)
            ids.append(play.last.connection)
            servers.append(KernelSocket(local: play.server, remote: play.client, state: .established, inode: 0))
        }
        var said: [KernelEvent] = []
        for (server, delay) in zip(servers, [900, 2] as [Int64]) {
            let opened = SocketEvent(
                time: play.now.advanced(by: delay * Span.millisecond),
                kind: .transition(from: .synReceived, to: .established), local: server.local, remote: server.remote)
            join.take([opened], now: opened.time, &play.timeline, &said, tellsAll: true)
        }
        let listener = KernelSocket(
            local: play.server, remote: SocketAddress(.anyV4, 0), state: .listen, receiveQueue: 2, inode: 33)
        for time in [1000, 1150] as [Int64] {
            _ = join.reconcile(Reading(play, after: time * Span.millisecond, servers + [listener]), &play.timeline)
        }
        #expect(ids.map { join.view($0)?.responder.queuePlace } == [2, 1])
    }

    @Test func H22_refusalsAreCountedFromBeforeTheSyn() throws {
        let play = Play()
        var join = KernelJoin()
        var listener = KernelSocket(
            local: play.server, remote: SocketAddress(.anyV4, 0), state: .listen, inode: 33)
        func open(_ port: UInt16, _ text: String) -> ConnectionID {
            play.client.port = port
            play.feed(text)
            join.add(play.last.connection, number: play.connection.number, nil)
            return play.last.connection
        }
        func read(_ drops: UInt32?, after milliseconds: Int64 = 1) {
            listener.drops = drops
            _ = join.reconcile(Reading(play, after: milliseconds * Span.millisecond, [listener]), &play.timeline)
        }
        let first = open(40001, handshake)
        read(7)
        #expect(join.view(first)?.responder.listenerRefusals == nil, "nobody looked before")
        let second = open(40002, "0.5 > S 0:0")
        read(8)
        #expect(join.view(second)?.responder.listenerRefusals == 1)
        read(10, after: 900)
        #expect(join.view(second)?.responder.listenerRefusals == 3)
        let third = open(40003, "2.0 > S 0:0")
        read(10)
        #expect(join.view(third)?.responder.listenerRefusals == 0)
        read(nil)
        #expect(join.view(third)?.responder.listenerRefusals == nil, "a source that does not tell")
    }

    @Test func T27_closeWaitThatNobodyAccepted() {
        let joined = Joined(handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2")
        joined.read(1, joined.listener, joined.server(.closeWait, inode: 0))
        #expect(joined.read(150, joined.listener, joined.server(.closeWait, inode: 0)) == ["server not accepted"])
    }

    @Test func acceptedAtOnceIsNotWorthAWord() {
        let joined = Joined(handshake)
        #expect(joined.read(1, joined.listener, joined.server(.established, inode: 0)).isEmpty)
        #expect(joined.read(30, joined.listener, joined.server(.established, inode: 5)).isEmpty)
    }

    @Test func H16_aReplacedIncarnationIsLeftAlone() {
        let joined = Joined(handshake + IncarnationTests.closing)
        let old = joined.id
        joined.read(1, joined.client(.timeWait, inode: 0))
        joined.play.clientISN = 70_000_000
        joined.play.serverISN = 80_000_000
        joined.play.feed(handshake, retire: false)
        joined.join.add(joined.id, number: 2, nil)
        for milliseconds in [1, 50, 100] {
            #expect(
                joined.read(Int64(milliseconds), joined.client(.established), joined.server(.established)).isEmpty)
        }
        #expect(joined.play.timeline[old].originator.state == .timeWait)
        #expect(joined.join.view(joined.id)?.originator.confirmedState == .established)
    }

    @Test func X20_mappedAddressesJoin() {
        let joined = Joined(handshake)
        let mapped = IPAddress(high: 0, low: 0xffff_7f00_0001)
        var socket = joined.server(.established)
        socket.local = SocketAddress(mapped, 9500)
        socket.remote = SocketAddress(mapped, 35924)
        socket.isIPv6 = true
        joined.read(1, socket)
        #expect(joined.join.view(joined.id)?.responder.confirmedState == .established)
    }

    @Test func H13_selfConnectHasOneSocket() {
        let play = Play()
        play.server = play.client
        play.serverISN = play.clientISN
        play.feed("> S 0:0\n> S. 0:0 ack 1\n> . 1:1 ack 1")
        var join = KernelJoin()
        join.add(play.last.connection, number: 1, nil)
        let socket = KernelSocket(local: play.client, remote: play.client, state: .established, inode: 5)
        let events = join.reconcile(Reading(play, after: Span.millisecond, [socket]), &play.timeline)
        #expect(events.allSatisfy { $0.side == .originator })
        #expect(join.view(play.last.connection)?.originator.confirmedState == .established)
    }

    @Test func aRemotePeerIsNeverContradicted() {
        let play = Play()
        play.server = SocketAddress(IPAddress(192, 0, 2, 1), 443)
        play.feed(handshake)
        var join = KernelJoin()
        join.add(play.last.connection, number: 1, nil)
        let socket = KernelSocket(local: play.client, remote: play.server, state: .established, inode: 5)
        for span in [1, 50, 100] as [Int64] {
            let events = join.reconcile(
                Reading(play, after: span * Span.millisecond, [socket]), &play.timeline)
            #expect(events.allSatisfy { $0.side == .originator })
        }
        #expect(join.view(play.last.connection)?.responder.hasNoSocket == false)
    }

    @Test func ownersAreAskedForOnceAndKept() {
        let joined = Joined(handshake)
        joined.read(1, joined.client(.established), joined.server(.established), joined.listener)
        #expect(joined.join.inodesWithoutProcess() == [11, 22, 33])
        let process = ProcessIdentity(pid: 7, command: "x", uid: 0)
        let events = joined.join.assign([11: process, 33: process], time: joined.play.now)
        #expect(events.count == 1)
        #expect(joined.join.inodesWithoutProcess() == [22])
        #expect(joined.join.view(joined.id)?.originator.isOwned == true)
        joined.read(50, joined.server(.established))
        #expect(joined.join.view(joined.id)?.originator.process == process, "the process that was there")
        #expect(joined.join.view(joined.id)?.originator.isOwned == false)
    }
}
