// Two clients at once: with a server that serves one at a time, and with one that uses threads.

import TCPModel
import TimelineReport

/// Both clients, connected; each has sent a line.
private struct Pair {
    let server: LabProgram
    let first: (program: LabProgram, port: UInt16)
    let second: (program: LabProgram, port: UInt16)
    /// The line sent by the second client, with its line end.
    static let message = "hello from the second\n"

    /// Starts the server, shows its sockets, and starts both clients.
    init(_ stage: inout Stage, _ arguments: [String]) throws(TourError) {
        server = try stage.startServer(arguments)
        try stage.sockets("Sockets before: the server listens")
        let first = try stage.startConnectedClient()
        first.program.type("hello from the first\n")
        _ = try stage.wait(until: { first.program.hasSaid("reply ") })
        let second = try stage.startConnectedClient()
        second.program.type(Self.message)
        try stage.pause(milliseconds: 400)
        self.first = first
        self.second = second
    }

    /// The first client says fin, then the second.
    func close(_ stage: inout Stage) throws(TourError) {
        first.program.type("fin\n")
        let first = first.program
        let second = second.program
        let server = server
        _ = try stage.wait(until: { first.hasEnded && second.hasSaid("reply ") })
        // Time for a look at the kernel's tables while the server serves the second client.
        try stage.pause(milliseconds: 150)
        second.type("fin\n")
        _ = try stage.wait(until: { second.hasEnded && server.lines.count { $0.hasPrefix("closed ") } == 2 })
        try stage.pause()
    }

    /// The words that tell both clients apart.
    var numbers: String {
        "first: lab-client[\(first.program.pid)] from port \(first.port), second: lab-client[\(second.program.pid)] "
            + "from port \(second.port)"
    }
}

extension LabScenario {
    func playTwoClients(_ stage: inout Stage) throws(TourError) {
        let pair = try Pair(&stage, ["--close"])
        let during = try stage.sockets("Sockets during (\(pair.numbers))")
        let answeredEarly = pair.second.program.hasSaid("reply ")
        try pair.close(&stage)
        try stage.finishTimeline("Timeline (each row begins with its connection's number)")
        try stage.sockets("Sockets after: both have closed")

        let clientEnd = during.end(pair.second.port, to: stage.port)
        let waiting = during.end(stage.port, to: pair.second.port)
        var seen = Observations()
        seen.note(
            clientEnd?.socket.state == .established && waiting?.socket.state == .established,
            "The second connection was ESTABLISHED at both ends: Linux completes the handshake by itself, on behalf of the "
                + "listening socket, and accept() only fetches a connection that is already open.",
            otherwise: "Expected the second connection in ESTABLISHED, but the table had "
                + "\(clientEnd?.stateName ?? "no socket") and \(waiting?.stateName ?? "no socket").")
        seen.note(
            waiting?.holder == .notAccepted,
            "No process owned the server's end of it: (not accepted). It waited in the accept queue while "
                + "lab-server[\(pair.server.pid)] was busy with the first client.",
            otherwise: "The server's end already had an owner: \(waiting?.owner ?? "unknown").")
        let unread = waiting?.socket.receiveQueue ?? 0
        seen.note(
            Int(unread) == Pair.message.utf8.count && !answeredEarly,
            "The second client's \(unread) octets were acknowledged by Linux but remained unread: Recv-Q \(unread). An "
                + "ACK does not mean that a program has read anything.",
            otherwise: "Expected \(Pair.message.utf8.count) unread octets, but Recv-Q was \(unread).")
        seen.note(
            pair.second.program.hasSaid("reply "),
            "Its answer came as soon as the first client had sent fin and was gone.",
            otherwise: "The second client was never answered.")
        try stage.notice(seen)
    }

    func playThreaded(_ stage: inout Stage) throws(TourError) {
        let pair = try Pair(&stage, ["--mode", "threaded"])
        let during = try stage.sockets("Sockets during (\(pair.numbers))")
        let answers = [pair.first, pair.second].count { $0.program.hasSaid("reply ") }
        try pair.close(&stage)
        try stage.finishTimeline("Timeline (each row begins with its connection's number)")
        let after = try stage.sockets("Sockets after: both have closed")

        let ends = [pair.first, pair.second].compactMap { during.end(stage.port, to: $0.port) }
        let owned = ends.count { $0.processes.contains { $0.pid == pair.server.pid } }
        let unread = ends.reduce(0) { $0 + Int($1.socket.receiveQueue) }
        var seen = Observations()
        seen.note(
            owned == 2 && unread == 0,
            "Both connections were accepted right away: lab-server[\(pair.server.pid)] held two sockets besides the listening "
                + "one, and nothing waited in Recv-Q.",
            otherwise: "Expected the server to hold both connections with nothing unread, but it held \(owned), with "
                + "\(counted(unread, "octet")) unread.")
        seen.note(
            answers == 2, "Both clients had their answers before either of them sent fin.",
            otherwise: "\(counted(answers, "client")) of 2 had an answer before the first one sent fin.")
        let waits = [pair.first, pair.second].count { after.end($0.port, to: stage.port)?.socket.state == .timeWait }
        seen.note(
            waits == 2,
            "One port serves many clients: the connections differ only in the clients' ports (\(pair.first.port) and "
                + "\(pair.second.port)), and each now has its own TIME_WAIT.",
            otherwise: "Expected two ends in TIME_WAIT, but counted \(waits).")
        try stage.notice(seen)
    }
}
