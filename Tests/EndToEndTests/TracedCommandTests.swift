// `-- COMMAND`: only its connections, its streams and exit code untouched. Root only.

import Foundation
import Testing

/// Connects once, holds the connection for a while, prints its port, exits with 7.
private let client = """
    import socket, sys, time
    c = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
    c.sendall(b'x'); c.recv(10); time.sleep(0.3)
    print('from', c.getsockname()[1], flush=True)
    c.close()
    sys.exit(7)
    """

@Suite(.serialized, .enabled(if: isRoot, "live traces need root")) struct TracedCommandTests {
    private func port(_ program: Program) throws -> Int {
        try program.say("\n")
        return try #require(Int(program.output.split(separator: " ").last?.dropLast() ?? ""))
    }

    /// The records in an output that also has the command's own lines.
    private func records(_ outcome: Outcome, _ path: String) throws -> [[String: Any]] {
        try outcome.text.split(separator: "\n").filter { $0.hasPrefix("{") }.compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }.filter { $0["_path"] as? String == path }
    }

    @Test func onlyItsConnectionsAndItsExitCode() throws {
        let peer = try python(Scripts.echoServer)
        let port = try port(peer)
        let others =
            "for i in range(6): c = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); c.sendall(b'y'); c.recv(9); time.sleep(0.1); c.close()"
        // Another process connects meanwhile, and the command's connection is made by its child.
        let stranger = try python("import socket, sys, time\ntime.sleep(1)\n\(others)", "\(port)")
        let outcome = try Program(
            Program.tcptrace,
            [
                "-i", "lo", "-T", "json", "tcp port \(port)", "--", "sh", "-c", "sleep 1; python3 -c \"$0\" \"$1\"",
                client, "\(port)",
            ]
        ).end()
        _ = try stranger.end()
        #expect(outcome.code == 7, "\(outcome.errors)")
        let own = outcome.lines.first { $0.hasPrefix("from ") }?.dropFirst(5)
        let shown = try records(outcome, "conn")
        #expect(shown.count == 1 && shown.first?["id.orig_p"] as? Int == own.flatMap { Int($0) }, "\(outcome.text)")
        #expect(shown.first?["outcome"] as? String == "closed")
        #expect(
            outcome.errors.contains(" connections traced, 1 of them the command's and shown\n"), "\(outcome.errors)")
        let states = try records(outcome, "state")
        #expect(!states.isEmpty && states.allSatisfy { $0["uid"] as? String == shown.first?["uid"] as? String })
        peer.signal(SIGKILL)
    }

    /// A script's processes are gone before /proc could show whose children they were.
    @Test(arguments: [1, 4]) func noConnectionOfAShortLivedDescendantIsLeftOut(atATime: Int) throws {
        let call = "exec 3<>/dev/tcp/127.0.0.1/1"
        let outcome = try tcptrace(
            "-i", "lo", "-q", "--no-header", "--fail-on", "refused", "tcp port 1", "--", "sh", "-c",
            "seq 40 | xargs -P\(atATime) -I{} bash -c '\(call)' 2>/dev/null; true")
        #expect(outcome.lines.count { $0.contains(" refused ") } == 40, "\(outcome.text)\(outcome.errors)")
        #expect(outcome.code == 3 && !outcome.errors.contains("not shown"), "\(outcome.errors)")
    }

    @Test func howTheCommandEnds() throws {
        #expect(try tcptrace("-i", "lo", "-q", "--", "true").code == 0)
        #expect(try tcptrace("-i", "lo", "-q", "--", "sh", "-c", "kill -TERM $$").code == 128 + SIGTERM)
        let missing = try tcptrace("-i", "lo", "--", "no-such-command")
        #expect(missing.code == 127 && missing.errors.contains("no-such-command: there is no such command"))
        let directory = try tcptrace("-i", "lo", "--", "/tmp")
        #expect(directory.code == 126 && directory.errors.contains("/tmp: Permission denied"))
        #expect(try tcptrace("-i", "lo", "--").code == 64)
        #expect(try tcptrace("-r", "x.pcap", "--", "true").code == 64)
        #expect(try tcptrace("-i", "lo", "--no-process", "--", "true").code == 64)
    }

    /// The command's descendants become the tracer's children, and are reaped a few at a time.
    @Test func hundredsThatEndWithItHideNoExitCode() throws {
        let command = """
            import os, signal, sys
            start = os.pipe()
            for _ in range(700):
                if os.fork() == 0:
                    os.close(start[1]); os.read(start[0], 1); os._exit(0)
            sys.exit(7)
            """
        let outcome = try tcptrace("-i", "lo", "-q", "tcp port 1", "--", "python3", "-c", command)
        #expect(outcome.code == 7 && !outcome.errors.contains("still runs"), "\(outcome.errors)")
    }

    @Test func itsStreamsAndPowersAreItsOwn() throws {
        let scratch = try Scratch()
        let input = try scratch.write(Array("from input\n".utf8), as: "input")
        let show =
            "cat; echo to errors >&2; grep -E 'CapEff|NoNewPrivs|^Uid|SigBlk' /proc/self/status; ls -l /proc/self/fd | grep -c socket"
        let root = try tcptrace("-i", "lo", "-q", "--no-header", "--", "sh", "-c", show, input: input)
        let own = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let full = try #require(own.split(separator: "\n").first { $0.hasPrefix("CapEff") })
        #expect(root.lines.contains("from input") && root.errors.contains("to errors"))
        #expect(root.lines.contains(String(full)) && root.lines.contains("SigBlk:\t0000000000000000"), "\(root.text)")
        // The command inherits no socket of the tracer's: it has as many sockets as without the tracer.
        let alone = try Program("/bin/sh", ["-c", show], input: input).end()
        #expect(root.lines.dropLast().last == alone.lines.dropLast().last, "\(root.text)\(alone.text)")
        let nobody = try tcptrace("-i", "lo", "-q", "-Z", "nobody", "--", "sh", "-c", show, input: input)
        #expect(nobody.lines.contains("Uid:\t65534\t65534\t65534\t65534"))
        #expect(nobody.lines.contains("CapEff:\t0000000000000000"))
    }

    /// The processor time that a process has used, in seconds, and the number of its zombie children.
    private func use(of pid: Int32) throws -> (seconds: Double, zombies: Int) {
        func fields(_ pid: String) -> [Substring] {
            let text = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
            return text.split(separator: ")").last?.split(separator: " ") ?? []
        }
        let own = fields("\(pid)")
        let ticks = try #require(
            own.count > 12 ? Double(own[11]).flatMap { user in Double(own[12]).map { user + $0 } } : nil)
        let zombies = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.map(fields)
            .count { $0.count > 1 && $0[0] == "Z" && $0[1] == "\(pid)" }
        return (ticks / Double(sysconf(Int32(_SC_CLK_TCK))), zombies)
    }

    @Test func itSleepsWhileWhatTheCommandLeftBehindIsConnected() throws {
        let peer = try python(Scripts.echoServer)
        let port = try port(peer)
        // The command exits with 3; its child still holds a connection during the measurement.
        let trace = try Program(
            Program.tcptrace,
            [
                "-i", "lo", "-q", "tcp port \(port)", "--", "python3", "-c",
                """
                import os, socket, sys, time
                c = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
                if os.fork() == 0: time.sleep(8); os._exit(0)
                time.sleep(0.6); print('ends', flush=True); os._exit(3)
                """, "\(port)",
            ])
        try trace.say("ends\n")
        usleep(500_000)
        let before = try use(of: trace.pid).seconds
        usleep(2_000_000)
        let after = try use(of: trace.pid).seconds
        #expect(after - before < 0.7, "\(after - before) s of 2 s")
        let outcome = try trace.end()
        #expect(outcome.code == 3 && outcome.errors.contains("1 connection traced"), "\(outcome.errors)")
        peer.signal(SIGKILL)
    }

    @Test func nobodyStaysAZombie() throws {
        // Twenty orphaned grandchildren end one after another while the command continues.
        let trace = try Program(
            Program.tcptrace,
            [
                "-i", "lo", "-q", "tcp port 1", "--", "sh", "-c",
                "for i in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.1 & sleep 0.1 &) ; done; sleep 0.7; echo over; sleep 1.3; exit 5",
            ])
        try trace.say("over\n")
        // Checked repeatedly, as one may just be ending.
        #expect(wait(1) { (try? use(of: trace.pid).zombies) == 0 })
        let outcome = try trace.end()
        #expect(outcome.code == 5, "\(outcome.errors)")
    }

    /// Each processor takes several descriptors: on a large machine the usual limit is too low for a trace, but the
    /// command must keep it.
    @Test func aLowLimitOfDescriptorsIsRaisedForTheTraceAlone() throws {
        let outcome = try shell("ulimit -Sn 24; exec $T -i lo -q -v port 1 -- sh -c 'ulimit -Sn'")
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.lines.contains("24"), "\(outcome.text)")
        #expect(!outcome.errors.contains("not available"), "\(outcome.errors)")
        #expect(outcome.errors.contains("kernel events read"), "\(outcome.errors)")
    }
}
