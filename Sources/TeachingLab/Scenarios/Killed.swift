// Killed processes: Linux closes their sockets with a FIN, or with a RST if data was unread.

import Glibc
import TCPModel
import TCPTimeline
import TimelineReport

extension LabScenario {
    func playKilled(_ stage: inout Stage) throws(TourError) {
        let server = try stage.startServer(["--close"])
        try stage.sockets("Sockets before: the server listens")
        let client = try stage.startConnectedClient()
        client.program.type("hello\n")
        _ = try stage.wait(until: { client.program.hasSaid("reply ") })
        try stage.pause(milliseconds: 100)
        let during = try stage.sockets("Sockets during: the connection is open, nothing is unread")
        client.program.end(with: SIGKILL)
        _ = try stage.wait(until: { server.hasSaid("closed ") })
        try stage.pause()
        try stage.finishTimeline("Timeline (kill -9 \(client.program.pid) ends the client)")
        let after = try stage.sockets("Sockets after: the client was killed, then the server has closed")

        let connection = stage.record.connection(clientPort: client.port)
        let clientEnd = after.end(client.port, to: stage.port)
        let left = server.lines.first { $0.hasPrefix("left ") } ?? ""
        var seen = Observations()
        seen.note(
            client.program.endingSignal == SIGKILL && connection?.closer == .originator
                && connection?.facts.contains(.originatorFin) == true,
            "SIGKILL ended lab-client[\(client.program.pid)] before it could do anything more: it never called close(). But "
                + "however a process ends, Linux closes its descriptors, so the FIN was sent anyway.",
            otherwise: "The client was not killed, or its FIN was not seen.")
        let unread = during.end(client.port, to: stage.port)?.socket.receiveQueue
        seen.note(
            unread == 0 && connection?.facts.contains(.reset) == false,
            "It was a FIN, not a RST, because nothing was unread in the client's socket (Recv-Q 0). "
                + "The scenario killed-unread shows the other case.",
            otherwise: "Expected nothing unread at the client and no RST.")
        seen.note(
            left.hasSuffix("(end of input)"),
            "For lab-server[\(server.pid)] that was an ordinary end: read() returned 0, as after any FIN. TCP does not "
                + "distinguish a client that has finished from one that was killed. A last message between the programs does, such "
                + "as the lab's \"fin\": here it never came.",
            otherwise: "The server did not see an end of input; it said: \(left.isEmpty ? "nothing" : left).")
        seen.note(
            clientEnd?.socket.state == .timeWait && after.end(stage.port, to: client.port) == nil,
            "The kernel does the rest, too: it acknowledged the server's FIN, and the client's end is in TIME_WAIT, held by no "
                + "process.",
            otherwise: "Expected TIME_WAIT at the client and nothing at the server, but the table had "
                + "\(clientEnd?.stateName ?? "no socket") at the client.")
        seen.noteLossProbe(connection)
        try stage.notice(seen)
    }

    func playKilledUnread(_ stage: inout Stage) throws(TourError) {
        let message = "hello\n"
        // Long enough to kill the server before it reads.
        let server = try stage.startServer(["--hold", "600"])
        try stage.sockets("Sockets before: the server listens")
        let client = try stage.startConnectedClient()
        _ = try stage.wait(until: { server.hasSaid("connected ") })
        client.program.type(message)
        let (clientPort, port) = (client.port, stage.port)
        try stage.waitForSockets { ($0.end(port, to: clientPort)?.socket.receiveQueue ?? 0) > 0 }
        // Time for the tracer to look at Recv-Q.
        try stage.pause()
        let during = try stage.sockets("Sockets during: the server has accepted, but is not reading")
        let wasKilled = try stage.kill(server, "kill -9 for the process that holds the port", with: SIGKILL)
        _ = try stage.wait(until: { server.hasEnded && client.program.hasEnded })
        try stage.pause()
        try stage.finishTimeline("Timeline")
        let after = try stage.sockets("Sockets after: nothing is left")

        let connection = stage.record.connection(clientPort: clientPort)
        let serverEnd = during.end(port, to: clientPort)
        let unread = serverEnd?.socket.receiveQueue ?? 0
        var seen = Observations()
        seen.note(
            Int(unread) == message.utf8.count && serverEnd?.owner != nil,
            "The client's \(unread) octets had arrived and were acknowledged, but lab-server[\(server.pid)] had not read them: "
                + "Recv-Q \(unread).",
            otherwise: "Expected \(message.utf8.count) unread octets at the server, but Recv-Q was \(unread).")
        seen.note(
            wasKilled && server.endingSignal == SIGKILL && connection?.facts.contains(.reset) == true
                && connection?.facts.contains(.originatorReset) == false
                && connection?.facts.contains(.responderFin) == false,
            "Linux closed the killed server's sockets, this one with a RST instead of a FIN: the client must learn that data "
                + "was lost (RFC 9293 3.6.1, RFC 1122 4.2.2.13). The unread data causes the RST, not the kill: "
                + "close() in a running server does the same.",
            otherwise: "The server was not killed, or no RST from its end was seen.")
        seen.note(
            client.program.complaint.contains("ECONNRESET"),
            "read() failed with ECONNRESET in lab-client[\(client.program.pid)], which ended with exit code "
                + "\(client.program.exitCode ?? -1). The ACK of its line meant that Linux had received it, not that a "
                + "process had read it.",
            otherwise: "The client did not report ECONNRESET.")
        seen.note(
            after.isEmpty,
            "Nothing is left: the listening socket ended with its process, and after a RST there is no TIME_WAIT.",
            otherwise: "\(counted(after.count, "socket")) can still be seen.")
        try stage.notice(seen)
    }
}
