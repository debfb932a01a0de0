// The real lab-client against Python servers, and without any server.

import Foundation
import Testing

@Suite(.serialized) struct LabClientTests {
    /// A server for one client; the argument selects its behaviour. It prints its port, then what it reads and the end.
    private func pythonServer(_ behaviour: String) throws -> (server: LabProcess, port: String) {
        let program = """
            import socket, sys, struct
            l = socket.create_server(("127.0.0.1", 0))
            print(l.getsockname()[1])
            how = sys.argv[1]
            s, _ = l.accept()
            s.settimeout(15)
            data = b""
            try:
                while True:
                    got = s.recv(65536)
                    if not got: print("end"); break
                    data += got
                    if how == "answer" and b"in" not in got: s.sendall(b"ok\\r\\n" * got.count(b"\\n"))
                    if how == "bare": s.send(b"no line end")
                    if how == "leave": break
                    if how == "reset":
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        break
            except OSError as e:
                print(type(e).__name__)
            print(len(data), data if len(data) < 200 else "")
            if how == "late": s.sendall(b"late\\n")
            s.close()
            """
        let server = try LabProcess.python(program, behaviour)
        #expect(wait { server.output.contains("\n") })
        return (server, try #require(server.lines.first))
    }

    @Test(arguments: [
        ("--keepalive 1", "Unknown option '--keepalive'. Did you mean '--keep-alive'?"),
        ("--keepalive 1 9500", "Unknown option '--keepalive'. Did you mean '--keep-alive'?"),
        ("9500", "9500 is not a host; the port comes second, or after --port: 127.0.0.1 9500."),
    ]) func slipsAreExplained(_ words: String, _ answer: String) throws {
        let client = try LabProcess(
            path: LabProcess.products + "/lab-client", words.split(separator: " ").map(String.init))
        #expect(client.end() == 64)
        #expect(client.errors.hasPrefix("Error: \(answer)\n"), "\(client.errors)")
    }

    @Test func sendsLinesUntilFinAndPrintsAnswers() throws {
        let (server, port) = try pythonServer("answer")
        let client = try LabProcess.client(["127.0.0.1", port], "one\r\ntwo\nFin\nnever\n")
        #expect(client.end() == 0)
        #expect(server.end() == 0)
        #expect(server.lines.dropFirst() == ["end", "12 b'one\\ntwo\\nFin\\n'"])
        #expect(client.lines.dropFirst() == ["reply \"ok\"", "reply \"ok\"", "closed (fin)"])
        #expect(client.lines[0].hasSuffix(" > 127.0.0.1:\(port) (pid \(client.pid))"))
    }

    @Test func aServerThatNeverAnswersIsNotWaitedForLong() throws {
        let (server, port) = try pythonServer("silent")
        let start = Date()
        let client = try LabProcess.client(
            ["--port", port], String(repeating: "line\n", count: 500) + "last without end")
        #expect(client.end() == 0)
        #expect(Date().timeIntervalSince(start) < 8)
        #expect(server.end() == 0)
        #expect(server.lines.dropFirst() == ["end", "2517 "])
        #expect(client.lines.last == "closed (end of input)")
    }

    @Test func anAnswerWithoutLineEnd() throws {
        let (server, port) = try pythonServer("bare")
        let client = try LabProcess.client(["--port", port], "a\nfin\n")
        #expect(client.end() == 0)
        #expect(client.output.contains("reply \"no line end\""))
        server.stop()
    }

    @Test func keepAliveStartsTheTimer() throws {
        let (server, port) = try LabProcess.server(["--mode", "threaded"])
        for (options, timer) in [(["--keep-alive", "3"], "02"), ([], "00")] {
            let client = try LabProcess.client(["--port", "\(port)"] + options, keepsInput: true)
            let words = try client.line(beginning: "connected ").split(separator: " ")
            let own = try #require(words[1].split(separator: ":").last.flatMap { Int($0) })
            #expect(wait { kernelTimer(from: own, to: port) == timer }, "\(options)")
            client.stop()
        }
        let wrong = try LabProcess.client(["--keep-alive", "0"])
        #expect(wrong.end() == 64)
        server.stop()
    }

    @Test func halfCloseReadsOn() throws {
        let (server, port) = try pythonServer("late")
        let client = try LabProcess.client(["--port", port, "--no-reply", "--half-close"], "a\nfin\n")
        #expect(client.end() == 0)
        #expect(
            client.lines.dropFirst() == ["half-closed", "reply \"late\"", "server closed its side", "closed (fin)"])
        server.stop()
    }

