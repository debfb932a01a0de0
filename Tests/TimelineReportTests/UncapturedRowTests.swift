// What the text shows if kernel events report segments that were not captured.

import Exchanges
import TCPModel
import TCPTimeline
import Testing
import TimelineReport

@Suite struct UncapturedRowTests {
    /// The text of a trace, in turns: segments, then the kernel's events. The times of events are in milliseconds.
    private func text(
        pid: Int32 = 0, isEnding: Bool = false,
        _ turns: (segments: String, events: [(Double, Side, SocketEvent.Kind)])...
    ) -> [String] {
        let play = Play()
        var join = KernelJoin()
        var out = OutputBuffer()
        var report = TextTimelineReport(style: TextStyle(), order: .stream)
        report.begin(Render.capture(), at: epoch, &out)
        for turn in turns {
            play.observer = { event, timeline in
                if event.isFirst { join.watch(event.connection, timeline) }
                report.segment(event, timeline.connections, &out)
            }
            play.feed(turn.segments)
            play.observer = nil
            let events = turn.events.map { item in
                let (local, remote) =
                    item.1 == .originator ? (play.client, play.server) : (play.server, play.client)
                var event = SocketEvent(
                    time: epoch.advanced(by: Int64(item.0 * 1e6)), kind: item.2,
                    socket: item.1 == .originator ? 0xa : 0xb, local: local, remote: remote,
                    isProcessContext: pid != 0, pid: pid,
                    process: pid == 0 ? nil : ProcessIdentity(pid: pid, command: "lab-client", uid: 0))
                event.isProcessEnding = isEnding
                return event
            }
            var said: [KernelEvent] = []
            join.take(events, now: play.now.advanced(by: Span.second), &play.timeline, &said, tellsAll: true)
            for event in said { report.kernel(event, play.timeline.connections, &out) }
            report.flush(now: play.now.advanced(by: Span.second), play.timeline.connections, join, &out)
        }
        for id in play.timeline.remaining() { report.finish(id, play.timeline.connections, join.view(id), &out) }
        return String(decoding: out.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private let opening: [(Double, Side, SocketEvent.Kind)] = [
        (-0.01, .originator, .transition(from: .closed, to: .synSent)),
        (1.1, .originator, .transition(from: .synSent, to: .established)),
        (1.9, .responder, .transition(from: .listen, to: .synReceived)),
        (1.9, .responder, .transition(from: .synReceived, to: .established)),
    ]
    /// The client closes first.
    private let closing: [(Double, Side, SocketEvent.Kind)] = [
        (100, .originator, .transition(from: .established, to: .finWait1)),
        (100.1, .responder, .transition(from: .established, to: .closeWait)),
        (100.2, .originator, .transition(from: .finWait1, to: .finWait2)),
        (100.4, .responder, .transition(from: .closeWait, to: .lastAck)),
        (100.6, .originator, .transition(from: .finWait2, to: .closed)),
        (100.7, .responder, .transition(from: .lastAck, to: .closed)),
    ]

    /// With `src port`, the server's FIN came in the same turn and looked like the first one.
    @Test func X06_theSecondFinIsDrawnAsTheSecond() throws {
        let lines = text((handshake, opening), ("0.1003 < F. 1:1 ack 2", closing))
        let close = try #require(lines.firstIndex { $0.contains("kernel: server is CLOSE_WAIT, not captured") })
        #expect(lines[close].contains("FIN_WAIT_2* |") && lines[close].hasSuffix("| CLOSE_WAIT*"), "\(lines[close])")
        let fin = try #require(lines.firstIndex { $0.contains("FIN,ACK") })
        #expect(
            fin > close && lines[fin].contains(" TIME_WAIT |") && lines[fin].hasSuffix("| LAST_ACK*"), "\(lines[fin])")
        #expect(lines[fin - 1].hasPrefix("--- teardown (client closes first) ---"))
        #expect(
            lines.contains { $0.hasPrefix("closed* (S3) by client, handshake 2.000ms, last segment after 100.3ms") })
        #expect(!lines.contains { $0.contains("no packet") }, "\(lines)")
    }

