// `-c`: the capture ends after that many frames, and the traced connections continue. Root only.

import Testing

@Suite(.serialized, .enabled(if: isRoot, "live traces need root")) struct PacketLimitTests {
    /// One short connection of a process with itself.
    private static let client = """
        import socket, sys, time
        s = socket.socket(); s.bind(('127.0.0.1', int(sys.argv[1]))); s.listen(1)
        print('ready')
        c = socket.create_connection(s.getsockname()); a, _ = s.accept()
        c.sendall(b'hello\\n'); a.recv(10); a.sendall(b'welcome!\\n'); c.recv(10); c.close(); a.close()
        time.sleep(0.5)
        """

    @Test("what comes behind the last frame is held against nobody", arguments: [3, 5, 6, 8])
    func limit(_ frames: Int) throws {
        let scratch = try Scratch()
        let port = try freePort()
        let tracer = try trace(
            port: port, "-c", "\(frames)", "--fail-on", "any", "-w", scratch.file("limit.pcapng"))
        let program = try python(Self.client, "\(port)")
        let outcome = try tracer.end()
        _ = try program.end()
        #expect(outcome.code == 0, "\(outcome.text) \(outcome.errors)")
        #expect(outcome.errors.contains("\(frames) packets captured"))
        #expect(!outcome.text.contains("not captured") && !outcome.text.contains("state-mismatch"), "\(outcome.text)")
        #expect(outcome.text.contains(frames < 7 ? "open (S1)" : "half-closed"), "\(outcome.text)")
        #expect(outcome.text.contains("python3["), "whose sockets they are is known all the same")
        let replay = try tcptrace("-r", scratch.file("limit.pcapng"), "--fail-on", "any")
        #expect(replay.code == 0 && !replay.text.contains("not captured"), "\(replay.text)")
    }
}