    @Test func linger0IsAReset() throws {
        let (server, port) = try pythonServer("silent")
        let client = try LabProcess.client(
            ["--port", port, "--linger0", "--no-reply", "--slow-close", "0.2"], "a\nfin\n")
        #expect(client.end() == 0)
        #expect(client.lines.last == "closed (fin, linger0)")
        #expect(server.end() == 0)
        #expect(server.lines.dropFirst() == ["ConnectionResetError", "6 b'a\\nfin\\n'"])
    }

    @Test func aResetIsPutInWords() throws {
        let (server, port) = try pythonServer("reset")
        let client = try LabProcess.client(["--port", port], "a\n", keepsInput: true)
        #expect(client.end() == 1)
        #expect(client.errors.contains("ECONNRESET"))
        server.stop()
    }

    @Test func writingToAServerThatLeft() throws {
        let (server, port) = try pythonServer("leave")
        let client = try LabProcess.client(["--port", port], "a\n", keepsInput: true)
        try client.line(beginning: "server closed its side")
        try client.type("b\n")
        #expect(client.end() == 1)
        #expect(client.errors.contains("EPIPE"))
        server.stop()
    }

    @Test func aFloodWithoutLineEndStaysSmall() throws {
        let (server, port) = try pythonServer("silent")
        let client = try LabProcess(
            path: LabProcess.products + "/lab-client", ["--port", port, "--no-reply", "--slow-close", "0.5"],
            input: [UInt8](repeating: 0, count: 8_000_000))
        var peak = 0
        _ = wait {
            peak = max(peak, client.peakKilobytes)
            return client.hasEnded
        }
        #expect(client.end() == 0)
        #expect((1..<100_000).contains(peak))
        #expect(server.end() == 0)
        // The server sees one line end for each piece of 65,536 bytes.
        #expect(server.lines.dropFirst() == ["end", "\(8_000_000 + (8_000_000 + 65535) / 65536) "])
    }

    @Test func refusedAndUnknownHostsAreExplained() throws {
        let (server, port) = try pythonServer("silent")
        server.signal(SIGKILL)
        _ = server.end()
        let client = try LabProcess.client(["--port", port])
        #expect(client.end() == 1)
        #expect(client.errors.hasPrefix("lab-client: 127.0.0.1:\(port) refused the connection (ECONNREFUSED)"))
        let nowhere = try LabProcess.client(["--host", "not a host"])
        #expect(nowhere.end() == 1)
        #expect(nowhere.errors.contains("cannot find the host"))
        for host in ["127.0.0.1", "[::1]"] {
            let joined = try LabProcess.client(["\(host):\(port)"])
            #expect(joined.end() == 1)
            #expect(joined.errors.hasSuffix("Give the port separately: --port \(port)\n"), "\(joined.errors)")
        }
        let swapped = try LabProcess.client([port])
        #expect(swapped.end() == 64)
        #expect(swapped.errors.contains("127.0.0.1 \(port)"))
    }

    /// The server that the error message suggests must listen where the client connects: a plain `lab-server --port N`
    /// would listen on 127.0.0.1, and the client would be refused again.
    @Test func whatIsToBeStartedListensWhereTheClientCalls() throws {
        let (probe, free) = try LabProcess.server()
        probe.signal(SIGTERM)
        #expect(probe.end() == 0)
        for (host, server) in [("127.0.0.1", ""), ("127.0.0.9", " --host 127.0.0.9"), ("::1", " --host ::1")] {
            let client = try LabProcess.client([host, "\(free)"])
            #expect(client.end() == 1)
            if client.errors.contains("ECONNREFUSED") || host != "::1" {
                #expect(client.errors.contains("Start `lab-server\(server) --port \(free)`, or"), "\(client.errors)")
            }
        }
        let nameless = try LabProcess.client([""])
        #expect(nameless.end() == 1)
        #expect(nameless.errors.hasPrefix("lab-client: cannot find the host \"\""), "\(nameless.errors)")
    }