    /// Only SYNs were captured: the states of both ends and the outcome come from the kernel; Zeek's label is that of
    /// the capture.
    @Test func X15_synsAlone() {
        let lines = text(("> S 0:0", opening + closing))
        let rows = lines.filter { $0.contains(", not captured") }.map { $0.dropFirst(13).filter { $0 != " " } }
        #expect(
            rows == [
                "ESTABLISHED*|kernel:clientisESTABLISHED,notcaptured|ESTABLISHED*",
                "FIN_WAIT_1*|kernel:serverisCLOSE_WAIT,notcaptured|CLOSE_WAIT*",
                "FIN_WAIT_2*|kernel:clientisFIN_WAIT_2,notcaptured|",
                "TIME_WAIT|kernel:serverisCLOSED,notcaptured|CLOSED*",
            ], "\(lines)")
        #expect(lines.contains { $0.hasPrefix("closed* (S0) by client") }, "\(lines)")
        #expect(!lines.contains { $0.contains("no answer") })
    }

    /// The text before the RST was dropped behind the capture, so the RST's number looks old: the kernel shows that it
    /// was obeyed.
    @Test func E16_aRstThatLookedIgnored() throws {
        let lines = text(
            (handshake + "> P. 1:5 ack 1", opening),
            (
                "0.3 < P. 1:5 ack 1\n> R 1:1",
                [
                    (301.03, .responder, .resetReceived),
                    (301.04, .responder, .transition(from: .established, to: .closed)),
                ]
            ))
        #expect(!lines.contains { $0.contains("(ignored)") || $0.contains("not captured") }, "\(lines)")
        let row = try #require(lines.first { $0.contains("kernel: server is CLOSED by the RST") })
        #expect(row.hasSuffix("| CLOSED*"), "\(row)")
        #expect(lines.contains { $0.hasPrefix("=> reset (") }, "\(lines)")
    }

    /// Everything was captured: the events add nothing.
    @Test func T01_nothingIsMissing() {
        let all = handshake + "0.1 > F. 1:1 ack 1\n0.1001 < . 1:1 ack 2\n0.1003 < F. 1:1 ack 2\n0.1005 > . 2:2 ack 2"
        let lines = text((all, opening + closing))
        #expect(!lines.contains { $0.contains("not captured") || $0.contains("closed*") }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("closed (SF) by client") })
    }

    /// Who gave up has a row at its place in time, above what came later, and is named below.
    @Test(arguments: [false, true]) func H10_whoGaveUp(isEnding: Bool) throws {
        let lines = text(
            pid: 7, isEnding: isEnding,
            ("> S 0:0\n1 > S 0:0", [(-0.01, .originator, .transition(from: .closed, to: .synSent))]),
            (
                "2 > S 0:0",
                [
                    (1500, .originator, .transition(from: .synSent, to: .closed)),
                    (1500.01, .originator, .destroyed),
                ]
            ))
        let row = try #require(lines.firstIndex { $0.contains("kernel: ") && $0.contains("CLOSED* |") }, "\(lines)")
        #expect(
            lines[row].contains("kernel: lab-client[7] \(isEnding ? "ended" : "gave up"): closed in"), "\(lines)")
        #expect(lines[row + 1].contains(" SYN_SENT ") && lines[row + 2].contains("SYN seq 0"), "\(lines)")
        #expect(
            lines.contains {
                $0.hasPrefix(
                    "=> no answer (S0): 3 SYNs, then lab-client[7] \(isEnding ? "ended" : "gave up") after 1.50s;")
            }, "\(lines)")
    }

    /// connect() failed with the error: the program did not lose patience.
    @Test func H4_whoClosedAfterAnICMPError() throws {
        let lines = text(
            pid: 7, ("> S 0:0", [(-0.01, .originator, .transition(from: .closed, to: .synSent))]),
            (
                "",
                [
                    (0.04, .originator, .socketError(errno: 0)),
                    (5.5, .originator, .transition(from: .synSent, to: .closed)),
                    (5.51, .originator, .destroyed),
                ]
            ))
        let row = try #require(lines.first { $0.contains("kernel: lab-client") }, "\(lines)")
        #expect(row.contains("kernel: lab-client[7] closed after ICMP "), "\(row)")
        #expect(
            lines.contains {
                $0.hasPrefix("=> no answer (S0): 1 SYN, then lab-client[7] closed after ICMP error (5.500ms)")
            }, "\(lines)")
    }

    /// The server's kernel has the SYN, and its answer was not captured: that contradicts nothing.
    @Test func H2_theServerHasTheSyn() throws {
        let lines = ladder(
            "> S 0:0", width: 120, scene: KernelScene(client: .synSent, server: .synReceived, isSteady: true))
        let row = try #require(lines.first { $0.contains("kernel: server is SYN_RECEIVED, SYN-ACK not captured") })
        #expect(row.hasSuffix("| SYN_RECEIVED*"), "\(row)")
        #expect(!lines.contains { $0.contains("!") }, "\(lines)")
    }

    // MARK: Without the kernel's word

    /// The closing line of the first connection.
    private func closing(_ segments: String) -> String {
        text((segments, [])).first { $0.hasPrefix("=>") || $0.contains(" packets") } ?? ""
    }

    /// A capture that has only SYNs neither says that there was no answer, nor that there was one.
    @Test func X15_noAnswerInThisCapture() {
        #expect(
            closing("> S 0:0").hasPrefix(
                "=> no answer in this capture (S0): 1 SYN; it has no answer to any SYN, as by a filter,")
        )
        // A client that retries has had no answer.
        #expect(
            closing("> S 0:0\n1 > S 0:0").hasPrefix(
                "=> no answer (S0): 2 SYNs; filtered, host down, or accept queue full"))
        #expect(closing("> S 0:0\n< R. 0:0 ack 1").hasPrefix("=> refused (REJ)"))
    }

    /// If answers to other connections were captured, this one had none. If a client continues, it was answered, so the
    /// capture lacks answers.
    @Test(arguments: ["< S. 0:0 ack 1", "< . 1:1 ack 1", "> . 1:1 ack 1", "> P. 1:9 ack 1"])
    func X15_othersWereAnswered(_ answer: String) throws {
        let play = Play()
        let render = Render(play)
        let other = play.client
        play.client.port += 1
        play.feed("> S 0:0\n" + answer)
        play.client = other
        let lines = render.run("> S 0:0", TextTimelineReport(style: TextStyle(), order: .blocks))
        #expect(
            lines.contains("=> no answer (S0): 1 SYN; filtered, host down, accept queue full")
                == answer.hasPrefix("<"), "\(lines)")
        #expect(lines.contains("=> no answer in this capture (S0): 1 SYN") == answer.hasPrefix(">"), "\(lines)")
    }

    /// Only SYNs, FINs and RSTs were captured, so the duration of the handshake and the round trips are unknown.
    @Test func X15_timesThatWereNotCaptured() {
        let lines = text(
            ("> S 0:0\n0.02 < S. 0:0 ack 1\n1 < F. 501:501 ack 101\n2 > F. 101:101 ack 502", []))
        #expect(
            lines.contains { $0.hasPrefix("closed (SF) by server, SYN-ACK after 20.00ms, lasted 2.00s") }, "\(lines)")
        #expect(!lines.contains { $0.contains("RTT") || $0.contains("handshake 2") || $0.contains(", handshake") })
        #expect(text((handshake, [])).contains { $0.contains(", handshake 2.000ms") })
    }

    /// Octets known only from an ACK, or from octets after them, are counted by sequence numbers, as in Zeek
    /// (orig_bytes, missed_bytes); the line says how many were captured.
    @Test func X07_octetsThatWereNotCaptured() {
        func closing(_ segments: String) -> String {
            let play = Play(keepsStatistics: true)
            let lines = Render(play).run(segments, TextTimelineReport(style: TextStyle(), order: .blocks))
            return lines.split(separator: "\n").filter { $0.contains(" B") && !$0.contains("|") }.joined(separator: " ")
        }
        #expect(closing(handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11").contains("10 B > 0 B <,"))
        // A hole is covered by the ACK of the text after it, or known only from its own ACK.
        let behind = handshake + "> P. 401:411 ack 1\n< . 1:1 ack 411"
        #expect(closing(behind).contains("410 B (10 captured) > 0 B <,"), "\(closing(behind))")
        let alone = handshake + "< . 1:1 ack 401\n> P. 401:411 ack 1\n< . 1:1 ack 411"
        #expect(closing(alone).contains("410 B (10 captured) > 0 B <,"), "\(closing(alone))")
        for text in [behind, alone] { #expect(Play(text).connection.missedBytes == 400) }
        // The text comes after its ACK.
        let late = handshake + "< . 1:1 ack 401\n> P. 1:401 ack 1"
        #expect(closing(late).contains("400 B > 0 B <,"), "\(closing(late))")
        // Only one side was captured.
        #expect(
            closing("> S 0:0\n> . 1:1 ack 1\n> P. 1:11 ack 1\n> . 11:11 ack 501").contains(
                "10 B > 500 B (0 captured) <,"))
    }
}
