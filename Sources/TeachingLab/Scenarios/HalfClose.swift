// The half-close: one direction has ended, the other one continues, and both ends know it.

import TCPModel
import TCPTimeline
import TimelineReport

extension LabScenario {
    func playHalfClose(_ stage: inout Stage) throws(TourError) {
        let farewell = "bye"
        // A second of CLOSE_WAIT to look at.
        let server = try stage.startServer(["--slow-close", "1", "--farewell", farewell])
        try stage.sockets("Sockets before: the server listens")
        let client = try stage.startConnectedClient(["--half-close"])
        client.program.type("hello\n")
        _ = try stage.wait(until: { client.program.hasSaid("reply ") })
        client.program.closeInput()
        _ = try stage.wait(until: { client.program.hasSaid("half-closed") })
        let (clientPort, port) = (client.port, stage.port)
        try stage.waitForSockets { $0.end(clientPort, to: port)?.socket.state == .finWait2 }
        let during = try stage.sockets("Sockets during: the client has sent its FIN, and keeps reading")
        _ = try stage.wait(until: { client.program.hasEnded && server.hasSaid("closed ") })
        try stage.pause()
        try stage.finishTimeline("Timeline")
        let after = try stage.sockets("Sockets after: the server has closed, too")

        let connection = stage.record.connection(clientPort: clientPort)
        let clientEnd = during.end(clientPort, to: port)
        let serverEnd = during.end(port, to: clientPort)
        var seen = Observations()
        seen.note(
            clientEnd?.socket.state == .finWait2 && clientEnd?.owner != nil,
            "shutdown(SHUT_WR) sent the FIN: \(clientEnd?.owner ?? "") has nothing more to send, but still has its socket and "
                + "keeps reading. Its FIN_WAIT_2 is not an error, and no timer ends it while a process holds it (in the scenario "
                + "fin none does).",
            otherwise:
                "Expected FIN_WAIT_2 held by the client, but the table had \(clientEnd?.stateName ?? "no socket").")
        seen.note(
            serverEnd?.socket.state == .closeWait && serverEnd?.owner != nil,
            "The server's end was in CLOSE_WAIT: its kernel has received the client's FIN, but \(serverEnd?.owner ?? "") has "
                + "not closed yet. Until then the server may still send. CLOSE_WAIT is an error only if it never ends.",
            otherwise:
                "Expected CLOSE_WAIT held by the server, but the table had \(serverEnd?.stateName ?? "no socket").")
        // The answer to `hello` came before, with its line end.
        let answer = "server: hello\n".utf8.count
        let late = Int(connection?.counters[1].uniqueBytes ?? 0) - answer
        seen.note(
            client.program.hasSaid("reply \"\(farewell)\"") && late == farewell.utf8.count + 1,
            "In that time the server sent \(late) more octets, and the client acknowledged and read them: a FIN ends only one "
                + "direction. This way a program can say \"that was all\" and still get its answer.",
            otherwise: "The server's last line did not reach the client.")
        seen.note(
            connection?.closer == .originator && after.end(clientPort, to: port)?.socket.state == .timeWait,
            "The client's FIN came first, so TIME_WAIT is at the client's end, although the server sent the last data.",
            otherwise: "Expected TIME_WAIT at the client's end, but the table had "
                + "\(after.end(clientPort, to: port)?.stateName ?? "no socket").")
        seen.noteLossProbe(connection)
        try stage.notice(seen)
    }
}
