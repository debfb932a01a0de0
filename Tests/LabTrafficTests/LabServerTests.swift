// The real lab-server against plain Python sockets.

import Foundation
import Testing

@Suite(.serialized) struct LabServerTests {
    /// Sends each further argument, with its escapes interpreted, and prints each reply; then closes or waits.
    private let talker = """
        import socket, sys, time
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
        for word in sys.argv[3:]:
            data = word.encode().decode("unicode_escape").encode("latin-1")
            s.sendall(data)
            if data.strip().lower()[-3:] != b"fin":
                print(s.recv(100000))
        if sys.argv[2] == "wait":
            try:
                print("got", s.recv(100000))
            except OSError as e:
                print(type(e).__name__)
        elif sys.argv[2] == "stay":
            time.sleep(30)
        s.close()
        print("done")
        """

    @Test func sequentialForgetsToClose() throws {
        let (server, port) = try LabProcess.server()
        let client = try LabProcess.python(talker, "\(port)", "close", "hola\\r\\n", "FIN\\n")
        #expect(client.end() == 0)
        #expect(client.lines == ["b'server: hola\\n'", "done"])
        try server.line(beginning: "kept ")
        let peer = try #require(server.lines.dropFirst().first?.split(separator: " ").last)
        #expect(
            server.lines.dropFirst() == [
                "connected \(peer)", "message \(peer) \"hola\"", "message \(peer) \"FIN\"", "left \(peer) (fin)",
                "kept \(peer) open (1 kept)",
            ])
        let clientPort = try #require(peer.split(separator: ":").last.flatMap { Int($0) })
        #expect(wait { kernelState(from: port, to: clientPort) == "08" })
        #expect(wait { kernelState(from: clientPort, to: port) == "05" })
        server.signal(SIGTERM)
        #expect(server.end() == 0)
        #expect(server.errors == "")
    }

    @Test(arguments: [["--close"], ["--mode", "threaded"], ["--close", "--fin-wait", "0", "--slow-close", "0.1"]])
    func closesWhenTold(_ options: [String]) throws {
        let (server, port) = try LabProcess.server(options)
        let client = try LabProcess.python(talker, "\(port)", "wait", "fin\\n")
        #expect(client.end() == 0)
        #expect(client.lines == ["got b''", "done"])
        let line = try server.line(beginning: "closed 127.0.0.1:")
        let clientPort = try #require(line.split(separator: ":").last.flatMap { Int($0) })
        #expect(wait { [nil, "06"].contains(kernelState(from: port, to: clientPort)) })
    }

    @Test func messagesWithoutLineEndAndWriteUTF() throws {
        let (server, port) = try LabProcess.server(["--close"])
        let client = try LabProcess.python(
            talker, "\(port)", "wait", "hello", "\\x00\\x04hola", "two\\n", "fin")
        #expect(client.end() == 0)
        #expect(
            client.lines == [
                "b'server: hello\\n'", "b'\\x00\\x0cserver: hola'", "b'server: two\\n'", "got b''", "done",
            ])
        try server.line(beginning: "closed ")
        #expect(server.output.contains("(fin)"))
    }

    @Test func theSecondClientWaitsForTheFirst() throws {
        let (server, port) = try LabProcess.server()
        let first = try LabProcess.client(["--port", "\(port)"], "one\n", keepsInput: true)
        try first.line(beginning: "reply \"server: one\"")
        let second = try LabProcess.client(["--port", "\(port)"], "two\nfin\n", keepsInput: true)
        try second.line(beginning: "closed (fin)")
        #expect(!second.output.contains("reply"))
        #expect(!server.output.contains("two"))
        try first.type("fin\n")
        #expect(first.end() == 0)
        try server.line(beginning: "kept ")
        #expect(wait { server.output.contains("\"two\"") })
    }

    @Test func threadedServesBothAtOnce() throws {
        let (server, port) = try LabProcess.server(["--mode", "threaded"])
        let first = try LabProcess.client(["--port", "\(port)"], "one\n", keepsInput: true)
        try first.line(beginning: "reply \"server: one\"")
        let second = try LabProcess.client(["--port", "\(port)"], "two\nfin\n")
        #expect(second.end() == 0)
        #expect(second.output.contains("reply \"server: two\""))
        try server.line(beginning: "closed ")
        #expect(first.output.contains("connected") && !first.output.contains("closed"))
    }

    @Test func linger0IsAReset() throws {
        let (server, port) = try LabProcess.server(["--linger0", "--fin-wait", "0"])
        let client = try LabProcess.python(talker, "\(port)", "wait", "hola\\n", "fin\\n")
        #expect(client.end() == 0)
        #expect(client.lines == ["b'server: hola\\n'", "ConnectionResetError", "done"])
        #expect(try server.line(beginning: "closed ").hasSuffix(" (linger0)"))
    }

    @Test func binaryJunkAndLongLinesAreShownHarmlessly() throws {
        let (server, port) = try LabProcess.server(["--mode", "threaded"])
        let junk = """
            import socket, sys, os
            s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
            s.sendall(b"\\x1b]52;c;AAAA\\x07\\x00\\x9b\\xff\\n" + b"x" * 200000 + b"\\n")
            got = b""
            while got.count(b"\\n") < 5: got += s.recv(65536)
            print(len(got))
            for _ in range(300): s.sendall(os.urandom(10000).replace(b"\\n", b"-"))
            s.close()
            """
        let client = try LabProcess.python(junk, "\(port)")
        #expect(client.end() == 0, "\(client.errors)")
        // The junk line has 15 bytes, and the long line comes in four pieces. Each of the five answers adds "server: "
        // and a line end.
        #expect(client.lines == ["\(15 + 200_000 + 5 * 9)"])
        try server.line(beginning: "closed ")
        #expect((1..<100_000).contains(server.peakKilobytes))
        #expect(!server.output.unicodeScalars.contains { $0 != "\n" && $0.properties.generalCategory == .control })
        #expect(server.output.contains(#""\x1b]52;c;AAAA\x07\x00\x9b\xff""#))
        #expect(server.output.contains("... (65536 bytes)"))
    }

    @Test func portInUseAndRemoteHostsAreExplained() throws {
        let (owner, port) = try LabProcess.server()
        let second = try LabProcess(path: LabProcess.products + "/lab-server", ["--port", "\(port)"])
        #expect(second.end() == 1)
        #expect(second.errors.hasPrefix("lab-server: 127.0.0.1:\(port) is already in use (EADDRINUSE)."))
        #expect(second.errors.contains("`tcptrace sockets -a port \(port)`"))
        let remote = try LabProcess(path: LabProcess.products + "/lab-server", ["--host", "0.0.0.0", "--port", "0"])
        #expect(remote.end() == 64)
        #expect(remote.errors.contains("--allow-remote"))
        owner.stop()
    }

    @Test(arguments: [
        ("9500", "Unexpected argument '9500'. Did you mean '--port 9500'?"),
        ("127.0.0.1 9500", "Unexpected argument '127.0.0.1'. Did you mean '--host 127.0.0.1'?"),
        ("--port 9500 x", "Unexpected argument 'x'."),
        ("--prt 9500", "Unknown option '--prt'. Did you mean '--port'?"),
    ]) func wordsWithoutTheirOptionAreExplained(_ words: String, _ answer: String) throws {
        let server = try LabProcess(
            path: LabProcess.products + "/lab-server", words.split(separator: " ").map(String.init))
        #expect(server.end() == 64)
        #expect(server.errors.hasPrefix("Error: \(answer)\nUsage: lab-server <options>\n"), "\(server.errors)")
    }

    /// Data that arrives during the hold is acknowledged, and stays unread in the kernel.
    @Test func holdReadsNothing() throws {
        let (server, port) = try LabProcess.server(["--close", "--hold", "1.5"])
        let began = Date()
        let client = try LabProcess.client(["--port", "\(port)", "--reply-wait", "10"], "hola\nfin\n")
        let connected = try server.line(beginning: "connected ")
        let clientPort = try #require(connected.split(separator: ":").last.flatMap { Int($0) })
        #expect(wait { kernelReceiveQueue(from: port, to: clientPort) == 5 })
        #expect(!server.output.contains("message "))
        #expect(client.end() == 0)
        #expect(client.lines.dropFirst() == ["reply \"server: hola\"", "closed (fin)"])
        #expect(Date().timeIntervalSince(began) > 1.4)
        server.stop()
    }

    /// A server that closes first leaves its port in TIME_WAIT. Whether another one may listen there depends on the
    /// options of both.
    @Test(arguments: [
        (first: [], second: [], listens: true), ([], ["--no-reuse-address"], false),
        (["--no-reuse-address"], [], false),
    ])
    func reuseAddressDecidesBesideTimeWait(_ first: [String], _ second: [String], _ listens: Bool) throws {
        let (server, port) = try LabProcess.server(first)
        let client = try LabProcess.client(["--port", "\(port)"], "hola\n", keepsInput: true)
        try client.line(beginning: "reply ")
        let clientPort = try #require(
            client.lines.first?.split(separator: " ")[1].split(separator: ":").last.flatMap { Int($0) })
        server.signal(SIGINT)
        #expect(server.end() == 0)
        try client.line(beginning: "server closed its side")
        // No process holds the server's socket any more, so another line would be answered with a RST.
        try client.closeInput()
        #expect(client.end() == 0)
        #expect(wait { kernelState(from: port, to: clientPort) == "06" })
        let next = try LabProcess(path: LabProcess.products + "/lab-server", ["--port", "\(port)"] + second)
        if listens {
            try next.line(beginning: "listening on 127.0.0.1:\(port) ")
            next.stop()
        } else {
            #expect(next.end() == 1)
            #expect(next.errors.contains("127.0.0.1:\(port) is already in use (EADDRINUSE)"))
            #expect(next.errors.contains("because of --no-reuse-address") == !second.isEmpty)
        }
    }

    /// If the server closed a standard stream after its use, the next client's socket would get that number.
    @Test(arguments: [1, 2]) func theReadyDescriptorMayBeAStandardStream(_ number: Int) throws {
        let (server, port) = try LabProcess.server(["--ready-fd", "\(number)", "--close"])
        #expect(wait { server.output.contains("\n\(port)\n") || server.errors == "\(port)\n" })
        let client = try LabProcess.client(["--port", "\(port)"], "hola\nfin\n")
        #expect(client.end() == 0)
        #expect(client.lines.dropFirst() == ["reply \"server: hola\"", "closed (fin)"])
        try server.line(beginning: "closed ")
        server.stop()
    }

    /// Eight descriptors leave room for only a few clients.
    @Test(arguments: [
        (mode: "threaded", remedy: "the next clients wait until others have left"),
        (mode: "sequential", remedy: "kept open; --close would close them"),
    ])
    func aFullServerSaysWhatHelps(_ mode: String, _ remedy: String) throws {
        let server = try LabProcess(
            path: "/bin/sh",
            [
                "-c", "ulimit -n 8; exec \"$0\" --port 0 --mode \(mode)",
                LabProcess.products + "/lab-server",
            ])
        let line = try server.line(beginning: "listening on ")
        let port = try #require(line.split(separator: " ").dropFirst(2).first?.split(separator: ":").last)
        let clients = try (0..<8).map { _ in
            try LabProcess.client(["--port", String(port), "--slow-close", "1"], "fin\n")
        }
        let full = try server.line(beginning: "full ")
        #expect(full.contains("Too many open files") && full.contains(remedy), "\(full)")
        for client in clients { #expect(client.end() == 0) }
        server.stop()
    }

    @Test func aClosedPipeIsAQuietEnd() throws {
        let shell = try LabProcess(
            path: "/bin/sh",
            [
                "-c", "{ \"$0\" --port 0; echo code $? >&2; } | { read line; echo \"$line\"; }",
                LabProcess.products + "/lab-server",
            ])
        let line = try shell.line(beginning: "listening on ")
        let address = try #require(line.split(separator: " ").dropFirst(2).first?.split(separator: ":").last)
        let client = try LabProcess.client(["--port", String(address)], "hola\nfin\n")
        _ = client.end()
        #expect(shell.end() == 0)
        #expect(shell.errors == "code 0\n")
    }
}
