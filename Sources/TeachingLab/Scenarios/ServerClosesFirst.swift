// TIME_WAIT at the server, and its relation to "address already in use".

import Glibc
import TCPModel
import TCPTimeline
import TimelineReport

extension LabScenario {
    func playServerClosesFirst(_ stage: inout Stage) throws(TourError) {
        // With SO_REUSEADDR: Linux requires it of both the new listener and the sockets in TIME_WAIT. Without it
        // nothing could listen on the port for the next minute, including the next scenario.
        let server = try stage.startServer()
        try stage.sockets("Sockets before: the server listens")
        let client = try stage.startConnectedClient()
        client.program.type("hello\n")
        _ = try stage.wait(until: { client.program.hasSaid("reply ") })
        try stage.pause(milliseconds: 100)
        server.end(with: SIGINT)
        _ = try stage.wait(until: { client.program.hasSaid("server closed its side") })
        let (clientPort, port) = (client.port, stage.port)
        try stage.waitForSockets { $0.end(port, to: clientPort)?.socket.state == .finWait2 }
        let during = try stage.sockets(
            "Sockets during: Ctrl-C (SIGINT) has ended the server; the client is still there")
        client.program.closeInput()
        _ = try stage.wait(until: { client.program.hasEnded })
        try stage.pause()
        try stage.finishTimeline("Timeline")
        let after = try stage.sockets("Sockets after: the client has closed, too")
        let plain = try stage.tryServer(["--no-reuse-address"], "Starting it again, without SO_REUSEADDR")
        plain.end()
        let reusing = try stage.tryServer([], "Starting it again, with SO_REUSEADDR")
        let again = try stage.sockets("Sockets at the end: the server listens again")

        let connection = stage.record.connection(clientPort: clientPort)
        let serverEnd = during.end(port, to: clientPort)
        let clientEnd = during.end(clientPort, to: port)
        var seen = Observations()
        seen.note(
            connection?.closer == .responder && serverEnd?.socket.state == .finWait2
                && clientEnd?.socket.state == .closeWait,
            "This time the server's end closed first: when lab-server[\(server.pid)] ended, Linux closed its sockets and sent the "
                + "FIN. So FIN_WAIT_2 is at the server, CLOSE_WAIT at the client: the states depend on which side closes first, "
                + "not on which side is the server.",
            otherwise: "Expected FIN_WAIT_2 at the server and CLOSE_WAIT at the client, but the table had "
                + "\(serverEnd?.stateName ?? "no socket") and \(clientEnd?.stateName ?? "no socket").")
        let waits = after.end(port, to: clientPort)
        seen.note(
            waits?.socket.state == .timeWait && after.end(clientPort, to: port) == nil,
            "TIME_WAIT is at the server's end, too, for 60 s, although its process has ended and nothing listens on "
                + "port \(port).",
            otherwise: "Expected TIME_WAIT at the server's port, but the table had \(waits?.stateName ?? "no socket").")
        seen.note(
            plain.complaint.contains("EADDRINUSE") && !plain.hasSaid("listening on "),
            "Without SO_REUSEADDR, bind() failed with EADDRINUSE, \"address already in use\": the TIME_WAIT still has the "
                + "port. Ending a process does not help: wait, or set the option.",
            otherwise: "Without SO_REUSEADDR, the server got the port nevertheless.")
        let listener = again.listener(port)
        seen.note(
            listener?.processes.map(\.pid) == [reusing.pid]
                && again.end(port, to: clientPort)?.socket.state == .timeWait,
            "With SO_REUSEADDR, which every server should set, \(listener?.owner ?? "") listens beside the TIME_WAIT. That is "
                + "safe: a connection is identified by the addresses and ports of both ends, and the TIME_WAIT holds only one such "
                + "combination. The option does not let two servers listen at once: that takes SO_REUSEPORT, set by both.",
            otherwise: "With SO_REUSEADDR, the server does not listen beside the TIME_WAIT.")
        seen.noteLossProbe(connection)
        try stage.notice(seen)
    }
}
