// Which segments belong together: flow keys, roles, and the incarnations of a four-tuple.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite struct FlowTests {
    @Test func bothEndsOnLoopbackAreToldApartByPort() {
        let play = Play(handshake)
        #expect(play.count == 1)
        #expect(play.events.map { $0.sender } == [.originator, .responder, .originator])
    }

    @Test func swappedPortsAreAnotherConnectionOnlyIfTheAddressesDiffer() {
        let a = IPAddress(10, 0, 0, 1)
        let b = IPAddress(10, 0, 0, 2)
        let play = Play()
        (play.client, play.server) = (SocketAddress(a, 1000), SocketAddress(b, 2000))
        play.feed(handshake)
        (play.client, play.server) = (SocketAddress(a, 2000), SocketAddress(b, 1000))
        play.feed(handshake)
        #expect(play.count == 2)
        #expect(play.timeline.trackedCount == 2)
        // The same endpoints in reverse belong to the same connection while it is open.
        let same = Play(handshake)
        swap(&same.client, &same.server)
        same.feed("> . 4001:4001 ack -3999")
        #expect(same.count == 1)
    }

    @Test func sixAndFourAreDifferentFamilies() {
        let play = Play()
        (play.client, play.server) = (SocketAddress(.loopbackV6, 35924), SocketAddress(.loopbackV6, 9500))
        play.feed(handshake)
        (play.client, play.server) = (SocketAddress(.loopbackV4, 35924), SocketAddress(.loopbackV4, 9500))
        play.feed(handshake)
        #expect(play.count == 2)
        #expect(play.timeline.trackedCount == 2)
        #expect(play.connection.tuple.source.description == "127.0.0.1:35924")
        #expect(play.timeline[play.events[0].connection].tuple.source.description == "[::1]:35924")
    }

    @Test func X20_mappedAddressIsTheSameAddress() {
        let play = Play("> S 0:0")
        play.server = SocketAddress(IPAddress(high: 0, low: 0xffff_7f00_0001), 9500)
        play.feed("< S. 0:0 ack 1")
        #expect(play.count == 1)
    }
}

@Suite struct RoleTests {
    @Test func H15_theSynAckComesFromTheResponderWhateverThePorts() {
        let play = Play()
        (play.client, play.server) = (SocketAddress(.loopbackV4, 80), SocketAddress(.loopbackV4, 9500))
        play.feed("< S. 0:0 ack 1\n> . 1:1 ack 1")
        #expect(play.connection.tuple.source == play.client)
        #expect(!play.connection.facts.contains(.rolesGuessed))
    }

    @Test func aSynComesFromTheOriginatorWhateverThePorts() {
        let play = Play()
        (play.client, play.server) = (SocketAddress(.loopbackV4, 80), SocketAddress(.loopbackV4, 9500))
        play.feed(handshake)
        #expect(play.connection.tuple.source == play.client)
    }

    @Test(arguments: ["> P. 500:510 ack 300", "< P. 300:310 ack 500", "> F. 500:500 ack 300", "< R 300:300"])
    func X4_midstreamIsAMarkedGuessForTheLowerPort(_ segment: String) {
        let play = Play(segment)
        #expect(play.connection.facts.contains(.rolesGuessed))
        #expect(play.connection.tuple.destination == play.server)
    }
}

@Suite struct IncarnationTests {
    static let closing = "> F. 1:1 ack 1\n< . 1:1 ack 2\n< F. 1:1 ack 2\n> . 2:2 ack 2\n"

    @Test func sameInitialNumberIsARetransmission() {
        let play = Play("> S 0:0\n> S 0:0")
        #expect(play.count == 1)
        #expect(play.connection.counters[0].retransmissions == 1)
    }

    @Test func H16_secondInitialNumberIsAnotherAttempt() throws {
        let play = Play("> S 0:0")
        play.clientISN = 2_000_000
        play.feed("> S 0:0", retire: false)
        #expect(play.count == 2)
        let old = try #require(play.last.replaced)
        #expect(play.timeline[old].outcome == .noAnswer)
        #expect("\(play.timeline[old].zeekConnectionState)" == "S0")
        #expect(play.timeline[old].number == 1)
        #expect(play.connection.number == 2)
    }

