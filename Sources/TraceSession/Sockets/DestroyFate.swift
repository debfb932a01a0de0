// The predicted effect of SOCK_DESTROY on a connection, from the sockets of both ends: a pure function (net/ipv4/tcp.c,
// tcp_abort).

import TCPModel
import TimelineReport

/// The consequences of ending one socket. The errors are those that the kernel was observed to return; a test provokes
/// each.
struct DestroyFate {
    let target: DetailedSocket
    let holder: SocketRow.Holder
    /// The other end's socket, if it is on this host.
    let peer: SocketRow?

    private var state: TCPState { target.socket.state }

    /// Whether only a remnant of a connection is left: a TIME_WAIT, an orphan's FIN_WAIT_2, a request. It has no
    /// buffers and no owner.
    private var isRemnant: Bool { state == .timeWait || target.details.info == nil }

    /// Whether a RST is sent: in the states for which RFC 9293 3.10.5 (ABORT) demands one, if there is still a full
    /// socket.
    var sendsReset: Bool {
        guard !isRemnant else { return false }
        switch state {
        case .established, .closeWait, .finWait1, .finWait2, .synReceived: return true
        case .unseen, .closed, .listen, .synSent, .closing, .lastAck, .timeWait: return false
        }
    }

    /// Octets received but not read. A received FIN counts as one octet in the kernel's queue.
    private static func unread(_ socket: KernelSocket) -> UInt32 {
        switch socket.state {
        case .closeWait, .lastAck, .closing: socket.receiveQueue - min(1, socket.receiveQueue)
        default: socket.receiveQueue
        }
    }

    /// One line per subject, in prose.
    var lines: [String] { [socketLine, dataLine, ownerLine, peerLine].compactMap { $0 } }

    private var socketLine: String {
        if isRemnant {
            return "the socket: disappears silently; no RST is sent"
                + (state == .timeWait ? ", and late segments of the connection are refused from then on" : "")
        }
        let reset = sendsReset ? "a RST is sent" : "no RST is sent in this state"
        return "the socket: from \(state.displayName) to CLOSED at once; \(reset); no TIME_WAIT is left"
    }

    private var dataLine: String? {
        guard !isRemnant else { return nil }
        var parts: [String] = []
        let unread = Self.unread(target.socket)
        if unread > 0 {
            parts.append(
                holder == .noProcess
                    ? "\(octets(unread)) not read \(unread == 1 ? "is" : "are") lost"
                    : "\(octets(unread)) not read \(unread == 1 ? "stays" : "stay") readable")
        }
        let lost = target.socket.unacknowledgedText
        if lost > 0 {
            var text = "\(octets(lost)) not acknowledged \(lost == 1 ? "is" : "are") lost"
            if let unsent = target.details.info?.notSentBytes, unsent > 0 { text += " (\(unsent) never sent)" }
            parts.append(text)
        }
        if let peer, sendsReset {
            let waiting = Self.unread(peer.socket)
            if waiting > 0 {
                parts.append("\(octets(waiting)) not read at the peer \(waiting == 1 ? "stays" : "stay") readable")
            }
            let lost = peer.socket.unacknowledgedText
            if lost > 0 {
                parts.append("\(octets(lost)) of the peer's, not acknowledged, \(lost == 1 ? "is" : "are") lost")
            }
        }
        return "data: " + (parts.isEmpty ? "nothing is lost" : parts.joined(separator: "; "))
    }

    private var ownerLine: String {
        switch holder {
        case .processes(let processes):
            return "its owner \(KillPlan.list(processes)): \(Self.calls(state, "ECONNABORTED"))"
        case .unknown: return "its owner (not visible from here): \(Self.calls(state, "ECONNABORTED"))"
        case .notAccepted:
            return "its owner: none yet; accept() still returns it, and the next call on it fails with ECONNABORTED"
        case .noProcess, .none: return "its owner: none; no process learns of it"
        }
    }

    private static func calls(_ state: TCPState, _ error: String) -> String {
        switch state {
        case .synSent: "connect() fails with \(error)"
        // After a FIN, read() returns the end of file first, and the error only afterwards.
        case .closeWait: "read() returns 0 (end of file), write() fails with \(error)"
        default: "the next read() or write() fails with \(error)"
        }
    }

    private var peerLine: String {
        let name =
            peer.map { $0.processes.isEmpty ? "the peer" : "the peer \(KillPlan.list($0.processes))" } ?? "the peer"
        guard sendsReset else {
            return "\(name): learns nothing; what it sends later is answered with a RST"
        }
        // An end that received our FIN is in CLOSE_WAIT, where the kernel turns a RST into EPIPE.
        let theirs = peer?.socket.state ?? (state == .finWait2 ? .closeWait : .established)
        // An orphan: its process closed it or ended before.
        if let peer, peer.holder == .noProcess {
            return "\(name): its \(peer.socket.state.displayName) ends, too; no process learns of it"
        }
        switch theirs {
        case .closeWait: return "\(name): read() returns 0 (end of file), write() fails with EPIPE"
        case .timeWait: return "\(name): its TIME_WAIT may end early (RFC 1337)"
        case .synSent: return "\(name): connect() fails with ECONNREFUSED"
        default: return "\(name): the next read() or write() fails with ECONNRESET"
        }
    }

    private func octets(_ count: UInt32) -> String { count == 1 ? "1 octet" : "\(count) octets" }
}
