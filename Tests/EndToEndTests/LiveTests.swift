// Live traces on lo: the owners of sockets, the kernel's view, and when to stop. Root only.

import Foundation
import Testing

/// A server that accepts one connection after another, echoes, and closes after the client; its process has a name of
/// its own.
private let server = """
    import socket, sys
    open('/proc/self/comm', 'w').write('peer-server')
    s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(64)
    print('port', s.getsockname()[1], flush=True)
    while True:
        c, _ = s.accept()
        while True:
            b = c.recv(4096)
            if not b: break
            c.sendall(b)
        c.close()
    """

/// Connects `count` times: sends `hello`, reads the echo, waits, closes. Prints its ports.
private let client = """
    import socket, sys, time
    open('/proc/self/comm', 'w').write('peer-client')
    port, count, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    for _ in range(count):
        c = socket.socket(); c.bind(('127.0.0.1', 0)); c.connect(('127.0.0.1', port))
        print('from', c.getsockname()[1], flush=True)
        c.sendall(b'hello')
        c.recv(100)
        time.sleep(pause)
        c.shutdown(socket.SHUT_WR)
        c.recv(100)
        c.close()
        time.sleep(pause)
    """

private func port(_ program: Program) throws -> Int {
    try program.say("port ")
    try #require(wait(5) { program.output.contains("\n") })
    let line = program.output.split(separator: "\n").first ?? ""
    return try #require(line.split(separator: " ").last.flatMap { Int($0) })
}

private func ports(_ outcome: Outcome) -> [Int] {
    outcome.lines.filter { $0.hasPrefix("from ") }.compactMap { Int($0.dropFirst(5)) }
}

