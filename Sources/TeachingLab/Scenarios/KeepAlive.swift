// Keep-alives: how a kernel checks whether the other end is still there, and which side answers.

import TCPModel
import TCPTimeline
import TimelineReport

extension LabScenario {
    func playKeepAlive(_ stage: inout Stage) throws(TourError) {
        let server = try stage.startServer(["--close"])
        try stage.sockets("Sockets before: the server listens")
        let client = try stage.startConnectedClient(["--keep-alive", "1"])
        client.program.type("hello\n")
        _ = try stage.wait(until: { client.program.hasSaid("reply ") })
        let wasStopped = server.stop()
        let record = stage.record
        _ = try stage.wait(until: { record.keepAlives.answered >= 2 })
        try stage.pause(milliseconds: 50)
        let during = try stage.sockets(
            "Sockets during: two seconds without data, while the server is stopped")
        let quiet = record.connection(clientPort: client.port)
        let keepAlives = record.keepAlives
        server.resume()
        client.program.closeInput()
        _ = try stage.wait(until: { server.hasSaid("closed ") && client.program.hasEnded })
        try stage.pause()
        try stage.finishTimeline("Timeline (the server is stopped from its answer to the teardown)")
        try stage.sockets("Sockets after: both have closed")

        let clientEnd = during.end(client.port, to: stage.port)
        let serverEnd = during.end(stage.port, to: client.port)
        // `hello` and its answer, with their line ends, and nothing since.
        let isQuiet = quiet?.counters[0].uniqueBytes == 6 && quiet?.counters[1].uniqueBytes == 14
        var seen = Observations()
        seen.note(
            keepAlives.asked >= 2 && isQuiet,
            "In all that time neither program sent anything, but the client's Linux sent \(keepAlives.asked) keep-alives: "
                + "segments without data whose sequence number is one too low, so that the other end has to answer with an "
                + "ACK (RFC 9293 3.8.4).",
            otherwise: "Expected 2 keep-alives and no data, but counted \(keepAlives.asked).")
        seen.note(
            wasStopped && keepAlives.answered == keepAlives.asked
                && clientEnd?.socket.state == .established && serverEnd?.socket.state == .established,
            "Each was answered, although lab-server[\(server.pid)] was stopped: its kernel answers them. A keep-alive "
                + "shows that the other host and the path to it are alive, not that the program works.",
            otherwise: "Expected 2 answers for a stopped server, and both ends in ESTABLISHED, but counted "
                + "\(keepAlives.answered), and the table had "
                + "\(clientEnd?.stateName ?? "no socket") and \(serverEnd?.stateName ?? "no socket").")
        seen.note(
            "They are sent only if a program sets SO_KEEPALIVE, and the first one only after two hours "
                + "(net.ipv4.tcp_keepalive_time) unless it sets a time, as lab-client --keep-alive does. Without them, an idle "
                + "connection sends nothing at all: if the other host lost power, this end would stay ESTABLISHED.")
        try stage.notice(seen)
    }
}
