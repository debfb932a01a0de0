// Tracepoint events joined to connections: without a port, out of order, of other incarnations, and of no connection.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

/// An exchange and the kernel events that accompany it. Times are in nanoseconds after the exchange's first segment.
private final class Traced {
    let play: Play
    var join = KernelJoin()
    var said: [KernelEvent] = []

    init(_ text: String = "") {
        play = Play()
        feed(text)
    }

    func feed(_ text: String) {
        let start = play.events.count
        play.feed(text, retire: false)
        for event in play.events[start...] where event.isFirst {
            join.watch(event.connection, play.timeline)
        }
    }

    func event(
        _ at: Int64, _ side: Side, _ kind: SocketEvent.Kind, socket: UInt64 = 0xa, packet: UInt64 = 0,
        hasPort: Bool = true, pid: Int32 = 0, isAddressed: Bool = false
    ) -> SocketEvent {
        var (local, remote) = side == .originator ? (play.client, play.server) : (play.server, play.client)
        // perf does not report the endpoints of a dropped packet; the programs do.
        if case .dropped = kind, !isAddressed { (local, remote) = (SocketAddress(.anyV4, 0), SocketAddress(.anyV4, 0)) }
        return SocketEvent(
            time: epoch.advanced(by: at), kind: kind, socket: socket, packet: packet,
            local: hasPort ? local : SocketAddress(local.address, 0), remote: remote, isProcessContext: pid != 0,
            pid: pid, process: pid == 0 ? nil : ProcessIdentity(pid: pid, command: "p\(pid)", uid: 0))
    }

    @discardableResult
    func take(_ events: SocketEvent..., now: Int64? = nil) -> [KernelEvent] {
        var new: [KernelEvent] = []
        let time = now.map { epoch.advanced(by: $0) } ?? play.now
        join.take(events, now: time, &play.timeline, &new, tellsAll: true)
        said += new
        return new
    }

    var id: ConnectionID { play.last.connection }
    var client: TracedFacts { join.view(id)?.originator.trace ?? TracedFacts() }
    var server: TracedFacts { join.view(id)?.responder.trace ?? TracedFacts() }
}

private func states(_ states: TCPState...) -> TracedFacts.States {
    states.reduce(into: []) { $0.insert(TracedFacts.States($1)) }
}

@Suite struct KernelTraceTests {
    /// A socket may use memory that another one released microseconds before. If an event waits for its segment, later
    /// events of the same address wait behind it. Otherwise a file would have them in another order, and its replay
    /// would join the older ones to the newer connection.
    @Test func whatWaitsIsKeptInTheOrderOfItsAddress() {
        let server = SocketAddress(.loopbackV4, 80)
        let clients = [SocketAddress(.loopbackV4, 4001), SocketAddress(.loopbackV4, 4002)]
        var timeline = Timeline(seed: 1)
        var join = KernelJoin()
        join.leadPatience = 30 * Span.millisecond
        join.keepsJoined = true
        func at(_ milliseconds: Int64) -> Timestamp { epoch.advanced(by: milliseconds * Span.millisecond) }
        var frame: UInt64 = 0
        func see(_ client: Int, isForth: Bool, _ flags: TCPFlags, _ sequence: UInt32, ack: UInt32, _ time: Int64) {
            frame += 1
            let ends = isForth ? (clients[client], server) : (server, clients[client])
            let event = timeline.observe(
                Segment(
                    tuple: FourTuple(source: ends.0, destination: ends.1), sequence: SequenceNumber(sequence),
                    acknowledgment: SequenceNumber(ack), flags: flags, window: 1000),
                time: at(time), frame: frame)
            if event.isFirst { join.watch(event.connection, timeline) }
        }
        see(0, isForth: true, .syn, 0, ack: 0, 0)
        see(0, isForth: false, [.syn, .ack], 100, ack: 1, 1)
        see(0, isForth: true, .ack, 1, ack: 101, 2)
        see(1, isForth: true, .syn, 0, ack: 0, 1000)
        func told(_ client: Int, _ from: TCPState, _ to: TCPState, _ time: Int64) -> SocketEvent {
            SocketEvent(
                time: at(time), kind: .transition(from: from, to: to), socket: 0xb, local: server,
                remote: clients[client])
        }
        let events = [told(0, .established, .closeWait, 999), told(1, .listen, .synReceived, 1000)]
        var said: [KernelEvent] = []
        join.take(events, now: at(1001), &timeline, &said, tellsAll: true)
        #expect(join.takeJoined().isEmpty && join.holdsEvents)
        join.take([], now: at(1040), &timeline, &said, tellsAll: true)
        #expect(join.takeJoined().map(\.time) == [at(999), at(1000)] && !join.holdsEvents)
    }

    /// A client reuses its port while the last events of its previous connection still wait for their segments.
    @Test func T24_whatWaitsIsJoinedBeforeItsConnectionIsForgotten() {
        let traced = Traced(handshake + "\n< F. 1:1 ack 1")
        let old = traced.id
        traced.join.leadPatience = 30 * Span.millisecond
        // The client's ACK and FIN were captured on another processor and are still to come.
        let last = [
            traced.event(4_000_000, .originator, .transition(from: .closeWait, to: .lastAck)),
            traced.event(4_000_001, .originator, .transition(from: .lastAck, to: .closed)),
        ]
        var said: [KernelEvent] = []
        func take(_ events: [SocketEvent], _ ending: [ConnectionID]) {
            traced.join.take(
                events, now: traced.play.now, &traced.play.timeline, &said, tellsAll: true, ending: ending)
        }
        take(last, [])
        #expect(traced.join.holdsEvents(of: old))
        traced.feed("> S 90000:90000")
        #expect(traced.play.last.replaced == old)
        take([], [old])
        #expect(!traced.join.holdsEvents)
        let told = said.filter { $0.connection == old }.compactMap {
            if case .traced(.transition(_, let to)) = $0.kind { to } else { nil }
        }
        #expect(told == [.lastAck, .closed])
    }

