// A full accept queue: a SYN that goes unanswered, and the state in which its sender waits.

import TCPModel
import TCPTimeline
import TimelineReport

extension LabScenario {
    func playBacklog(_ stage: inout Stage) throws(TourError) {
        let server = try stage.startServer(["--mode", "threaded", "--backlog", "0"])
        let wasStopped = server.stop()
        try stage.sockets("Sockets before: the server listens, but is stopped (kill -STOP \(server.pid))")
        let first = try stage.startConnectedClient()
        let second = try stage.startUnansweredClient()
        try stage.pause()
        let (port, pids) = (stage.port, (first.program.pid, second.program.pid))
        let during = try stage.sockets(
            "Sockets during (first: lab-client[\(pids.0)] from port \(first.port), second: lab-client[\(pids.1)] from port "
                + "\(second.port))")
        let wasConnectedEarly = second.program.hasSaid("connected ")
        server.resume()
        _ = try stage.connectedPort(of: second.program)
        // Time for the tracer to look at the queue, which is empty now.
        try stage.pause()
        let (firstClient, secondClient) = (first.program, second.program)
        firstClient.closeInput()
        _ = try stage.wait(until: { firstClient.hasEnded && server.hasSaid("closed ") })
        secondClient.closeInput()
        _ = try stage.wait(until: { secondClient.hasEnded && server.lines.count { $0.hasPrefix("closed ") } == 2 })
        try stage.pause()
        try stage.finishTimeline("Timeline (each row begins with its connection's number)")
        try stage.sockets("Sockets after: both have closed")

        let listener = during.listener(port)?.socket
        let waiting = during.end(port, to: first.port)
        var seen = Observations()
        seen.note(
            wasStopped && listener?.receiveQueue == 1 && listener?.transmitQueue == 0
                && waiting?.holder == .notAccepted,
            "In a listener's row, Recv-Q counts the connections that wait for accept(): 1 here. The server asked listen() for a "
                + "backlog of 0 (ss -ltn shows that as Send-Q; netstat and this table do not), and Linux lets one more connection "
                + "wait than that: the first client filled the queue.",
            otherwise: "Expected one connection in the accept queue of the listener, but Recv-Q was "
                + "\(listener?.receiveQueue ?? 0).")
        let unanswered = during.end(second.port, to: port)
        seen.note(
            unanswered?.socket.state == .synSent && !wasConnectedEarly && during.end(port, to: second.port) == nil,
            "The second client's SYN got no answer, neither SYN-ACK nor RST: Linux drops it, in the hope that there is room when "
                + "it comes again. So \(unanswered?.owner ?? "the client") was in SYN_SENT, inside connect(), and the server's end "
                + "had no socket for it. A firewall that drops SYNs, or a host that is down, looks the same. The "
                + "scenario refused shows the difference.",
            otherwise: "Expected SYN_SENT at the second client, but the table had "
                + "\(unanswered?.stateName ?? "no socket").")
        let connection = stage.record.connection(clientPort: second.port)
        let tries = connection?.counters[0].retransmissions ?? 0
        seen.note(
            tries >= 1 && (connection?.openDelay ?? 0) > 0 && secondClient.hasSaid("connected "),
            "\(tries == 1 ? "Its SYN was sent a second time" : "Its SYN was sent \(tries) more times"), by a timer that starts "
                + "at 1 s (RFC 6298). Meanwhile the server continued (SIGCONT) and accepted the first client: now there was "
                + "room, and the handshake was complete \(spanText(connection?.openDelay ?? 0, .prose)) after the first SYN. "
                + "This is how clients notice a busy server: some of their connects take a whole second.",
            otherwise: "The second client did not connect with a retransmitted SYN.")
        try stage.notice(seen)
    }
}
