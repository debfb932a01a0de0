// A live trace that sees no segment, and still reports the existing connections. Root only.

import Testing

@Suite(.serialized, .enabled(if: isRoot, "live traces need root")) struct SilentTraceTests {
    @Test func aConnectionThatStandsStill() throws {
        let idle = try python(
            """
            import socket, time
            s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(1)
            c = socket.create_connection(s.getsockname()); a, _ = s.accept()
            c.close()
            print('port', s.getsockname()[1], flush=True)
            time.sleep(30)
            """)
        try idle.say("port ")
        try #require(wait(5) { idle.output.contains("\n") })
        let port = try #require(idle.output.split(separator: "\n").first?.split(separator: " ").last)
        let outcome = try tcptrace("-i", "lo", "port", String(port), "--duration", "0.5")
        #expect(outcome.code == 0 && outcome.errors.contains("0 connections traced"))
        #expect(
            outcome.errors.contains(
                "but there are 2 sockets (1 FIN_WAIT_2, 1 CLOSE_WAIT): tcptrace sockets port \(port)"),
            "\(outcome.errors)")
    }
}
