// ICMP errors within their connections: which end an attempt, which are only noted, and which are revoked.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

extension Play {
    /// Feeds an ICMP error from a router about the client's segment with this relative sequence number.
    func icmp(_ type: UInt8, _ code: UInt8, seq: UInt32 = 0, reversed: Bool = false, mtu: UInt32 = 0) -> ICMPEvent? {
        clock += 1_000_000
        let tuple = FourTuple(source: client, destination: server)
        return timeline.observe(
            ICMPError(
                sender: IPAddress(192, 0, 2, 1), quoted: reversed ? tuple.reversed : tuple,
                sequence: SequenceNumber((reversed ? serverISN : clientISN) &+ seq), type: type, code: code,
                nextHopMTU: mtu),
            time: now, frame: 99)
    }
}

@Suite("ICMP errors") struct ICMPTests {
    @Test("H4: an error about the SYN ends the attempt, inferred; nobody answered, and why is kept")
    func endsAttempt() throws {
        for (type, code, kind, errno) in [
            (3, 0, .networkUnreachable, "ENETUNREACH"), (3, 1, .hostUnreachable, "EHOSTUNREACH"),
            (3, 2, .protocolUnreachable, "ENOPROTOOPT"), (3, 3, .portUnreachable, "ECONNREFUSED"),
            (3, 7, .hostUnknown, "EHOSTDOWN"), (3, 8, .sourceIsolated, "ENONET"),
            (3, 9, .networkProhibited, "ENETUNREACH"), (3, 10, .hostProhibited, "EHOSTUNREACH"),
            (3, 13, .prohibited, "EHOSTUNREACH"), (11, 0, .hopLimitExceeded, "EHOSTUNREACH"),
        ] as [(UInt8, UInt8, ICMPError.Kind, String)] {
            let play = Play("> S 0:0")
            let event = try #require(play.icmp(type, code))
            #expect(event.side == .originator && event.effect == .ends && event.ended && event.relativeSequence == 0)
            #expect(event.reaction.count == 1)
            #expect(
                event.reaction[0] == Transition(from: .synSent, to: .closed, certainty: .inferred, rule: .icmpError))
            let connection = play.connection
            #expect(connection.isEnded && connection.isUnreachable)
            #expect(connection.outcome == .noAnswer && "\(connection.zeekConnectionState)" == "S0")
            #expect(connection.icmpKind == kind && kind.connectError(isIPv4: true)?.name.map { "\($0)" } == errno)
            #expect(play.timeline.nextExpired(at: play.now.advanced(by: 10), linger: 0) == event.connection)
        }
    }

    @Test("what connect() returns for a firewall's word is another errno in IPv6 (icmp_err_convert, tab_unreach)")
    func errnosOfBothVersions() {
        func errno(_ kind: ICMPError.Kind, isIPv4: Bool) -> String? {
            kind.connectError(isIPv4: isIPv4)?.name.map { "\($0)" }
        }
        for code in [1, 5, 6] as [UInt8] {
            #expect(errno(ICMPError.Kind(isIPv4: false, type: 1, code: code), isIPv4: false) == "EACCES")
        }
        #expect(errno(.prohibited, isIPv4: true) == "EHOSTUNREACH")
        #expect(errno(.portUnreachable, isIPv4: false) == "ECONNREFUSED")
    }

    @Test("H4: a client that goes on with its SYN takes it back, and may still connect")
    func goesOn() throws {
        let play = Play("> S 0:0")
        _ = play.icmp(3, 1)
        play.feed("> S 0:0")
        #expect(play.count == 1)
        #expect(play.last.sent.count == 1)
        #expect(play.last.sent[0] == Transition(from: .closed, to: .synSent, certainty: .observed, rule: .retraction))
        #expect(!play.connection.isUnreachable && !play.connection.isEnded)
        play.feed("< S. 0:0 ack 1\n> . 1:1 ack 1")
        #expect(play.count == 1)
        #expect(play.connection.originator.state == .established)
        #expect(play.connection.outcome == .open)
    }

    @Test("H4: an answer after the error; the client's ACK shows that it waited")
    func lateAnswer() throws {
        let play = Play("> S 0:0")
        _ = play.icmp(11, 0)
        play.feed("< S. 0:0 ack 1\n> . 1:1 ack 1\n> P. 1:11 ack 1")
        #expect(play.count == 1)
        #expect(play.connection.originator.state == .established)
        #expect(play.connection.outcome == .open)
    }

    @Test("H4: another SYN from the same port is another attempt")
    func nextAttempt() throws {
        let play = Play("> S 0:0")
        _ = play.icmp(3, 1)
        play.feed("> S 700000:700000")
        #expect(play.count == 2)
    }

    @Test("an open connection outlives every error (RFC 1122 4.2.3.9), whichever side it is about")
    func soft() throws {
        let play = Play(handshake + "> P. 1:11 ack 1\n< P. 1:21 ack 1")
        for (type, code) in [(3, 0), (3, 1), (3, 2), (3, 3), (11, 0), (12, 0)] as [(UInt8, UInt8)] {
            let event = try #require(play.icmp(type, code, seq: 1))
            #expect(event.effect == .soft && event.reaction.count == 0 && event.side == .originator)
            #expect(try #require(play.icmp(type, code, seq: 1, reversed: true)).side == .responder)
        }
        #expect(play.connection.outcome == .open)
    }

    @Test("E20: packet too big names the MTU and changes no state, not even in SYN-SENT")
    func pathMTU() throws {
        let play = Play("> S 0:0")
        #expect(try #require(play.icmp(3, 4, mtu: 1400)).effect == .pathMTU)
        play.feed("< S. 0:0 ack 1\n> . 1:1 ack 1\n> P. 1:1401 ack 1")
        let event = try #require(play.icmp(3, 4, seq: 1, mtu: 1280))
        #expect(event.effect == .pathMTU && event.error.nextHopMTU == 1280 && event.reaction.count == 0)
    }

    @Test("E20: what was too big is sent again at once, smaller; that is no loss")
    func sentAgainSmaller() throws {
        let play = Play(keepsStatistics: true)
        play.feed(handshake + "> . 1:1449 ack 1\n> P. 1449:2897 ack 1")
        _ = play.icmp(3, 4, seq: 1, mtu: 1200)
        // One segment is retransmitted before its sender receives the error.
        play.feed("> . 1:1449 ack 1\n> . 1:1149 ack 1\n> . 1149:2297 ack 1\n> P. 2297:2897 ack 1\n< . 1:1 ack 2897")
        #expect(
            play.events.suffix(5).map { $0.verdict.retransmission?.kind } == [
                .other, .pathMTU, .pathMTU, .pathMTU, nil,
            ])
        let kept = play.timeline.connections.statistics(of: play.last.connection)
        let statistics = try #require(kept)
        #expect(statistics[.originator].losses == 1 && statistics[.originator].count(.pathMTU) == 3)
    }

    @Test("E20: a frame that the network card cuts is sent again smaller, too, though the capture does not show it")
    func sentAgainAsOneFrame() throws {
        let play = Play(keepsStatistics: true)
        play.feed("> S 0:0 mss 1460\n< S. 0:0 ack 1 mss 1460\n> . 1:1 ack 1\n> . 1:2897 ack 1\n> P. 2897:4345 ack 1")
        _ = play.icmp(3, 4, seq: 1, mtu: 1280)
        play.feed("> . 1:2457 ack 1\n> . 2457:2897 ack 1\n> P. 2897:4345 ack 1\n> P. 2897:4345 ack 1")
        #expect(
            play.events.suffix(4).map { $0.verdict.retransmission?.kind } == [.pathMTU, .pathMTU, .pathMTU, .other])
    }

    @Test("errors about nothing on its way are ignored (RFC 5927 4.1), and so are quench and redirect")
    func ignored() throws {
        let play = Play("> S 0:0")
        for seq in [1, 5, .max, 1 << 31] as [UInt32] { #expect(play.icmp(3, 1, seq: seq)?.effect == .ignored) }
        #expect(play.icmp(4, 0)?.effect == .ignored)
        #expect(play.icmp(5, 1)?.effect == .ignored)
        #expect(play.connection.originator.state == .synSent)
        play.feed("< S. 0:0 ack 1\n> . 1:1 ack 1")
        #expect(play.icmp(3, 1, seq: 0)?.effect == .ignored)
        play.client.port += 1
        #expect(play.icmp(3, 1) == nil)
    }

    @Test("H4: an error about a SYN-ACK ends the request on Linux, and another SYN begins another one")
    func endsRequest() throws {
        for (type, code, ends) in [
            (3, 0, true), (3, 1, true), (11, 0, true), (12, 0, true), (3, 3, false), (3, 13, false),
        ] {
            let play = Play("> S 0:0\n< S. 0:0 ack 1")
            let event = try #require(play.icmp(UInt8(type), UInt8(code), reversed: true))
            #expect(event.side == .responder && event.effect == (ends ? .ends : .soft) && !event.ended)
            #expect(play.connection.endpoint(.responder).state == (ends ? .listen : .synReceived))
            #expect(play.connection.outcome == .halfOpen)
            play.serverISN = 9000
            play.feed("> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n< P. 1:11 ack 1")
            #expect(play.count == 1)
            if ends { #expect(play.connection.statesText == "ESTABLISHED ESTABLISHED") }
        }
        // The error does not end an open connection.
        let play = Play(handshake)
        #expect(play.icmp(3, 1, reversed: true)?.effect != .ends)
    }
}
