// `-- COMMAND`: only its connections, its streams and exit code untouched. Root only.

import Foundation
import Testing

/// Echoes to whoever comes, again and again; prints its port.
private let server = """
    import socket
    s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(5)
    print('port', s.getsockname()[1], flush=True)
    while True:
        c, _ = s.accept()
        c.sendall(c.recv(10))
        c.recv(10)
        c.close()
    """

/// Connects once, holds the connection for a while, prints its port, ends with 7.
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

    /// The records among what the command itself said.
    private func records(_ outcome: Outcome, _ path: String) throws -> [[String: Any]] {
        try outcome.text.split(separator: "\n").filter { $0.hasPrefix("{") }.compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }.filter { $0["_path"] as? String == path }
    }

    @Test func onlyItsConnectionsAndItsExitCode() throws {
        let peer = try python(server)
        let port = try port(peer)
        let others =
            "for i in range(6): c = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); c.sendall(b'y'); c.recv(9); time.sleep(0.1); c.close()"
        // Somebody else connects all the while, and the command's connection is its child's.
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
        let states = try records(outcome, "state")
        #expect(!states.isEmpty && states.allSatisfy { $0["uid"] as? String == shown.first?["uid"] as? String })
        peer.signal(SIGKILL)
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
        // No socket of the tracer's is handed down: as many as without it.
        let alone = try Program("/bin/sh", ["-c", show], input: input).end()
        #expect(root.lines.dropLast().last == alone.lines.dropLast().last, "\(root.text)\(alone.text)")
        let nobody = try tcptrace("-i", "lo", "-q", "-Z", "nobody", "--", "sh", "-c", show, input: input)
        #expect(nobody.lines.contains("Uid:\t65534\t65534\t65534\t65534"))
        #expect(nobody.lines.contains("CapEff:\t0000000000000000"))
    }
}
