// One look at the sockets of this host, with a process of the test's own among them.

import Foundation
import TCPModel
import Testing
import TimelineReport

@testable import TraceSession

@Suite(.enabled(if: hasPython)) struct SocketSurveyTests {
    @Test func holdersOfAllKinds() throws {
        // The first connection is accepted, the second waits, the third is closed by its client, which leaves an orphan.
        let server = try Server(
            """
            here = s.getsockname()
            a = socket.create_connection(here); b, _ = s.accept()
            c = socket.create_connection(here)
            d = socket.create_connection(here); d.close()
            """)
        let pid = server.process.processIdentifier
        var survey = SocketSurvey()
        try survey.look()
        let filter = try SocketFilter(words: ["port", "\(server.port)"])
        // Whoever had the port before, at another address, may have left a TIME_WAIT.
        let rows = survey.rows.filter {
            filter.accepts($0.socket, processes: $0.processes) && $0.socket.state != .timeWait
        }

        try #require(rows.count == 7, "\(rows)")
        #expect(rows[0].socket.state == .listen && rows[0].processes.map(\.pid) == [pid])
        #expect(rows[0].socket.receiveQueue == 2)
        let servers = rows.dropFirst().filter { $0.socket.local.port == server.port }
        let clients = rows.dropFirst().filter { $0.socket.remote.port == server.port }
        #expect(servers.count { $0.processes.map(\.pid) == [pid] && $0.socket.state == .established } == 1)
        #expect(servers.count { $0.holder == .notAccepted && $0.socket.state == .established } == 1)
        #expect(servers.count { $0.holder == .notAccepted && $0.socket.state == .closeWait } == 1)
        #expect(clients.count { $0.processes.map(\.pid) == [pid] } == 2)
        // FIN_WAIT_1 until the delayed ACK of its FIN.
        #expect(
            clients.count { $0.holder == .noProcess && [.finWait1, .finWait2].contains($0.socket.state) } == 1)
    }

    @Test func rowsThatAreNotUnderstoodAreCounted() throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "tcptrace-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root.appending(path: "net"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        try "  sl  local_address\ngarbage\n".write(
            to: root.appending(path: "net/tcp"), atomically: false, encoding: .utf8)
        var survey = SocketSurvey(root: root.path)
        // One list's, and not those of all looks.
        for _ in 0..<2 { try survey.look() }
        #expect(survey.rows.isEmpty && survey.faults.malformedRows == 1)
    }

    /// A sender whose peer does not read: sock_diag's numbers stand beside the same sockets and holders.
    @Test func detailsOfAStalledSender() throws {
        let server = try Server(
            """
            c = socket.create_connection(s.getsockname()); a, _ = s.accept()
            c.setblocking(False)
            try:
                while True: c.send(b"x" * 65536)
            except BlockingIOError: pass
            """)
        let filter = try SocketFilter(words: ["port", "\(server.port)"])
        var survey = SocketSurvey(wantsDetails: true)
        var client: SocketRow?
        // The window is shut within milliseconds, and the first probe is due some 200 ms later.
        for _ in 0..<200 where client?.socket.timer != .persist {
            usleep(10_000)
            try survey.look()
            let rows = survey.rows.filter { filter.accepts($0.socket, processes: $0.processes) }
            client = rows.first { $0.socket.remote.port == server.port }
        }
        let row = try #require(client)
        #expect(row.processes.map(\.pid) == [server.process.processIdentifier])
        let details = try #require(row.details)
        #expect(details.timerMilliseconds != nil)
        #expect((details.info?.notSentBytes ?? 0) > 0)
        #expect((details.info?.windowLimitedTime ?? 0) > 0)
    }
}
