// A terminal that is resized while a live trace writes to it. Root only.

import Testing

@Suite(.serialized, .enabled(if: isRoot, "live traces need root")) struct ResizedTerminalTests {
    /// Traces on a terminal of 120 columns, then 80, then 60, with one connection at each width; prints the output.
    private static let script = """
        import fcntl, pty, select, socket, struct, sys, termios, time
        def resize(columns): fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 40, columns, 0, 0))
        def read(until, text=''):
            end = time.time() + 15
            while until not in text and time.time() < end:
                if select.select([terminal], [], [], 0.1)[0]: text += os.read(terminal, 65536).decode()
            print(text.replace('\\r', ''), end='')
        server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen(1)
        port = server.getsockname()[1]
        pid, terminal = pty.fork()
        if pid == 0:
            time.sleep(0.2)
            os.execv(sys.argv[1], [sys.argv[1], '-i', 'lo', '--no-color', *sys.argv[2:], 'port', str(port)])
        resize(120)
        read('listening on')
        for columns in (120, 80, 60):
            resize(columns)
            time.sleep(0.3)
            client = socket.create_connection(('127.0.0.1', port)); peer, _ = server.accept()
            client.close(); peer.close()
            read('closed SF' if '-q' in sys.argv else 'RTT')
        os.kill(pid, signal.SIGINT)
        read('outcomes')
        os.waitpid(pid, 0)
        """

    @Test func theLadderFits() throws {
        let outcome = try python(Self.script, Program.tcptrace).end()
        // Below each heading: the ladder's titles with a time, without one, and no titles.
        let heads = Array(outcome.text.split(separator: "TCP ").dropFirst().prefix(3))
        try #require(heads.count == 3, "\(outcome.text) \(outcome.errors)")
        let widths = heads.map { $0.split(separator: "\n").prefix { !$0.hasPrefix("closed") }.map(\.count).max() ?? 0 }
        #expect(heads[0].contains("#      time    delta"))
        #expect(heads[1].contains("#   delta") && widths[1] <= 80, "\(heads[1])")
        #expect(!heads[2].contains("delta") && widths[2] <= 60, "\(heads[2])")
    }

    @Test func theTableFits() throws {
        let outcome = try python(Self.script, Program.tcptrace, "-q").end()
        let titles = outcome.lines.filter { $0.contains("CLIENT") }
        let rows = outcome.lines.filter { $0.contains("closed SF") }
        try #require(titles.count == 2 && rows.count == 3, "\(outcome.text) \(outcome.errors)")
        // A page of 80 columns has no column for the process, and a narrower one has no columns at all.
        #expect(titles[0].contains("PROCESS") && !titles[1].contains("PROCESS"), "\(titles)")
        #expect(!rows[1].contains("python3") && rows[2].contains(" by client "), "\(rows)")
    }

    /// A background trace, like a stopped one, hears nothing of the terminal's new size before it continues.
    @Test func whoGoesOnLooksAtTheSizeAnew() throws {
        let script = """
            import fcntl, pty, select, socket, struct, sys, termios, time
            def resize(columns): fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 40, columns, 0, 0))
            text = ''
            def read(until):
                global text
                end = time.time() + 15
                while until not in text and time.time() < end:
                    if select.select([terminal], [], [], 0.1)[0]: text += os.read(terminal, 65536).decode()
            server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen(1)
            port = server.getsockname()[1]
            pid, terminal = pty.fork()
            if pid == 0:
                own = os.fork()
                if own == 0:
                    os.setpgid(0, 0); time.sleep(0.2)
                    os.execv(sys.argv[1], [sys.argv[1], '-i', 'lo', '--no-color', 'port', str(port)])
                print('own', own, '.', flush=True); os.waitpid(own, 0); os._exit(0)
            resize(120)
            read('listening on')
            own = int(text.split()[1])
            resize(80); time.sleep(0.3)
            os.kill(own, signal.SIGCONT); time.sleep(0.3)
            client = socket.create_connection(('127.0.0.1', port)); peer, _ = server.accept()
            client.close(); peer.close()
            read('RTT')
            os.kill(own, signal.SIGINT)
            os.waitpid(pid, 0)
            print(text.replace('\\r', ''), end='')
            """
        let outcome = try python(script, Program.tcptrace).end()
        let head = try #require(
            outcome.text.split(separator: "TCP ").dropFirst().first, "\(outcome.text)\(outcome.errors)")
        let width = head.split(separator: "\n").prefix { !$0.hasPrefix("closed") }.map(\.count).max() ?? 0
        #expect(head.contains("#   delta") && width <= 80, "\(head)")
    }

    @Test func aGivenWidthStays() throws {
        let outcome = try python(Self.script, Program.tcptrace, "-q", "--width", "100").end()
        #expect(outcome.lines.count { $0.contains("CLIENT") } == 1, "\(outcome.text)")
        #expect(outcome.lines.count { $0.contains("closed SF") && $0.contains("python3[") } == 3, "\(outcome.text)")
    }
}
