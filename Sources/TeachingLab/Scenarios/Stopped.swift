// A stopped server: Linux speaks TCP for it, until an answer is needed that only the program can give.

import TCPModel
import TCPTimeline
import TimelineReport

extension LabScenario {
    func playStopped(_ stage: inout Stage) throws(TourError) {
        let message = "hello\n"
        let server = try stage.startServer(["--close"])
        let wasStopped = server.stop()
        try stage.sockets("Sockets before: the server listens, but is stopped (kill -STOP \(server.pid))")
        let client = try stage.startConnectedClient()
        client.program.type(message)
        let (clientPort, port) = (client.port, stage.port)
        try stage.waitForSockets { ($0.end(port, to: clientPort)?.socket.receiveQueue ?? 0) > 0 }
        // Time for an answer, if anything could give one.
        try stage.pause(milliseconds: 400)
        let during = try stage.sockets("Sockets during: the server is still stopped")
        let answeredEarly = client.program.hasSaid("reply ")
        try stage.timeline("Timeline up to here")
        let before = stage.record.connection(clientPort: clientPort)
        server.resume()
        _ = try stage.wait(until: { client.program.hasSaid("reply ") })
        try stage.pause(milliseconds: 100)
        client.program.type("fin\n")
        _ = try stage.wait(until: { server.hasSaid("closed ") && client.program.hasEnded })
        try stage.pause()
        try stage.finishTimeline("Timeline, the rest: the server continues (kill -CONT \(server.pid))")
        try stage.sockets("Sockets after: both have closed")

        let clientEnd = during.end(clientPort, to: port)
        let serverEnd = during.end(port, to: clientPort)
        let unread = serverEnd?.socket.receiveQueue ?? 0
        var seen = Observations()
        seen.note(
            wasStopped && clientEnd?.socket.state == .established && serverEnd?.socket.state == .established,
            "lab-server[\(server.pid)] was stopped (state T in ps) and did not execute a single instruction, yet the "
                + "connection was ESTABLISHED at both ends"
                + (before.map { $0.openDelay >= 0 ? ", \(spanText($0.openDelay, .prose)) after the SYN" : "" } ?? "")
                + ". The kernel speaks TCP, not the program.",
            otherwise: "Expected a stopped server and both ends in ESTABLISHED, but the table had "
                + "\(clientEnd?.stateName ?? "no socket") and \(serverEnd?.stateName ?? "no socket").")
        seen.note(
            Int(unread) == message.utf8.count && serverEnd?.holder == .notAccepted
                && before?.counters[1].uniqueBytes == 0,
            "The client's \(unread) octets were acknowledged, and wait in the Recv-Q of a socket that no process has "
                + "accepted yet. connect() and write() have succeeded: a client cannot tell a stopped server from a slow one; it "
                + "just gets no answer.",
            otherwise: "Expected \(message.utf8.count) unread octets in a socket that is not accepted, but Recv-Q was "
                + "\(unread).")
        seen.note(
            !answeredEarly && client.program.hasSaid("reply "),
            "SIGCONT (fg in a shell) was enough: accept() and read() gave the server what had been waiting, and the answer "
                + "came. Nothing was lost.",
            otherwise: answeredEarly
                ? "The stopped server answered." : "The server did not answer after SIGCONT.")
        seen.note(
            during.listener(port)?.processes.map(\.pid) == [server.pid],
            "A stopped server keeps its port: Ctrl-Z is not Ctrl-C. You find it like any other process that holds a port "
                + "(tcptrace sockets -a port \(port)). SIGTERM would end it only once it continues; SIGKILL ends it at once.",
            otherwise: "The stopped server was not seen to hold its port.")
        try stage.notice(seen)
    }
}