    /// The kernel reports a RST before it is captured, so the event waits for it, and so do the events that follow.
    /// Only if the RST does not come was it not captured.
    @Test(arguments: [true, false]) func aResetThatIsOnItsWayIsAwaited(isCaptured: Bool) {
        let traced = Traced(handshake)
        traced.join.leadPatience = 30 * Span.millisecond
        let start = 3 * Span.millisecond
        traced.take(
            traced.event(-9, .originator, .transition(from: .closed, to: .synSent), pid: 7),
            traced.event(9, .originator, .transition(from: .synSent, to: .established)), now: start)
        traced.take(
            traced.event(start, .originator, .transition(from: .established, to: .closed), pid: 7),
            traced.event(start + 1, .originator, .resetSent(reason: "TCP_ABORT_ON_CLOSE"), pid: 7),
            traced.event(start + 2, .originator, .destroyed, pid: 7), now: start + 3)
        #expect(traced.join.holdsEvents(of: traced.id) && traced.client.resetTime == nil)
        #expect(traced.play.connection.outcome == .open)
        if isCaptured { traced.feed("> R. 1:1 ack 1\n") }
        let said = traced.take(now: start + 31 * Span.millisecond)
        #expect(traced.client.resetReason == "TCP_ABORT_ON_CLOSE" && traced.client.destroyTime != nil)
        #expect(traced.play.connection.outcome == .reset && traced.play.connection.isOutcomeKernels != isCaptured)
        let uncaptured = said.filter { if case .uncaptured = $0.kind { true } else { false } }
        #expect(uncaptured.count == (isCaptured ? 0 : 1), "\(said)")
    }

    /// Two calls are refused, and the second SYN reuses the memory of the first. Its answer must not be joined to the
    /// first SYN, whose drop event still waits.
    @Test func whatWaitsIsKeptInTheOrderOfItsPacket() {
        let traced = Traced("> S 0:0")
        let first = traced.id
        traced.play.client.port += 1
        traced.feed("> S 0:0")
        traced.join.leadPatience = 30 * Span.millisecond
        traced.join.keepsJoined = true
        func refuse(_ at: Int64) -> [SocketEvent] {
            [
                traced.event(at, .responder, .resetSent(reason: .noSocket), socket: 0, packet: 0x77),
                traced.event(at + 1, .originator, .resetReceived, socket: 0xa),
                traced.event(at + 2, .responder, .dropped(reason: .noSocket), socket: 0, packet: 0x77),
            ]
        }
        traced.play.client.port -= 1
        let one = refuse(1)
        traced.play.client.port += 1
        let other = refuse(Span.millisecond)
        traced.take(one[0], one[1], one[2], other[0], other[1], other[2], now: Span.millisecond + 9)
        #expect(traced.join.takeJoined() == [one[0]])
        traced.take(now: 40 * Span.millisecond)
        #expect(traced.join.takeJoined() == Array(one[1...]) + other)
        #expect(traced.join.view(first)?.responder.trace.dropReason == .noSocket)
        #expect(traced.server.dropReason == .noSocket && traced.join.traceCounts.unknownDrops == 0)
    }

    /// X1: DNAT changes the remote endpoint of a client's socket and SNAT its local one; for a server's socket it is
    /// the reverse. SNAT keeps a port that is free. If it changes the port, a client is found all the same.
    @Test(arguments: [Side.originator, .responder], ["DNAT", "SNAT", "SNAT of the port"])
    func X1_aSocketIsFoundBehindNAT(side: Side, kind: String) {
        let traced = Traced(handshake)
        let isClient = side == .originator
        let other = SocketAddress(
            IPAddress(10, 96, 0, 10), kind == "DNAT" ? 80 : kind == "SNAT" ? traced.play.client.port : 4)
        func event(_ at: Int64, _ from: TCPState, _ to: TCPState) -> SocketEvent {
            var event = traced.event(at, side, .transition(from: from, to: to), pid: 7)
            if isClient == (kind == "DNAT") { event.remote = other } else { event.local = other }
            return event
        }
        let opening = isClient ? event(-10_000, .closed, .synSent) : event(1_000_000, .listen, .synReceived)
        let open = event(2_000_000, isClient ? .synSent : .synReceived, .established)
        #expect(traced.take(opening, open, now: 4_000_000).isEmpty, "its own segments may be on their way")
        let told = traced.take(now: 8_000_000)
        if !isClient && kind == "SNAT of the port" {
            #expect(told.isEmpty, "a busy server has many such callers")
            return
        }
        guard case .translated(let end) = told.first?.kind else {
            Issue.record("not found: \(told)")
            return
        }
        let wantedEnd: TranslatedEnd =
            kind == "DNAT" ? isClient ? .called(other) : .served(other) : isClient ? .client(other) : .caller(other)
        #expect(end == wantedEnd && told.first?.side == side)
        #expect(traced.join.view(traced.id)?[side].trace.state == .established)
        // Later events of that socket are joined at once, and a reading looks that socket up.
        #expect(!traced.take(event(9_000_000, .established, .finWait1), now: 9_100_000).isEmpty)
        let asked = traced.join.ends(of: [traced.id], traced.play.timeline).map(\.tuple)
        let own = isClient ? traced.play.client : traced.play.server
        let peer = isClient ? traced.play.server : traced.play.client
        let wanted =
            isClient == (kind == "DNAT")
            ? FourTuple(source: own, destination: other) : FourTuple(source: other, destination: peer)
        #expect(asked.contains(wanted), "\(asked)")
    }

