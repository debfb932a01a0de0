// The forgotten close(): FIN_WAIT_2 and CLOSE_WAIT, the owners of these sockets, and what ends them.

import Glibc
import TCPModel
import TCPTimeline
import TimelineReport

extension LabScenario {
    func playFin(_ stage: inout Stage) throws(TourError) {
        let server = try stage.startServer()
        try stage.sockets("Sockets before: the server listens")
        let client = try stage.startConnectedClient()
        client.program.type("hello\n")
        _ = try stage.wait(until: { client.program.hasSaid("reply ") })
        try stage.pause(milliseconds: 100)
        try stage.sockets("Sockets during: the connection is open")
        client.program.type("fin\n")
        _ = try stage.wait(until: { server.hasSaid("kept ") && client.program.hasEnded })
        try stage.pause(milliseconds: 400)
        let stuck = try stage.sockets("Sockets after the client has ended: stuck half-way")
        try stage.timeline("Timeline up to here")
        let serverName = stuck.listener(stage.port)?.owner ?? "lab-server[\(server.pid)]"
        let wasKilled = try stage.kill(server, "The way out")
        try stage.pause()
        try stage.finishTimeline("Timeline, the rest")
        let after = try stage.sockets("Sockets after the server has ended")

        let clientEnd = stuck.end(client.port, to: stage.port)
        let serverEnd = stuck.end(stage.port, to: client.port)
        let finalEnd = after.end(client.port, to: stage.port)
        var seen = Observations()
        seen.note(
            clientEnd?.socket.state == .finWait2 && serverEnd?.socket.state == .closeWait,
            "The client's FIN was acknowledged, but the server never sent its own: FIN_WAIT_2 at the client, CLOSE_WAIT at "
                + "the server. Linux acknowledges a FIN by itself, but only the program can close its side.",
            otherwise:
                "Expected FIN_WAIT_2 and CLOSE_WAIT, but the table had \(clientEnd?.stateName ?? "no socket") at the "
                + "client and \(serverEnd?.stateName ?? "no socket") at the server.")
        seen.noteLossProbe(stage.record.connection(clientPort: client.port))
        seen.note(
            clientEnd?.socket.inode == 0 && client.program.hasEnded,
            "lab-client[\(client.program.pid)] has ended, so the FIN_WAIT_2 belongs to no process. Linux drops it after "
                + "net.ipv4.tcp_fin_timeout (\(finTimeout())) without sending anything.",
            otherwise: "The client's end still belonged to a process, or was gone.")
        seen.note(
            serverEnd?.owner != nil,
            "The CLOSE_WAIT is held by \(serverEnd?.owner ?? ""), which has not called close(). No timer ends it: without the "
                + "kill it would have lasted as long as that process, and the client's kernel would have dropped its own end.",
            otherwise: "No process was seen to hold the server's end.")
        seen.note(
            wasKilled && after.listener(stage.port) == nil && after.end(stage.port, to: client.port) == nil,
            "Ending \(serverName) closed its sockets: the missing FIN was sent, the CLOSE_WAIT and the listening socket are "
                + "gone, and the client's end is now \(finalEnd?.stateName ?? "gone too").",
            otherwise: "The server did not end, or its sockets are still there.")
        try stage.notice(seen)
    }

    /// How long Linux keeps a FIN_WAIT_2 that belongs to no process.
    private func finTimeout() -> String {
        // There is nothing to close if open(2) fails; the path is NUL-terminated during the call.
        let descriptor = unsafe open("/proc/sys/net/ipv4/tcp_fin_timeout", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "60 s unless changed" }
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 32)
        let room = text.count
        // At most `room` octets are written, for which the array has room.
        let count = unsafe read(descriptor, &text, room)
        guard count > 0, let seconds = Int(String(decoding: text[..<count].filter { $0 > 0x20 }, as: UTF8.self)) else {
            return "60 s unless changed"
        }
        return "\(seconds) s here"
    }
}