@Suite(.serialized, .enabled(if: isRoot, "live traces need root")) struct LiveTests {
    @Test func handshakeDataAndFinWithBothProcesses() throws {
        let peer = try python(server)
        let port = try port(peer)
        let trace = try trace(port: port, "-T", "json", "--connections", "1")
        let caller = try python(client, "\(port)", "1", "0.3")
        let own = try ports(caller.end())
        let outcome = try trace.end()
        #expect(outcome.code == 0)
        let conn = try #require(try records(outcome, "conn").first)
        #expect(conn["id.orig_p"] as? Int == own.first && conn["id.resp_p"] as? Int == port)
        #expect(conn["outcome"] as? String == "closed" && conn["conn_state"] as? String == "SF")
        #expect(conn["orig_bytes"] as? Int == 5 && conn["resp_bytes"] as? Int == 5)
        #expect(conn["completeness"] as? Int == 31)
        #expect(conn["closed_by"] as? String == "orig")
        let from = conn["orig_process"] as? [String: Any]
        let to = conn["resp_process"] as? [String: Any]
        #expect(from?["comm"] as? String == "peer-client" && from?["pid"] as? Int == Int(caller.pid))
        #expect(to?["comm"] as? String == "peer-server" && to?["pid"] as? Int == Int(peer.pid))
        let kernel = try records(outcome, "kernel")
        #expect(kernel.contains { $0["to"] as? String == "established" && $0["endpoint"] as? String == "orig" })
        #expect(!kernel.contains { $0["event"] as? String == "mismatch" })
        #expect(outcome.errors.contains("packets captured") && outcome.errors.contains("1 connection traced"))
    }

    @Test func noMoreConnectionsAreKeptThanAllowed() throws {
        let peer = try python(
            """
            import socket
            s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(64)
            print('port', s.getsockname()[1], flush=True)
            held = []
            while True: held.append(s.accept()[0])
            """)
        let port = try port(peer)
        let trace = try trace(port: port, "-T", "json", "--max-connections", "8", "--duration", "4")
        let caller = try python(
            """
            import socket, sys, time
            held = []
            for _ in range(20):
                held.append(socket.create_connection(('127.0.0.1', int(sys.argv[1]))))
                time.sleep(0.02)
            print('done', flush=True)
            time.sleep(30)
            """, "\(port)")
        try caller.say("done")
        let outcome = try trace.end()
        #expect(outcome.code == 0)
        // Each connection is reported once: those given up in the state they had, the others at the end.
        let rows = try records(outcome, "conn")
        #expect(rows.count == 20, "\(rows.count)")
        #expect(Set(rows.compactMap { $0["id.orig_p"] as? Int }).count == 20)
        #expect(rows.allSatisfy { $0["outcome"] as? String == "open" })
        #expect(
            outcome.errors.contains("12 connections were given up before the end: more than 8 at a time"),
            "\(outcome.errors)")
    }

    @Test func theTextTimelineSaysTheSame() throws {
        let peer = try python(server)
        let port = try port(peer)
        let trace = try trace(port: port, "--connections", "1")
        let own = try ports(python(client, "\(port)", "1", "0.3").end())
        let outcome = try trace.end()
        let lines = outcome.lines
        #expect(lines[0].hasPrefix("TCP 1  127.0.0.1:\(own.first ?? 0) > 127.0.0.1:\(port)   lo   "))
        #expect(lines[2].contains("peer-client[") && lines[2].contains("peer-server[\(peer.pid)]"))
        #expect(lines.contains { $0.contains("CLOSED |") && $0.hasSuffix("| LISTEN*") })
        #expect(lines.contains { $0.contains("TIME_WAIT") })
        #expect(lines.contains { $0.contains("ESTABLISHED* |") })
        #expect(lines.contains { $0.hasPrefix("closed (SF) by client") })
        #expect(lines.contains("* = confirmed by the kernel"))
        #expect(lines.allSatisfy { $0.count <= 100 })
    }

    @Test func fiveHundredConnectionsAndNoneMixedUp() throws {
        let peer = try python(server)
        let port = try port(peer)
        let trace = try trace(port: port, "-T", "json", "--connections", "500")
        let own = try ports(python(client, "\(port)", "500", "0").end())
        let outcome = try trace.end()
        let all = try records(outcome, "conn")
        #expect(own.count == 500)
        #expect(all.count == 500, "\(outcome.errors)")
        #expect(all.map { $0["id.orig_p"] as? Int } == own)
        #expect(all.allSatisfy { $0["id.resp_p"] as? Int == port && $0["id.orig_p"] as? Int != port })
        let odd = all.filter { $0["outcome"] as? String != "closed" || $0["conn_state"] as? String != "SF" }
        #expect(odd.isEmpty, "\(odd.first ?? [:])")
        #expect(all.allSatisfy { $0["orig_bytes"] as? Int == 5 && $0["resp_bytes"] as? Int == 5 })
        let names = all.compactMap { ($0["orig_process"] as? [String: Any])?["comm"] as? String }
        #expect(names.allSatisfy { $0 == "peer-client" })
        let servers = all.compactMap { ($0["resp_process"] as? [String: Any])?["comm"] as? String }
        #expect(servers.allSatisfy { $0 == "peer-server" })
        #expect(Set(all.compactMap { $0["uid"] as? String }).count == 500)
        #expect(outcome.errors.contains("0 packets dropped by kernel"))
    }

    /// The lines without those that only the kernel can supply: marks, and states that only gained a mark.
    private static func rows(_ text: String) -> [String] {
        text.split(separator: "\n").map(String.init).filter {
            !$0.contains("(kernel") && !$0.contains("kernel:") && !$0.contains("peer-") && !$0.hasPrefix("* = ")
        }
    }

    @Test func liveAndReplayAreTheSameLineForLine() throws {
        let scratch = try Scratch()
        let peer = try python(server)
        let port = try port(peer)
        let file = scratch.file("live.pcapng")
        let trace = try trace(port: port, "-w", file, "--connections", "3")
        _ = try python(client, "\(port)", "3", "0.4").end()
        let live = Self.rows(try trace.end().text)
        let replay = Self.rows(try tcptrace("--no-kernel", "-r", file).text)
        #expect(live.count == replay.count, "\(live.joined(separator: "\n"))\n\(replay.joined(separator: "\n"))")
        for (one, other) in zip(live, replay) {
            let isRow = one.contains(" |")
            // Outside the bars a state may carry a mark, or be repeated because it gained one.
            func lane(_ line: String) -> Substring {
                guard isRow, let start = line.firstIndex(of: "|"), let end = line.lastIndex(of: "|") else {
                    return line[...]
                }
                return line[start...end]
            }
            #expect(lane(one) == lane(other))
            guard isRow else { continue }
            func states(_ line: String) -> [String] {
                line.replacing(lane(line), with: " ").split(separator: " ").map(String.init).filter {
                    $0.first?.isLetter == true
                }
            }
            let marked = states(one).map { $0.trimmingCharacters(in: ["*", "!"]) }
            #expect(states(other).allSatisfy { marked.contains($0) || $0 == "LISTEN" }, "\(one)\n\(other)")
            let extra = states(one).filter { !states(other).contains($0.trimmingCharacters(in: ["*", "!"])) }
            #expect(extra.allSatisfy { $0.hasSuffix("*") || $0.hasSuffix("!") }, "\(one)\n\(other)")
        }
        if Tshark.isInstalled { try Tshark.compare(file) }
    }

    @Test func interruptShowsWhatIsOpenAndUserSignalCounts() throws {
        let peer = try python(server)
        let port = try port(peer)
        let trace = try trace(port: port)
        let caller = try python(
            "import socket, sys, time\nc = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\nc.sendall(b'x')\nprint('open', flush=True)\ntime.sleep(60)",
            "\(port)")
        try caller.say("open")
        try trace.say("ESTABLISHED")
        trace.signal(SIGUSR1)
        try trace.say("packets received by filter")
        #expect(
            trace.errors.split(separator: "\n").contains {
                $0.contains(" captured, ") && $0.contains("1 connection traced")
            })
        trace.signal(SIGINT)
        let outcome = try trace.end()
        #expect(outcome.code == 0)
        #expect(outcome.lines.contains { $0.hasPrefix("open (S1): client ESTABLISHED, server ESTABLISHED") })
        caller.signal(SIGKILL)
    }

    @Test func limitsEndTheTrace() throws {
        let peer = try python(server)
        let port = try port(peer)
        let packets = try trace(port: port, "-c", "3", "-T", "json")
        _ = try python(client, "\(port)", "1", "0").end()
        let three = try packets.end()
        #expect(three.code == 0 && three.errors.contains("3 packets captured"))
        #expect(try records(three, "capture").last?["captured"] as? Int == 3)
        let start = Date()
        let timed = try tcptrace("-i", "lo", "--duration", "0.5", "-q", "tcp port \(port)")
        #expect(timed.code == 0 && Date().timeIntervalSince(start) < 5)
        #expect(timed.text.hasPrefix("  # CLIENT"))
    }

    /// A connection whose ports are reused is reported early, and counts like any other.
    @Test func T24_connectionsOfTheSamePortsCountToo() throws {
        let peer = try python(
            """
            import socket
            s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(64)
            print('port', s.getsockname()[1], flush=True)
            while True: s.accept()[0].close()
            """)
        let port = try port(peer)
        let trace = try trace(port: port, "-T", "json", "--connections", "2")
        let caller = try python(
            """
            import socket, struct, sys, time
            port = 0
            for _ in range(2):
                c = socket.socket()
                c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                c.bind(('127.0.0.1', port))
                port = c.getsockname()[1]
                c.connect(('127.0.0.1', int(sys.argv[1])))
                c.close()
                time.sleep(0.02)
            """, "\(port)")
        #expect(try caller.end().code == 0)
        let outcome = try trace.end()
        #expect(outcome.code == 0)
        let rows = try records(outcome, "conn")
        #expect(rows.map { $0["outcome"] as? String } == ["reset", "reset"])
        #expect(Set(rows.map { $0["id.orig_p"] as? Int }).count == 1)
    }

    /// The kernel closes the sockets of a process that exits as it does for close(): only the events distinguish the
    /// two.
    @Test(arguments: [true, false]) func T15_whoEndedInsteadOfClosingIsSaid(ends: Bool) throws {
        let port = try freePort()
        let trace = try trace(port: port, "-T", "json")
        let text = try Program(Program.tcptrace, ["-i", "lo", "tcp port \(port)"])
        try text.say("listening on lo")
        let programs = try python(
            """
            import os, signal, socket, sys, time
            s = socket.socket(); s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen(5)
            child = os.fork()
            if child == 0:
                c, _ = s.accept()
                c.recv(5)
                if sys.argv[2] == 'false': c.close()
                time.sleep(60)
            c = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
            c.sendall(b'hello')
            time.sleep(0.3)
            if sys.argv[2] == 'true': os.kill(child, signal.SIGKILL)
            c.recv(1)
            c.close()
            time.sleep(0.5)
            os.kill(child, signal.SIGKILL)
            """, "\(port)", "\(ends)")
        #expect(try programs.end().code == 0)
        for program in [trace, text] { program.signal(SIGINT) }
        let row = try #require(try records(trace.end(), "conn").first)
        #expect((row["resp_process"] as? [String: Any])?["closed_by_exit"] as? Bool == (ends ? true : nil))
        #expect((row["orig_process"] as? [String: Any])?["closed_by_exit"] == nil)
        let closing = try text.end().lines.first { $0.hasPrefix("closed (SF) by server") } ?? ""
        // The block's head names the parent, which holds the listener: the child that accepted is named where it ended.
        #expect(closing.contains(/, whose process python3?\S*\[\d+\] ended,/) == ends, "\(closing)")
    }

    /// `CLOSER` precedes `PROCESS`, so `server was python3[7511]` would read as one sentence. The timeline says that
    /// the process had gone.
    @Test func theTableDoesNotSayWas() throws {
        let scratch = try Scratch()
        let server = try python(Scripts.echoServer)
        try server.say("port ")
        let port = try #require(Int(server.output.filter(\.isNumber)))
        let trace = try trace(port: port, "-q", "--connections", "1", "--width", "120", "-w", scratch.file("a.pcapng"))
        let client = try python(Scripts.briefClient, "\(port)")
        let pid = client.pid
        #expect(try client.end().code == 0)
        let live = try trace.end()
        #expect(live.text.contains(" client python3[\(pid)] > python3[\(server.pid)]\n"), "\(live.text)")
        let text = try tcptrace("-r", scratch.file("a.pcapng"))
        #expect(text.text.contains("was python3[\(pid)]"), "\(text.text)")
        for width in ["120", "60"] {
            let table = try tcptrace("-q", "-r", scratch.file("a.pcapng"), "--width", width)
            #expect(table.text.contains(" client python3[\(pid)]"), "\(table.text)")
        }
    }

    @Test func H21_theTableNamesAFullQueue() throws {
        let port = try freePort()
        let trace = try trace(port: port, "-q")
        let programs = try python(
            """
            import socket, sys, time
            s = socket.socket(); s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen(0)
            held = [socket.create_connection(s.getsockname())]
            held.append(socket.socket())
            held[1].setblocking(False)
            held[1].connect_ex(s.getsockname())
            print('waiting', flush=True)
            time.sleep(60)
            """, "\(port)")
        try programs.say("waiting")
        // After 2 s the unanswered SYN has waited long enough to be reported.
        sleep(2)
        trace.signal(SIGINT)
        let rows = try trace.end().lines.filter { $0.contains("no answer S0") }
        #expect(rows.count == 1 && rows[0].hasSuffix(" listens accept queue full"), "\(rows)")
        programs.signal(SIGKILL)
    }

    @Test func H23_notAcceptedIsSaid() throws {
        let peer = try python(
            "import socket, time\ns = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(5)\nprint('port', s.getsockname()[1], flush=True)\ntime.sleep(60)"
        )
        let port = try port(peer)
        let trace = try trace(port: port)
        let caller = try python(
            "import socket, sys, time\nc = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\nc.sendall(b'x')\ntime.sleep(60)",
            "\(port)")
        try trace.say("not accepted")
        trace.signal(SIGINT)
        let outcome = try trace.end()
        #expect(outcome.lines.contains { $0.contains("kernel: not accepted, no process owns it") })
        #expect(outcome.lines.contains { $0.contains("listens") && $0.contains("[\(peer.pid)]") }, "\(outcome.text)")
        caller.signal(SIGKILL)
    }

    /// After shutdown() the client still reads; after close() no process does.
    @Test(arguments: [
        ("shutdown(socket.SHUT_WR)", "half-closed: server may still send"),
        ("close()", "half-closed: client's socket has no owner"),
    ]) func T11_halfClosedStatesAreConfirmed(call: String, note: String) throws {
        let peer = try python(
            "import socket, time\ns = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(5)\nprint('port', s.getsockname()[1], flush=True)\nc, _ = s.accept()\ntime.sleep(60)"
        )
        let port = try port(peer)
        let trace = try trace(port: port)
        let caller = try python(
            "import socket, sys, time\nc = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\nc.sendall(b'x')\ntime.sleep(0.3)\nc.\(call)\ntime.sleep(60)",
            "\(port)")
        try trace.say("FIN_WAIT_2")
        usleep(500_000)
        trace.signal(SIGINT)
        let outcome = try trace.end()
        #expect(outcome.lines.contains { $0.contains(note) }, "\(outcome.text)")
        #expect(outcome.lines.contains { $0.hasPrefix("half-closed (S2): client FIN_WAIT_2, server CLOSE_WAIT") })
        #expect(!outcome.lines.contains { $0.contains("kernel says") && !$0.hasPrefix("* = ") })
        caller.signal(SIGKILL)
    }

    @Test func H3_refusedByTheKernel() throws {
        let port = try freePort()
        let trace = try trace(port: port, "--connections", "1")
        _ = try python(
            "import socket, sys\nprint(socket.socket().connect_ex(('127.0.0.1', int(sys.argv[1]))))", "\(port)"
        ).end()
        let outcome = try trace.end()
        #expect(outcome.lines.contains { $0.hasPrefix("=> refused (REJ)  connect() = ECONNREFUSED") })
        #expect(outcome.lines.contains { $0.hasSuffix("| (no socket)*") }, "\(outcome.text)")
    }

    @Test func loopbackSix() throws {
        let peer = try python(
            "import socket\ns = socket.socket(socket.AF_INET6); s.bind(('::1', 0)); s.listen(5)\nprint('port', s.getsockname()[1], flush=True)\nc, _ = s.accept()\nc.recv(10)\nc.close()"
        )
        let port = try port(peer)
        let trace = try trace(port: port, "-T", "json", "--connections", "1")
        _ = try python(
            "import socket, sys, time\nc = socket.create_connection(('::1', int(sys.argv[1])))\ntime.sleep(0.2)\nc.close()",
            "\(port)"
        ).end()
        let conn = try #require(try records(trace.end(), "conn").first)
        #expect(conn["id.orig_h"] as? String == "::1" && conn["outcome"] as? String == "closed")
        #expect((conn["resp_process"] as? [String: Any])?["pid"] as? Int == Int(peer.pid))
    }
}

