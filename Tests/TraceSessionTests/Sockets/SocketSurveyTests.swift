// One look at this host's sockets, among them those of a process that the test started.

import Foundation
import TCPModel
import Testing
import TimelineReport

@testable import TraceSession

@Suite(.enabled(if: hasPython)) struct SocketSurveyTests {
    @Test func holdersOfAllKinds() throws {
        // The first connection is accepted, the second waits, and the client closes the third, which leaves an orphan.
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
        // An earlier user of the port, at another address, may have left a socket in TIME_WAIT.
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
        // It is in FIN_WAIT_1 until the delayed ACK of its FIN arrives.
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
        // The count is that of one list, not the sum over all looks.
        for _ in 0..<2 { try survey.look() }
        #expect(survey.rows.isEmpty && survey.faults.malformedRows == 1)
    }

    /// A sender whose peer does not read: sock_diag's details appear with the same sockets and holders.
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
        // The window closes within milliseconds, and the first probe is due about 200 ms later.
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
