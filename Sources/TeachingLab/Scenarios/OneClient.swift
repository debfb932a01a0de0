// The ordinary life of a connection: listen, handshake, data, close, TIME_WAIT.

import TCPModel
import TCPTimeline
import TimelineReport

extension LabScenario {
    func playOneClient(_ stage: inout Stage) throws(TourError) {
        let server = try stage.startServer(["--close"])
        let before = try stage.sockets("Sockets before: the server listens")
        let client = try stage.startConnectedClient()
        client.program.type("hello\n")
        _ = try stage.wait(until: { client.program.hasSaid("reply ") })
        try stage.pause(milliseconds: 100)
        let during = try stage.sockets("Sockets during: the connection is open")
        client.program.type("fin\n")
        _ = try stage.wait(until: { server.hasSaid("closed ") && client.program.hasEnded })
        try stage.pause()
        try stage.finishTimeline("Timeline")
        let after = try stage.sockets("Sockets after: both have closed")

        let clientEnd = during.end(client.port, to: stage.port)
        let serverEnd = during.end(stage.port, to: client.port)
        var seen = Observations()
        seen.note(
            before.listener(stage.port)?.owner != nil && after.listener(stage.port) != nil,
            "Port \(stage.port) was in LISTEN before any client came, held by "
                + "\(before.listener(stage.port)?.owner ?? ""), and it still is: each connection has a socket of its own "
                + "beside the listening one.",
            otherwise: "No process was seen to hold port \(stage.port) in LISTEN before and after.")
        if let connection = stage.record.connection(clientPort: client.port) {
            seen.note(
                connection.openDelay >= 0,
                "The handshake (SYN, SYN-ACK, ACK) took \(spanText(connection.openDelay, .prose)).",
                otherwise: "The complete handshake was not seen.")
        }
        seen.note(
            clientEnd?.socket.state == .established && serverEnd?.socket.state == .established,
            "The connection has two sockets here, since both ends are on this host: \(clientEnd?.owner ?? "no process") and "
                + "\(serverEnd?.owner ?? "no process") held one each, both in ESTABLISHED.",
            otherwise: "Expected both ends in ESTABLISHED, but the table had "
                + "\(clientEnd?.stateName ?? "none") and \(serverEnd?.stateName ?? "none").")
        noteClose(client.port, stage, after, &seen)
        try stage.notice(seen)
    }

    /// Notes which end closed first, and which one has to stay in TIME_WAIT for that.
    private func noteClose(
        _ clientPort: UInt16, _ stage: borrowing Stage, _ after: [SocketRow], _ seen: inout Observations
    ) {
        let closer = stage.record.connection(clientPort: clientPort)?.closer
        let clientEnd = after.end(clientPort, to: stage.port)
        let serverEnd = after.end(stage.port, to: clientPort)
        let waits = closer == .originator ? clientEnd : serverEnd
        let other = closer == .originator ? serverEnd : clientEnd
        let who = closer == .originator ? "client" : "server"
        seen.note(
            closer != nil && waits?.socket.state == .timeWait && other == nil,
            "The \(who) closed first, so the \(who)'s end stays in TIME_WAIT (60 s on Linux; then it disappears "
                + "without a segment). It belongs to the kernel: no process holds it. The other end is already gone.",
            otherwise: "Expected TIME_WAIT at the end that closed first, but the table had "
                + "\(clientEnd?.stateName ?? "no socket") at the client and \(serverEnd?.stateName ?? "no socket") at the server."
        )
    }
}