    @Test func H18_synToAHalfDeadServerOpensAfterTheChallenge() {
        let play = Play(handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2")
        play.clientISN = 3_000_000
        play.feed("> S 0:0")
        #expect(play.count == 2)
        // The server answers with its old numbers, the client resets those and retransmits its SYN.
        play.clientISN = 1000
        play.feed("< . 1:1 ack 2\n> R 2:2")
        play.clientISN = 3_000_000
        play.serverISN = 9_000_000
        play.feed("> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1")
        #expect(play.count == 2)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
        #expect(play.connection.outcome == .open)
    }

    @Test func H19_synAfterTimeWait() throws {
        let play = Play(handshake + Self.closing)
        #expect(play.connection.statesText == "TIME_WAIT CLOSED")
        play.clientISN = 70_000_000
        play.serverISN = 80_000_000
        play.feed(handshake, retire: false)
        #expect(play.count == 2)
        let replaced = play.events.compactMap { $0.replaced }
        #expect(replaced.count == 1)
        #expect(play.timeline[replaced[0]].outcome == .closed)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
        #expect("\(play.connection.zeekConnectionState)" == "S1")
    }

    @Test func H19_theOtherSideOpensAfterTimeWait() {
        let play = Play(handshake + Self.closing)
        swap(&play.client, &play.server)
        (play.clientISN, play.serverISN) = (70_000_000, 80_000_000)
        play.feed(handshake)
        #expect(play.count == 2)
        #expect(play.connection.tuple.source == play.client)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
    }

    @Test func T24_portReusedAtOnceAfterReset() {
        let play = Play(handshake + "> R. 1:1 ack 1")
        play.clientISN = 70_000_000
        play.serverISN = 80_000_000
        play.feed(handshake)
        #expect(play.count == 2)
        #expect(play.connection.outcome == .open)
    }

    @Test func H3_refusedThenTriedAgain() {
        let play = Play("> S 0:0\n< R. 0:0 ack 1")
        play.clientISN = 70_000_000
        play.feed("> S 0:0\n< R. 0:0 ack 1")
        #expect(play.count == 2)
        #expect(play.connection.outcome == .refused)
    }

    @Test(
        "what somebody else made up before the SYN-ACK makes that no other connection's (H15, H37)",
        arguments: ["< . 1:2 ack 1", "< P. -1:0 ack 1", "< F. 77:82 ack -5\n< . 77:82 ack 1"])
    func H15_answerAfterForgedText(_ forged: String) {
        let play = Play("> S 0:0\n" + forged)
        play.serverISN = 900_000
        play.feed("< S. 0:0 ack 1")
        #expect(play.connection.statesText == "ESTABLISHED SYN_RECEIVED")
        play.feed("> . 1:1 ack 1\n< P. 1:101 ack 1\n> . 1:1 ack 101")
        #expect(play.count == 1 && play.connection.statesText == "ESTABLISHED ESTABLISHED")
        #expect(play.connection.missedBytes == 0 && play.last.relativeAck == 101)
    }

    @Test("a RST of the connection before, which the client does not heed, has refused nothing")
    func H19_staleResetRefusesNothing() {
        let play = Play("> S 0:0\n< R 777:777\n< S. 0:0 ack 1\n> . 1:1 ack 1")
        #expect(play.connection.outcome == .open && play.connection.statesText == "ESTABLISHED ESTABLISHED")
        play.feed(Self.closing)
        #expect(play.connection.outcome == .closed && play.count == 1)
    }

    @Test func H12_simultaneousOpenIsNoReuse() {
        #expect(Play("> S 0:0\n< S 0:0\n> S. 0:0 ack 1\n< S. 0:0 ack 1").count == 1)
    }

    @Test(arguments: ["> S 2:2", "> S 400:400", "< S 77:77"])
    func H37_synInsideAnOpenConnectionIsNoReuse(_ syn: String) {
        let play = Play(handshake + "> P. 1:5 ack 1\n< . 1:1 ack 5\n" + syn)
        #expect(play.count == 1)
        #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED")
    }

    @Test func oneTupleUsedManyTimes() {
        let play = Play()
        for round in 0..<2000 {
            play.clientISN = UInt32(truncatingIfNeeded: 1_000_000 &* (round + 1))
            play.serverISN = play.clientISN &+ 77
            play.feed(handshake + Self.closing)
        }
        #expect(play.count == 2000)
        #expect(play.timeline.trackedCount == 1)
        #expect(play.connection.outcome == .closed)
    }

    /// A connection with text whose end was not captured, and a later one that opens ten seconds afterwards.
    private static func reused(_ opening: String) -> Play {
        let play = Play(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n< P. 1:5 ack 11\n> . 11:11 ack 5")
        (play.clientISN, play.serverISN) = (500_000, 700_000)
        play.clock += 10 * Span.second
        play.feed(opening, retire: false)
        return play
    }

    @Test(
        "a SYN that is answered, or that its sender goes on from, has opened a connection: the old one's end is not in the capture",
        arguments: [
            "> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1", "> S 0:0\n> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1",
            "> S 0:0\n> . 1:1 ack 1\n< . 1:1 ack 1", "< S. 0:0 ack 1\n> . 1:1 ack 1",
        ])
    func H37_answeredSynIsReuse(_ opening: String) {
        let play = Self.reused(opening)
        play.feed("> P. 1:6 ack 1\n< . 1:1 ack 6", retire: false)
        #expect(play.count == 2, "\(opening)")
        let new = play.connection
        let old = play.timeline[play.events[0].connection]
        #expect(new.outcome == .open && new.statesText == "ESTABLISHED ESTABLISHED")
        #expect(new.counters[0].uniqueBytes == 5 && new.counters[1].uniqueBytes == 0)
        #expect(new.missedBytes == 0)
        #expect(old.counters[0].uniqueBytes == 10 && old.counters[1].uniqueBytes == 4)
        #expect(old.facts.contains(.replaced) && old.statesText == "ESTABLISHED ESTABLISHED")
        let packets = [old, new].map { $0.counters[0].packets + $0.counters[1].packets }
        #expect(packets.reduce(0, +) == UInt32(play.events.count), "each frame counts once")
        #expect(old.duration < Span.second && old.historyText == "ShADad", "it is what it was")
        let first = play.events.first { $0.connection == play.last.connection }
        let states = first.map { event in
            (0..<event.sent.count).map { event.sent[$0].to } + (0..<event.arrived.count).map { event.arrived[$0].to }
        }
        #expect(states?.contains(.synSent) == true, "how the new one opened is told")
    }

    @Test(
        "a SYN inside a connection that is challenged, or that nothing follows on, has opened none",
        arguments: [
            "> S 0:0\n< . -699995:-699995 ack -499989", "> S 0:0\n> R 1:1", "< S. 0:0 ack 1\n< . 1:1 ack 1",
            "> S 0:0\n> . 77:77 ack 1", "> S 0:0\n< . -699995:-699995 ack -499989\n> . 1:1 ack 1",
            "> S -498990:-498990\n> . -498989:-498989 ack -694995",
        ])
    func H37_challengedSynIsNoReuse(_ opening: String) {
        #expect(Self.reused(opening).count == 1, "\(opening)")
    }

    /// Captures of the server's direction only: a SYN-ACK with and without text, and text of an open connection.
    private static let unheard = [
        "< S. 0:0 ack 1\n< P. 1:11 ack 6\n", "< P. 1:11 ack 6\n< . 11:11 ack 12\n", "< S. 0:0 ack 1\n",
    ]

    @Test(
        "X6: a SYN-ACK of another listener's socket, where the client's direction is not in the capture",
        arguments: unheard)
    func X6_synAckWithOtherNumbers(_ first: String) {
        let play = Play(first)
        (play.clientISN, play.serverISN) = (500_000, 700_000)
        play.feed("0.4 < S. 0:0 ack 1\n< P. 1:3 ack 3\n", retire: false)
        #expect(play.count == 2 && play.events.allSatisfy { $0.anomalies.isDisjoint(with: .initialSequenceChanged) })
        #expect(play.connection.counters[1].uniqueBytes == 2 && play.connection.facts.contains(.synAckSeen))
        let old = play.timeline[play.events[0].connection]
        #expect(old.counters[1].uniqueBytes == (first.contains("P.") ? 10 : 0))
    }

    @Test(
        "H6b, X6: another answer to the same SYN, or the same one again, opens none",
        arguments: [5000, 700_000] as [UInt32])
    func X6_anotherAnswer(_ number: UInt32) {
        let play = Play("< S. 0:0 ack 1\n")
        play.serverISN = number
        play.feed("1 < S. 0:0 ack 1\n< P. 1:11 ack 6\n2 < S. 0:0 ack 1")
        #expect(play.count == 1)
    }

    @Test("H37: nor does one inside a connection of which both sides are in the capture")
    func H37_synAckInside() {
        let play = Self.reused("< S. 0:0 ack 1")
        #expect(play.count == 1 && play.last.anomalies.contains(.synInsideConnection))
    }

    @Test("what is in the capture before the SYN that it follows on belongs to that connection")
    func H15_synCapturedLate() {
        let play = Play("> . 1:1 ack 1\n> S 0:0\n< S. 0:0 ack 1\n> P. 1:5 ack 1")
        #expect(play.count == 1 && play.connection.facts.contains([.synSeen, .synAckSeen]))
    }

    @Test(
        "a late segment of the old connection says nothing of the new one (H19)",
        arguments: ["> . 1:1 ack 1", "> F. 1:1 ack 1"])
    func H19_lateSegment(_ late: String) {
        let play = Play(handshake + "< R. 1:1 ack 1")
        let late = play.segment(late.split(separator: " ").map(String.init))
        (play.clientISN, play.serverISN) = (500_000, 700_000)
        play.feed("> S 0:0")
        play.observe(late)
        #expect(play.last.anomalies == .staleSegment && play.last.notes.isEmpty)
        play.feed("< S. 0:0 ack 1\n> . 1:1 ack 1")
        #expect(play.count == 2 && play.connection.outcome == .open)
        #expect(play.connection.counters[0].uniqueBytes == 0 && play.connection.counters[1].uniqueBytes == 0)
    }
}