    @Test func aSourcePortThatIsTakenTowardsTheServerIsExplained() throws {
        let (probe, own) = try LabProcess.server()
        probe.signal(SIGTERM)
        #expect(probe.end() == 0)
        let (server, port) = try LabProcess.server(["--mode", "threaded"])
        let arguments = ["--port", "\(port)", "--source-port", "\(own)"]
        let first = try LabProcess.client(arguments, keepsInput: true)
        try first.line(beginning: "connected ")
        let second = try LabProcess.client(arguments)
        #expect(second.end() == 1)
        #expect(
            second.errors.hasPrefix(
                "lab-client: the source port \(own) cannot be used towards 127.0.0.1:\(port) (EADDRNOTAVAIL)"),
            "\(second.errors)")
        first.stop()
        server.stop()
    }

    /// A listener that accepts no connection until told to. Its queue is full, so the next client's SYNs stay
    /// unanswered.
    private let crowded = """
        import socket, sys
        l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen(0)
        first = socket.create_connection(l.getsockname())
        print(l.getsockname()[1])
        sys.stdin.readline()
        held = [l.accept()[0]]
        while True: held.append(l.accept()[0])
        """

    /// After Ctrl-Z and fg, connect(2) with a time limit fails with EINTR, although nothing is wrong: the client must
    /// carry on.
    @Test func aClientThatWasStoppedGoesOnConnecting() throws {
        let server = try LabProcess(path: "/usr/bin/env", ["python3", "-u", "-c", crowded], keepsInput: true)
        #expect(wait { server.output.contains("\n") })
        let port = try #require(server.lines.first)
        let clients = try [["--connect-timeout", "60"], []].map {
            try LabProcess.client(["--port", port] + $0, "fin\n")
        }
        let number = try #require(Int(port))
        #expect(wait { socketsConnecting(to: number) == 2 })
        for client in clients { client.signal(SIGSTOP) }
        usleep(100_000)
        for client in clients { client.signal(SIGCONT) }
        usleep(100_000)
        #expect(clients.allSatisfy { !$0.hasEnded }, "\(clients.map(\.errors))")
        try server.type("\n")
        for client in clients { #expect(client.end() == 0, "\(client.errors)") }
        server.stop()
    }

    @Test func aStoppedClientsTimeLimitStays() throws {
        let server = try LabProcess(path: "/usr/bin/env", ["python3", "-u", "-c", crowded], keepsInput: true)
        #expect(wait { server.output.contains("\n") })
        let start = Date()
        let client = try LabProcess.client(["--port", try #require(server.lines.first), "--connect-timeout", "1.5"])
        usleep(300_000)
        for _ in 0..<3 {
            client.signal(SIGSTOP)
            usleep(100_000)
            client.signal(SIGCONT)
            usleep(300_000)
        }
        #expect(client.end() == 1)
        #expect(client.errors.contains("did not answer (ETIMEDOUT)"), "\(client.errors)")
        #expect(Date().timeIntervalSince(start) < 4)
        server.stop()
    }

    @Test func theAnswerToTheLongestLineIsOnePiece() throws {
        let (server, port) = try LabProcess.server()
        let client = try LabProcess.client(["--port", "\(port)"], String(repeating: "x", count: 65536) + "\nfin\n")
        #expect(client.end() == 0)
        #expect(
            client.lines.count == 3 && client.lines[1].hasSuffix("... (65544 bytes)"), "\(client.lines.dropFirst())")
        server.stop()
    }

    @Test func theSourcePortIsUsed() throws {
        let (probe, free) = try LabProcess.server()
        probe.signal(SIGTERM)
        #expect(probe.end() == 0)
        let (server, port) = try pythonServer("answer")
        let client = try LabProcess.client(["--port", port, "--source-port", "\(free)"], "fin\n")
        #expect(client.end() == 0)
        #expect(client.lines.first?.hasPrefix("connected 127.0.0.1:\(free) > ") == true)
        server.stop()
    }
}