private let canMakePairs: Bool = {
    guard isRoot else { return false }
    return (try? shell("unshare -n ip link add w1 type veth peer name w2").code) == 0
}()

@Suite(.enabled(if: canMakePairs, "needs root, unshare, ip and veth pairs")) struct GoneInterfaceTests {
    /// The results so far are shown, but the end was not requested.
    @Test func theLastInterfaceThatGoesAwayIsAnError() throws {
        let outcome = try shell(
            """
            exec unshare -n bash -c 'ip link add w1 type veth peer name w2; ip link set w1 up; ip link set w2 up
            "$0" -q --no-kernel -i w1 & pid=$!
            sleep 1; ip link del w1; wait $pid' $T
            """)
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("w1: The interface disappeared"), "\(outcome.errors)")
        #expect(outcome.errors.contains("0 connections traced"), "\(outcome.errors)")
    }

    /// The ends of a pair disappear together while the tracer is stopped, so that it finds both gone at the same check.
    @Test func eachInterfaceThatGoesAwayIsTold() throws {
        let outcome = try shell(
            """
            exec unshare -n bash -c 'ip link add w1 type veth peer name w2
            for name in lo w1 w2; do ip link set $name up; done
            "$0" -q --no-kernel -i lo -i w1 -i w2 & pid=$!
            sleep 1; kill -STOP $pid; ip link del w1; sleep 0.2; kill -CONT $pid
            sleep 1; kill -INT $pid; wait $pid' $T
            """)
        #expect(outcome.code == 0)
        let told = outcome.errors.split(separator: "\n").filter { !$0.contains("listening on") }
        for name in ["w1", "w2"] { #expect(told.contains { $0.contains(name) }, "\(outcome.errors)") }
    }
}