    /// X1: two clients called the same server at once, and SNAT gave both other ports, so the owner of the connection
    /// is unknown.
    @Test func X1_whoseConnectionItIsStaysOpenBetweenTwoClients() {
        let traced = Traced(handshake)
        for (socket, port) in [(UInt64(0xa), UInt16(4)), (0xb, 5)] {
            var event = traced.event(-10_000, .originator, .transition(from: .closed, to: .synSent), socket: socket)
            event.local = SocketAddress(IPAddress(10, 0, 0, 2), port)
            traced.take(event, now: 4_000_000)
        }
        #expect(traced.take(now: 40_000_000).isEmpty)
        #expect(traced.play.timeline.connections.socketEnds(of: traced.id).isEmpty)
    }

    @Test func X1_aSocketOfAnotherConnectionIsNotTaken() {
        let other = SocketAddress(IPAddress(10, 96, 0, 10), 80)
        func isTaken(at time: Int64 = -10_000, _ change: (inout SocketEvent) -> Void = { _ in }) -> Bool {
            let traced = Traced(handshake)
            var event = traced.event(time, .originator, .transition(from: .closed, to: .synSent))
            event.remote = other
            change(&event)
            traced.take(event, now: 4_000_000)
            return !traced.take(now: 40_000_000).isEmpty
        }
        #expect(isTaken())
        #expect(!isTaken(at: -6_000_000), "a call long before the SYN")
        #expect(!isTaken(at: 20_000), "a call behind the SYN")
        #expect(!isTaken { $0.local.port = 4 }, "another client's")
        #expect(!isTaken { $0.local.port = 0 }, "its end is not known yet")
        // The connection already has its own socket.
        let traced = Traced(handshake)
        traced.take(traced.event(-10_000, .originator, .transition(from: .closed, to: .synSent)), now: 4_000_000)
        var event = traced.event(-9_000, .originator, .transition(from: .closed, to: .synSent), socket: 0xc)
        event.remote = other
        traced.take(event, now: 4_000_000)
        #expect(traced.take(now: 40_000_000).isEmpty)
        #expect(traced.play.timeline.connections.socketEnds(of: traced.id).isEmpty)
    }

    /// The connection was idle when the trace began, so its socket is not known yet. A process that resets what it has
    /// closed owns the socket; one that destroys a socket (SOCK_DESTROY) does not close it first, and need not own it.
    @Test(arguments: [TCPState.closed, .established]) func E14_whoResetsWhatItHasClosedOwnsIt(state: TCPState) {
        let traced = Traced("> R. 1:1 ack 1")
        var reset = traced.event(70, .originator, .resetSent(reason: .tcpState), pid: 7)
        reset.resetState = state
        traced.take(reset, now: 1000)
        #expect(traced.join.view(traced.id)?.originator.process?.pid == (state == .closed ? 7 : nil))
    }

    /// A client that gives up has no socket from then on, whatever SYN-ACK comes later.
    @Test func H10_aClientThatGivesUpIsClosedAtOnce() {
        let traced = Traced("> S 0:0")
        traced.take(traced.event(-9000, .originator, .transition(from: .closed, to: .synSent), pid: 7))
        let said = traced.take(
            traced.event(500_000_000, .originator, .transition(from: .synSent, to: .closed), pid: 7),
            traced.event(500_009_000, .originator, .destroyed, pid: 7), now: 501_000_000)
        let gone = said.filter { if case .dropped(from: .synSent) = $0.kind { true } else { false } }
        #expect(gone.map(\.time) == [epoch.advanced(by: 500_000_000)], "\(said)")
        #expect(traced.client.openingGivenUp?.by?.pid == 7)
        traced.feed("0.6 < S. 0:0 ack 1")
        #expect(traced.play.connection.originator.state == .closed)
    }

    /// The attempt was refused, or its socket destroyed (SOCK_DESTROY): the client did not give up.
    @Test(arguments: [Int32(111), 103]) func anAttemptThatFailsIsNotGivenUp(errno: Int32) {
        let traced = Traced("> S 0:0")
        traced.take(
            traced.event(-9000, .originator, .transition(from: .closed, to: .synSent), pid: 7),
            traced.event(9000, .originator, .socketError(errno: errno)),
            traced.event(9001, .originator, .transition(from: .synSent, to: .closed), pid: 7))
        #expect(traced.client.openingClosed != nil && traced.client.openingGivenUp == nil)
    }

