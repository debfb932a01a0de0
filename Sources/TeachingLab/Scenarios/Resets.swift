// Connections ended by a RST: before they begin (refused), and instead of by a FIN (SO_LINGER with time 0).

import TCPModel
import TCPTimeline
import TimelineReport

extension LabScenario {
    func playRefused(_ stage: inout Stage) throws(TourError) {
        let before = try stage.sockets("Sockets before: nothing listens")
        let (client, _) = try stage.startClient()
        _ = try stage.wait(until: { client.hasEnded })
        try stage.pause()
        try stage.finishTimeline("Timeline")
        let after = try stage.sockets("Sockets after: nothing is left")

        let connection = stage.record.connections.last
        var seen = Observations()
        seen.note(
            before.isEmpty,
            "No socket listened on port \(stage.port) of 127.0.0.1, so nothing could answer with a SYN-ACK.",
            otherwise: "Port \(stage.port) already had sockets.")
        seen.note(
            connection?.facts.contains(.refused) == true,
            "Linux answered the SYN with a RST after \(spanText(connection?.duration ?? 0, .prose)). No process takes part "
                + "in that, so none can be named at the server's end.",
            otherwise: "No RST was seen in answer to the SYN.")
        seen.note(
            client.complaint.contains("ECONNREFUSED"),
            "connect() failed with ECONNREFUSED in lab-client[\(client.pid)], which ended with exit code "
                + "\(client.exitCode ?? -1).",
            otherwise: "The client did not report ECONNREFUSED.")
        seen.note(
            after.isEmpty, "Nothing is left behind: a refused connection has no TIME_WAIT.",
            otherwise: "\(counted(after.count, "socket")) of the connection can still be seen.")
        try stage.notice(seen)
    }

    func playReset(_ stage: inout Stage) throws(TourError) {
        let server = try stage.startServer(["--close"])
        try stage.sockets("Sockets before: the server listens")
        let client = try stage.startConnectedClient(["--linger0"])
        client.program.type("hello\n")
        _ = try stage.wait(until: { client.program.hasSaid("reply ") })
        try stage.pause(milliseconds: 100)
        try stage.sockets("Sockets during: the connection is open")
        client.program.closeInput()
        _ = try stage.wait(until: { client.program.hasEnded && server.hasSaid("left ") })
        try stage.pause()
        try stage.finishTimeline("Timeline")
        let after = try stage.sockets("Sockets after: the connection is gone")

        let connection = stage.record.connection(clientPort: client.port)
        let left = server.lines.first { $0.hasPrefix("left ") } ?? ""
        var seen = Observations()
        seen.note(
            connection?.facts.contains(.originatorReset) == true,
            "The client sent a RST in place of a FIN: lab-client[\(client.program.pid)] had set SO_LINGER with "
                + "a time of 0 before close().",
            otherwise: "No RST from the client was seen.")
        seen.note(
            left.hasSuffix("(reset)"),
            "read() failed with ECONNRESET in lab-server[\(server.pid)], so it knows that this was not an orderly close: after a "
                + "FIN, read() would have returned 0.",
            otherwise: "The server did not see a reset; it said: \(left.isEmpty ? "nothing" : left).")
        seen.note(
            after.end(client.port, to: stage.port) == nil && after.end(stage.port, to: client.port) == nil,
            "Both ends were gone at once: no FIN_WAIT, no CLOSE_WAIT, no TIME_WAIT. Only the listening socket is left.",
            otherwise: "An end of the connection is still there.")
        try stage.notice(seen)
    }
}
