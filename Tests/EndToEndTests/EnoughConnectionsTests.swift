// `--connections`: no more than the requested number; and a trace that is over before its first turn. Root only.

import Foundation
import Testing

@Suite(.serialized, .enabled(if: isRoot, "live traces need root")) struct EnoughConnectionsTests {
    /// The connections follow each other faster than an ended connection is reported.
    @Test func noMoreAreShown() throws {
        let peer = try python(Scripts.echoServer)
        try peer.say("\n")
        let port = try #require(Int(peer.output.split(separator: " ").last?.dropLast() ?? ""))
        let scratch = try Scratch()
        let file = scratch.file("x.pcapng")
        let trace = try Program(
            Program.tcptrace,
            ["-i", "lo", "-q", "--no-header", "--connections", "2", "-w", file, "tcp port \(port)"])
        try trace.say("listening on")
        let calls = try python(
            """
            import socket, sys, time
            for i in range(6):
                c = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); c.sendall(b'x'); c.recv(9); c.close()
                time.sleep(0.02)
            """, "\(port)")
        _ = try calls.end()
        let outcome = try trace.end()
        peer.signal(SIGKILL)
        #expect(outcome.code == 0 && outcome.errors.contains("2 connections traced"), "\(outcome.errors)")
        #expect(outcome.lines.count { $0.contains(" > ") } == 2, "\(outcome.text)")
        #expect(!outcome.errors.contains("nothing of it was captured"), "\(outcome.errors)")
        // The file has no more either.
        let replay = try tcptrace("-r", file, "-q", "--no-header")
        #expect(replay.lines.count { $0.contains(" > ") } == 2, "\(replay.text)")
    }

    @Test func warningsOfATraceWithoutATurnAreSaid() throws {
        let scratch = try Scratch()
        let outcome = try tcptrace("-i", "lo", "-q", "-w", scratch.file("x.pcap"), "--duration", "0.0000001", "port 1")
        #expect(outcome.code == 0 && outcome.errors.contains("will have only frames"), "\(outcome.errors)")
    }

    /// Many shells and program launchers connect programs by sockets, not pipes.
    @Test func aReaderOnASocketThatGoesEndsTheTrace() throws {
        let outcome = try python(
            """
            import socket, subprocess, sys, time
            ours, theirs = socket.socketpair()
            trace = subprocess.Popen([sys.argv[1], '-i', 'lo', '-q', 'port 1'], stdout=theirs, stderr=subprocess.PIPE)
            theirs.close(); trace.stderr.readline(); ours.close()
            try: print('ended', trace.wait(5))
            except subprocess.TimeoutExpired: trace.kill(); print('runs')
            """, Program.tcptrace
        ).end()
        #expect(outcome.text == "ended 0\n", "\(outcome.text)")
    }

    /// The client adds an extension header in front of TCP.
    @Test func tcpBehindIPv6ExtensionHeadersIsTracedByDefault() throws {
        let outcome = try tcptrace(
            "-i", "lo", "-q", "--no-header", "--", "python3", "-c",
            """
            import socket
            s = socket.socket(socket.AF_INET6); s.bind(("::1", 0)); s.listen(5)
            c = socket.socket(socket.AF_INET6); c.setsockopt(41, 59, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
            c.connect(s.getsockname()); a, _ = s.accept()
            c.send(b"v6ext"); a.recv(9); a.send(b"ok"); c.recv(9); c.close(); a.recv(9); a.close()
            """)
        #expect(outcome.text.contains(" closed ") && outcome.text.contains("SF"), "\(outcome.text)\(outcome.errors)")
        #expect(!outcome.text.contains("captured"), "\(outcome.text)")
    }
}