    /// The handshake's last ACK was dropped, and so are the client's retransmissions: the server's state stays.
    @Test func H7_whatIsDroppedOpensNothing() {
        let traced = Traced(handshake)
        let (client, server) = (traced.play.client, traced.play.server)
        let sockets = [
            KernelSocket(local: client, remote: server, state: .established, inode: 11),
            KernelSocket(local: server, remote: client, state: .synReceived, inode: 0),
        ]
        for after in [40, 80] as [Int64] {
            _ = traced.join.reconcile(
                Reading(traced.play, after: after * Span.millisecond, sockets), &traced.play.timeline)
        }
        var responder: EndpointMachine { traced.play.connection.responder }
        #expect(responder.state == .synReceived)
        func drop(_ at: Int64) -> SocketEvent {
            traced.event(at, .responder, .dropped(reason: .netfilterDrop), socket: 0, isAddressed: true)
        }
        traced.feed("0.3 > P. 1:4 ack 1")
        #expect(responder.state == .established)
        let said = traced.take(drop(300_010_000))
        #expect(responder.state == .synReceived && responder.certainty == .confirmed)
        #expect(
            said.contains {
                if case .contradiction(.synReceived, .established) = $0.kind { $0.isCorrected } else { false }
            })
        // This one arrived, and only the next one was dropped.
        traced.feed("0.5 > P. 1:4 ack 1")
        traced.take(
            traced.event(500_010_000, .responder, .transition(from: .listen, to: .synReceived), socket: 0xb),
            traced.event(500_011_000, .responder, .transition(from: .synReceived, to: .established), socket: 0xb))
        traced.feed("0.6 > P. 4:8 ack 1")
        traced.take(drop(600_010_000))
        #expect(responder.state == .established)
    }

    /// A SYN is retransmitted at the very moment its answer arrives on another processor.
    @Test func H3_aSynThatCrossedItsAnswerTakesNothingBack() {
        func state(isTold: Bool, after microseconds: Int) -> TCPState {
            let traced = Traced("> S 0:0\n1 < S. 0:0 ack 1")
            if isTold {
                traced.take(
                    traced.event(-9000, .originator, .transition(from: .closed, to: .synSent), pid: 7),
                    traced.event(1_000_010_000, .originator, .transition(from: .synSent, to: .established)))
            }
            traced.feed("\(1 + Double(microseconds) / 1e6) > S 0:0")
            return traced.play.connection.originator.state
        }
        #expect(state(isTold: true, after: 50) == .established && state(isTold: true, after: 5000) == .established)
        // The kernel's word may come behind the SYN; but no timer expires at that very moment by chance.
        #expect(state(isTold: false, after: 50) == .established && state(isTold: false, after: 5000) == .synSent)
    }

    /// If the event reports the packet's endpoints, no match by time is needed.
    @Test func aDroppedPacketWithItsEndsIsNobodyElses() {
        let traced = Traced("> S 0:0")
        let drop = SocketEvent.Kind.dropped(reason: .netfilterDrop)
        var other = traced.event(10_000, .responder, drop, socket: 0, isAddressed: true)
        other.local = SocketAddress(.loopbackV4, 7777)
        traced.take(other, now: 20_000)
        #expect(traced.server.drops == 0, "it has another port, at the same moment")
        traced.take(traced.event(10_000, .responder, drop, socket: 0, isAddressed: true), now: 20_000)
        #expect(traced.server.drops == 1)
        // An answer that is dropped before it is captured counts, and so does a drop long after its frame.
        traced.take(traced.event(11_000, .originator, drop, socket: 0, isAddressed: true), now: 20_000)
        traced.take(traced.event(90_000_000, .responder, drop, socket: 0, isAddressed: true), now: 91_000_000)
        #expect(traced.client.drops == 1 && traced.server.drops == 2)
        // A RST that finds no socket is not a loss.
        traced.take(
            traced.event(12_000, .responder, .dropped(reason: .noSocket), socket: 0, packet: 5, isAddressed: true))
        #expect(traced.server.drops == 2)
    }

    /// A SYN that left for another host is not dropped here, whatever else is dropped at that moment.
    @Test func whatLeftForAnotherHostIsNotDroppedHere() {
        let traced = Traced()
        traced.play.server = SocketAddress(IPAddress(v4: 0xc000_0207), 9999)
        traced.feed("> S 0:0")
        traced.take(traced.event(10_000, .responder, .dropped(reason: .netfilterDrop), socket: 0), now: 20_000)
        #expect(traced.server.drops == 0 && !traced.server.isTraced)
        traced.feed("1.0 > S 0:0")
        let end = traced.event(
            1_000_010_000, .responder, .dropped(reason: .netfilterDrop), socket: 0, isAddressed: true)
        traced.take(end, now: 1_000_020_000)
        #expect(traced.server.drops == 1, "but on its way through")
        #expect(traced.join.view(traced.id)?.responder.isLocal == false)
    }

    @Test func amongManyDropsOfOthersNoneIsGuessedAt() {
        let traced = Traced()
        let drop = SocketEvent.Kind.dropped(reason: .netfilterDrop)
        for time in [-60_000_000, -40_000_000, -20_000_000] as [Int64] {
            traced.take(traced.event(time, .responder, drop, socket: 0), now: time)
        }
        traced.feed("> S 0:0")
        traced.take(traced.event(10_000, .responder, drop, socket: 0), now: 20_000)
        #expect(traced.server.drops == 0)
        traced.feed("1.0 > S 0:0")
        traced.take(traced.event(1_000_010_000, .responder, drop, socket: 0), now: 1_000_020_000)
        #expect(traced.server.drops == 1, "they are long ago")
    }

    /// A listener's socket is not tracked, and the event has no ports: only the time shows whose SYN it was.
    @Test func aDroppedSynIsTheOneThatWasJustSent() {
        let traced = Traced("> S 0:0")
        let drop = SocketEvent.Kind.dropped(reason: "SOCKET_FILTER")
        traced.take(traced.event(2_000_000, .responder, drop, socket: 0xb, packet: 1), now: 3_000_000)
        #expect(traced.server.drops == 0, "two milliseconds later it was something else")
        traced.take(traced.event(9000, .responder, drop, socket: 0xb, packet: 2), now: 3_000_000)
        #expect(traced.server.drops == 1 && traced.server.dropReason == "SOCKET_FILTER")
        traced.take(traced.event(12_000, .responder, drop, socket: 0xb, packet: 3), now: 3_000_000)
        #expect(traced.server.drops == 1, "a SYN is dropped once")
    }

    /// The kernel reports a RST, and the end of its socket, before the RST is captured. For a connection older than the
    /// trace these are the only events.
    @Test func aResetIsTheFirstThatIsSeenOfAnOlderConnection() {
        let traced = Traced("0 < R. 100:100 ack 1")
        let reset = SocketEvent.Kind.resetSent(reason: "TCP_STATE")
        traced.take(
            traced.event(-2_000_000, .responder, .retransmit, socket: 0),
            traced.event(-30_000, .responder, reset, pid: 50),
            traced.event(-12_000, .responder, .transition(from: .closeWait, to: .closed), pid: 50), now: 500_000)
        #expect(traced.server.resetReason == "TCP_STATE" && traced.server.resetProcess?.pid == 50)
        #expect(traced.server.transitions == 1 && traced.server.retransmissions == 0)
        // A connection that was seen to open has no events from before.
        let opened = Traced("> S 0:0")
        opened.take(opened.event(-30_000, .originator, reset, pid: 50), now: 500_000)
        #expect(opened.client.resetReason == nil)
    }

    /// A drop whose connection is unknown waits; a socket created meanwhile at the same address is unrelated to it.
    @Test func aDropIsNotOfTheNextSocketAtItsAddress() {
        let traced = Traced("> S 0:0")
        let drop = traced.event(
            -2_000_000, .originator, .dropped(reason: "TCP_ABORT_ON_DATA"), socket: 0xa, packet: 1, hasPort: false)
        traced.take(drop, now: -1_000_000)
        traced.take(
            traced.event(-9000, .originator, .transition(from: .closed, to: .synSent), hasPort: false, pid: 7),
            traced.event(1000, .originator, .transition(from: .synSent, to: .established)), now: 2000)
        traced.take(now: 3000)
        #expect(traced.client.drops == 0 && traced.client.dropReason == nil)
        traced.take(traced.event(4000, .originator, .dropped(reason: "TCP_CSUM"), packet: 2), now: 5000)
        #expect(traced.client.drops == 1, "this one is")
    }

    @Test func aDroppedSynIsFoundAmongThousandsWithoutAnswer() {
        let traced = Traced()
        for port in UInt16(2000)..<5000 {
            traced.play.client = SocketAddress(.loopbackV4, port)
            traced.feed("> S 0:0")
        }
        let drop = SocketEvent.Kind.dropped(reason: "NETFILTER_DROP")
        // The SYNs are a millisecond apart, so only the latest one can be the one that was dropped.
        let sent = traced.play.clock
        traced.take(traced.event(sent + 9000, .responder, drop, socket: 0, packet: 1))
        #expect(traced.server.drops == 1 && traced.server.dropReason == "NETFILTER_DROP")
        // Of two SYNs at the same time, neither is chosen.
        traced.play.client = SocketAddress(.loopbackV4, 5001)
        traced.feed("\(Double(sent) / 1e9 + 1) > S 0:0")
        traced.play.client = SocketAddress(.loopbackV4, 5002)
        traced.feed("\(Double(sent) / 1e9 + 1.000001) > S 0:0")
        traced.take(traced.event(sent + 1_000_009_000, .responder, drop, socket: 0, packet: 2))
        #expect(traced.server.drops == 0)
    }

    @Test func aDropAfterTheAnswerIsNotTheSyns() {
        let traced = Traced(handshake)
        traced.take(
            traced.event(9000, .responder, .dropped(reason: "SOCKET_FILTER"), socket: 0xb, packet: 2), now: 3_000_000)
        #expect(traced.server.drops == 0 && traced.client.drops == 0)
    }

    /// A packet's memory is soon reused: only a packet dropped at once is the one that the RST answered.
    @Test func aPacketThatWasAnsweredIsTheOneThatIsDroppedAtOnce() {
        let traced = Traced("> S 0:0\n< R. 0:0 ack 1")
        let reset = SocketEvent.Kind.resetSent(reason: "NO_SOCKET")
        traced.take(traced.event(10_000, .responder, reset, socket: 0, packet: 7), now: 9_000_000)
        traced.take(
            traced.event(11_000, .responder, .dropped(reason: "NO_SOCKET"), socket: 0, packet: 7), now: 9_000_000)
        #expect(traced.server.drops == 1)
        traced.take(
            traced.event(5_000_000, .responder, .dropped(reason: "NO_SOCKET"), socket: 0, packet: 7), now: 9_000_000)
        #expect(traced.server.drops == 1)
    }

    /// A rule that rejects a SYN sends a RST or an ICMP error and drops the SYN; drops for other reasons at that moment
    /// are unrelated.
    @Test func aRejectedSynWasDroppedByItsRule() {
        let traced = Traced("> S 0:0\n< R. 0:0 ack 1")
        let after = traced.play.now.nanoseconds - epoch.nanoseconds
        for (reason, drops) in [("NO_SOCKET", 0), ("SOCKET_FILTER", 0), ("NETFILTER_DROP", 1)] {
            traced.take(
                traced.event(after + 9000, .responder, .dropped(reason: KernelWord(reason)), socket: 0, packet: 3),
                now: after + 99_000)
            #expect(traced.server.drops == UInt32(drops), "\(reason)")
        }
        #expect(traced.server.dropReason == "NETFILTER_DROP")
    }

    @Test func connectHasNoPortYet() {
        let traced = Traced(handshake)
        #expect(
            traced.take(
                traced.event(-9000, .originator, .transition(from: .closed, to: .synSent), hasPort: false, pid: 7)
            ).isEmpty, "nobody knows whose it is")
        let events = traced.take(
            traced.event(40_000, .originator, .transition(from: .synSent, to: .established)))
        #expect(events.count == 3, "both transitions, and the owner: \(events)")
        #expect(events.allSatisfy { $0.side == .originator && $0.isTraced })
        #expect(traced.client.entered == states(.synSent, .established))
        #expect(traced.join.view(traced.id)?.originator.process?.pid == 7)
        #expect(traced.join.view(traced.id)?.originator.confirms(.synSent) == true)
        #expect(traced.play.connection.originator.certainty == .confirmed)
        #expect(traced.join.traceCounts == TraceCounts(attached: 2, unattached: 0))
    }

    @Test func H23_closingASocketShowsThatItWasAccepted() throws {
        let traced = Traced(handshake)
        func delay() -> Int64? {
            traced.join.view(traced.id)?.responder.acceptDelay(traced.play.connection)?.most
        }
        traced.take(traced.event(3_000_000, .responder, .transition(from: .established, to: .closed), pid: 8))
        #expect(delay() == nil, "a child that goes with its listener was never accepted")
        traced.take(traced.event(4_000_000, .responder, .transition(from: .established, to: .finWait1)))
        #expect(delay() == nil, "no system call")
        traced.take(traced.event(5_000_000, .responder, .transition(from: .established, to: .finWait1), pid: 8))
        #expect(delay() == 5_000_000 - traced.play.connection.openDelay)
    }

    @Test func eventsMayComeBeforeTheirSegments() {
        let traced = Traced()
        #expect(traced.take(traced.event(-9, .originator, .transition(from: .closed, to: .synSent))).isEmpty)
        traced.feed(handshake)
        #expect(traced.take().count == 1)
        #expect(traced.client.entered == states(.synSent))
    }

    @Test func aClosedSocketsLaterSelfIsAnother() {
        let traced = Traced(handshake)
        traced.take(
            traced.event(-9, .originator, .transition(from: .closed, to: .synSent), pid: 7),
            traced.event(9, .originator, .transition(from: .synSent, to: .established)),
            traced.event(99, .originator, .destroyed))
        let first = traced.id
        traced.feed("> R 1:1\n2.0 > S 90000:90000\n< S. 90000:90000 ack 90001\n> . 90001:90001 ack 90001")
        #expect(traced.id != first)
        // Both sockets used the same memory and the same four-tuple; the old one's last event is read only now.
        let late = traced.event(2_000_000, .originator, .resetSent(reason: "TCP_STATE"))
        let born = 2 * Span.second
        traced.take(
            late, traced.event(born - 9000, .originator, .transition(from: .closed, to: .synSent), pid: 8),
            traced.event(born + 9000, .originator, .transition(from: .synSent, to: .established)))
        #expect(traced.join.view(first)?.originator.trace.resetReason == "TCP_STATE")
        #expect(traced.join.view(first)?.originator.process?.pid == 7)
        #expect(traced.client.resetReason == nil && traced.client.transitions == 2)
        #expect(traced.join.view(traced.id)?.originator.process?.pid == 8)
    }

    /// FIN_WAIT_2 without an owner continues as a small TIME_WAIT socket, whose end is no event, and on a busy machine
    /// no reading comes before the port is reused. A client that connects with the four-tuple has no other socket on
    /// it, so the old one is gone; its peer is not.
    @Test func T11_connectingAgainShowsThatTheOrphanHasGone() {
        let traced = Traced(handshake + "\n> F. 1:1 ack 1\n< . 1:1 ack 2")
        traced.take(
            traced.event(-9000, .originator, .transition(from: .closed, to: .synSent), pid: 7),
            traced.event(2_100_000, .originator, .transition(from: .established, to: .finWait1), pid: 7),
            traced.event(3_100_000, .originator, .transition(from: .finWait1, to: .finWait2)),
            traced.event(3_100_000, .originator, .transition(from: .finWait2, to: .closed)),
            traced.event(3_100_000, .originator, .destroyed))
        let first = traced.id
        #expect(traced.play.timeline[first].endpoint(.originator).state == .finWait2)
        traced.feed("3.0 > S 90000:90000\n< . 1:1 ack 2")
        #expect(traced.id != first)
        let born = 3 * Span.second - 9000
        let said = traced.take(
            traced.event(born, .originator, .transition(from: .closed, to: .synSent), socket: 0xb, pid: 8))
        #expect(traced.play.timeline[first].endpoint(.originator).state == .closed)
        #expect(traced.play.timeline[first].endpoint(.responder).state == .closeWait)
        let dropped = said.filter { if case .dropped(.finWait2) = $0.kind { $0.connection == first } else { false } }
        #expect(dropped.count == 1 && dropped.first?.time == epoch.advanced(by: born), "\(said)")
        #expect(dropped.first?.side == .originator && dropped.first?.process?.pid == 7)
    }

    @Test func aSocketsMemoryIsUsedAgainBeforeItsSegmentsAreRead() {
        let traced = Traced()
        let events = [
            traced.event(-9, .originator, .transition(from: .closed, to: .synSent)),
            traced.event(9, .originator, .transition(from: .synSent, to: .established)),
            traced.event(99, .originator, .destroyed),
        ]
        traced.play.client.port += 1
        let next = traced.event(999, .originator, .transition(from: .closed, to: .synSent))
        traced.take(events[0], events[1], events[2], next)
        #expect(traced.said.isEmpty)
        traced.play.client.port -= 1
        traced.feed(handshake)
        traced.take()
        #expect(traced.client.transitions == 2 && traced.client.destroyTime != nil)
        traced.take(now: 3 * Span.second)
        #expect(traced.join.traceCounts == TraceCounts(attached: 3, unattached: 1))
    }

    @Test func anEventThatNeverCameIsProvedByTheNextOne() {
        let traced = Traced(handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2")
        traced.take(
            traced.event(-9, .originator, .transition(from: .closed, to: .synSent), pid: 7),
            traced.event(9, .originator, .transition(from: .synSent, to: .established)),
            traced.event(99, .originator, .transition(from: .established, to: .finWait1), pid: 7))
        #expect(traced.join.view(traced.id)?.originator.confirms(.finWait2) == false)
        // The delayed ACK arrived in an interrupt that was not recorded: the event FIN_WAIT_1 to FIN_WAIT_2 is missing.
        let said = traced.take(traced.event(999, .originator, .transition(from: .finWait2, to: .closed)))
        #expect(said.count == 1, "nothing is said that the kernel did not say: \(said)")
        #expect(traced.client.entered == states(.synSent, .established, .finWait1, .finWait2))
        #expect(traced.join.view(traced.id)?.originator.confirms(.finWait2) == true)
        #expect(traced.client.leftTimeWaitSocket && traced.client.transitions == 4)
    }

    /// perf's events come from all network namespaces. A host with an open socket did not send a RST for lack of one,
    /// so another namespace has the same four-tuple.
    @Test func aResetForWantOfASocketIsNoneOfWhoHasOne() {
        let traced = Traced(handshake)
        traced.take(
            traced.event(-9, .originator, .transition(from: .closed, to: .synSent), pid: 7),
            traced.event(9, .originator, .transition(from: .synSent, to: .established)),
            traced.event(99, .originator, .resetSent(reason: .noSocket)))
        #expect(traced.client.resetTime == nil && traced.client.resetReason == nil)
        #expect(traced.join.traceCounts == TraceCounts(attached: 2, unattached: 1))
        // Once the socket is gone, the next segment is answered that way. For a side whose socket is unknown it may be
        // true at once.
        traced.take(
            traced.event(999, .originator, .transition(from: .established, to: .closed)),
            traced.event(9999, .originator, .resetSent(reason: .noSocket)),
            traced.event(9999, .responder, .resetSent(reason: .noSocket)))
        #expect(traced.client.resetReason == .noSocket)
        #expect(traced.join.view(traced.id)?.responder.trace.resetReason == .noSocket)
    }

    /// The same for every event of another socket: the four-tuple exists in two namespaces.
    @Test func X18_whatAnotherSocketDoesIsNotTheConnections() {
        let traced = Traced(handshake)
        traced.take(
            traced.event(-9, .originator, .transition(from: .closed, to: .synSent), pid: 7),
            traced.event(9, .originator, .transition(from: .synSent, to: .established)))
        traced.take(
            traced.event(10, .originator, .transition(from: .synSent, to: .established), socket: 0xc),
            traced.event(11, .originator, .transition(from: .established, to: .closed), socket: 0xc, pid: 8),
            traced.event(12, .originator, .resetSent(reason: "TCP_STATE"), socket: 0xc, pid: 8),
            traced.event(13, .originator, .resetReceived, socket: 0xc),
            traced.event(14, .originator, .socketError(errno: 104), socket: 0xc),
            traced.event(15, .originator, .destroyed, socket: 0xc, pid: 8))
        #expect(traced.client.state == .established && traced.client.resetTime == nil && !traced.client.wasReset)
        #expect(traced.client.errno == nil && traced.client.destroyTime == nil)
        #expect(traced.play.connection.outcome == .open)
        #expect(traced.join.traceCounts == TraceCounts(attached: 2, unattached: 6))
        traced.take(traced.event(99, .originator, .resetReceived))
        #expect(traced.client.wasReset && traced.play.connection.outcome == .reset)
    }

    @Test func theFirstEventThatIsSeenProvesNothingBeforeIt() {
        let traced = Traced(handshake)
        traced.take(traced.event(9, .originator, .transition(from: .established, to: .finWait1)))
        #expect(traced.client.entered == states(.finWait1))
    }

    @Test func theServersChildComesAfterItsSyn() {
        let traced = Traced(handshake)
        traced.take(
            traced.event(2_100_000, .responder, .transition(from: .listen, to: .synReceived), socket: 0xb, pid: 7),
            traced.event(2_200_000, .responder, .transition(from: .synReceived, to: .established), socket: 0xb))
        #expect(traced.server.entered == states(.synReceived, .established))
        #expect(
            traced.join.view(traced.id)?.responder.process == nil, "who was on the CPU then did not accept it")
        traced.take(
            traced.event(3_000_000, .responder, .transition(from: .established, to: .finWait1), socket: 0xb, pid: 9))
        #expect(traced.join.view(traced.id)?.responder.process?.pid == 9)
        #expect(traced.server.isOwnerExact)
    }

    @Test func E21_whoDestroysASocketDoesNotOwnIt() {
        let traced = Traced(handshake)
        traced.take(
            traced.event(3_000_000, .originator, .resetSent(reason: "TCP_STATE"), pid: 50),
            traced.event(3_000_001, .originator, .transition(from: .established, to: .closed), pid: 50))
        #expect(traced.join.view(traced.id)?.originator.process == nil)
        #expect(traced.client.resetProcess?.pid == 50 && traced.client.resetReason == "TCP_STATE")
        #expect(traced.client.entered == states(.closed))
    }

    @Test func timeWaitIsNeverSaid() {
        let traced = Traced(handshake)
        traced.take(
            traced.event(3_000_000, .originator, .transition(from: .established, to: .finWait1)),
            traced.event(3_000_001, .originator, .transition(from: .finWait1, to: .finWait2)),
            traced.event(3_000_002, .originator, .transition(from: .finWait2, to: .closed)))
        #expect(traced.client.leftTimeWaitSocket && !traced.client.entered.contains(states(.closed)))
        traced.take(traced.event(3_000_003, .responder, .transition(from: .lastAck, to: .closed), socket: 0xb))
        #expect(!traced.server.leftTimeWaitSocket && traced.server.entered.contains(states(.closed)))
    }

    @Test func errorsDropsAndRetransmissionsAreKept() {
        let traced = Traced(handshake)
        traced.take(
            traced.event(5, .responder, .resetSent(reason: "NO_SOCKET"), socket: 0, packet: 0x77),
            traced.event(6, .responder, .dropped(reason: "NO_SOCKET"), socket: 0, packet: 0x77),
            traced.event(7, .originator, .resetReceived), traced.event(8, .originator, .retransmit),
            traced.event(9, .originator, .socketError(errno: 111)))
        #expect(traced.server.resetReason == "NO_SOCKET" && traced.server.dropReason == "NO_SOCKET")
        #expect(
            traced.client.wasReset && traced.client.errno == .connectionRefused && traced.client.retransmissions == 1)
        #expect(traced.said.count { if case .traced = $0.kind { true } else { false } } == 5)
        #expect(traced.said.count == 6, "and that it was reset, which the capture lacks")
    }

    @Test func selfConnectHasOneSocket() {
        let traced = Traced()
        traced.play.client = traced.play.server
        traced.play.serverISN = traced.play.clientISN
        traced.feed("> S 0:0")
        traced.take(
            traced.event(-5, .originator, .transition(from: .closed, to: .synSent)),
            traced.event(5, .originator, .transition(from: .synSent, to: .synReceived)))
        #expect(traced.client.transitions == 2 && traced.server.transitions == 0)
    }

    @Test func whatWasNotCapturedIsCountedAfterASecond() {
        let traced = Traced(handshake)
        traced.play.client.port = 1
        traced.take(
            traced.event(0, .originator, .transition(from: .synSent, to: .established), socket: 0xc),
            traced.event(0, .originator, .retransmit, socket: 0xc),
            traced.event(0, .originator, .dropped(reason: "TCP_CSUM"), socket: 0xdd),
            traced.event(0, .originator, .transition(from: .closed, to: .synSent), socket: 0xd, hasPort: false),
            now: 1)
        #expect(traced.join.traceCounts.unattached == 0)
        traced.take(now: 2 * Span.second)
        #expect(traced.join.traceCounts == TraceCounts(unattached: 3, unknownDrops: 1))
        #expect(traced.said.isEmpty)
    }

    /// A SYN that a rule drops on its way out is not captured, but events report the call all the same.
    @Test func aCallWithoutASegmentIsKept() throws {
        let traced = Traced()
        traced.take(
            traced.event(0, .originator, .transition(from: .closed, to: .synSent), hasPort: false, pid: 7),
            traced.event(9, .responder, .dropped(reason: .netfilterDrop), socket: 0, isAddressed: true), now: 10)
        traced.take(now: 2 * Span.second)
        #expect(traced.join.unseenCalls().map(\.state) == [.synSent])
        traced.take(
            traced.event(3 * Span.second, .originator, .socketError(errno: 110)),
            traced.event(3 * Span.second, .originator, .transition(from: .synSent, to: .closed)),
            now: 3 * Span.second + 1)
        // The end of a trace waits for no further events.
        let call = try #require(traced.join.unseenCalls().first)
        #expect(traced.join.unseenCalls().count == 1 && call.process?.pid == 7)
        #expect(call.state == .closed && call.since.since(call.began) == 3 * Span.second && !call.isAnswered)
        #expect(call.local == traced.play.client && call.remote == traced.play.server && !call.hadNoPort)
        #expect(call.dropReason == .netfilterDrop && call.errno == .timedOut)
    }

    /// connect() fails twice with EADDRNOTAVAIL, and both sockets use the same memory.
    @Test func aCallThatGotNoPort() {
        let traced = Traced()
        for time in [0, 100] as [Int64] {
            traced.take(
                traced.event(time, .originator, .transition(from: .closed, to: .synSent), hasPort: false, pid: 7),
                traced.event(time + 5, .originator, .transition(from: .synSent, to: .closed), hasPort: false, pid: 7),
                now: time + 9)
        }
        #expect(traced.join.unseenCalls().map(\.hadNoPort) == [true, true])
        traced.take(now: 3 * Span.second)
        #expect(traced.join.unseenCalls().map(\.hadNoPort) == [true, true])
    }

    @Test func aCallThatWasCapturedIsNotAmongThem() {
        let traced = Traced(handshake)
        traced.take(
            traced.event(-5, .originator, .transition(from: .closed, to: .synSent), hasPort: false, pid: 7),
            traced.event(5, .originator, .transition(from: .synSent, to: .established)))
        traced.take(now: 9 * Span.second)
        #expect(traced.join.unseenCalls().isEmpty)
    }

    @Test func aForgottenConnectionIsNotSpokenOf() {
        let traced = Traced(handshake)
        traced.take(traced.event(5, .originator, .transition(from: .synSent, to: .established)))
        traced.join.forget(traced.id)
        #expect(traced.take(traced.event(9, .originator, .transition(from: .established, to: .finWait1))).isEmpty)
        #expect(traced.take(traced.event(10, .responder, .retransmit)).isEmpty)
    }

    /// CASES H18: a new SYN meets a socket that is left over from an earlier connection. The client's RST answers the
    /// old socket's challenge ACK, on loopback within its own connect(); it ends the old socket and nothing else.
    @Test func H18_aResetThatAnswersAStaleSocketEndsOnlyThat() {
        let traced = Traced(handshake + "\n0.1 > F. 1:1 ack 1\n0.1001 < . 1:1 ack 2")
        let old = traced.id
        traced.take(
            traced.event(-9, .originator, .transition(from: .closed, to: .synSent), pid: 7),
            traced.event(9, .responder, .transition(from: .listen, to: .synReceived), socket: 0xb),
            traced.event(10, .responder, .transition(from: .synReceived, to: .established), socket: 0xb))
        traced.feed("9 > S 90000:90000\n9.00001 < . 1:1 ack 1\n9.00002 > R 1:1")
        let new = traced.id
        #expect(new != old)
        let start = 9 * Span.second
        var reset = traced.event(
            start + 15_000, .originator, .resetSent(reason: "TCP_INVALID_ACK_SEQUENCE"), socket: 0xc, pid: 8)
        reset.resetState = .synSent
        traced.take(
            traced.event(start - 9000, .originator, .transition(from: .closed, to: .synSent), socket: 0xc, pid: 8),
            reset, traced.event(start + 25_000, .responder, .resetReceived, socket: 0xb),
            traced.event(start + 26_000, .responder, .transition(from: .closeWait, to: .closed), socket: 0xb))
        #expect(traced.play.connection.originator.state == .synSent)
        #expect(traced.join.view(new)?.responder.trace.wasReset == false)
        #expect(traced.join.view(old)?.responder.trace.wasReset == true)
        #expect(traced.play.timeline[old].responder.state == .closed)
        #expect(!traced.said.contains { if case .uncaptured = $0.kind { true } else { false } }, "it was captured")
    }
}
