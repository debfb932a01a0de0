// What the kernel said of a connection, as rules ask for it.

import TCPModel
import TCPTimeline

extension Circumstances {
    /// What tracepoints said of one side; nil if there were none.
    func trace(_ side: Side) -> TracedFacts? {
        guard let trace = kernel?[side].trace, trace.isTraced else { return nil }
        return trace
    }

    /// The kernel's reason for the RST of one side, in its own word.
    func resetReason(_ side: Side) -> String? { trace(side)?.resetReason }

    /// Whether the process of one side was looked at and never had this socket: it has not called accept().
    func wasNeverAccepted(_ side: Side) -> Bool {
        guard let view = kernel?[side] else { return false }
        return view.unacceptedSince != nil || (view.isRead && view.socket?.inode ?? 0 == 0)
    }

    /// `; lab-client gets ECONNRESET` for each side whose program the kernel told an error.
    var errnoWords: String {
        [Side.originator, .responder].compactMap { side in
            guard let code = trace(side)?.errno, let error = errnoName(code) else { return nil }
            return "; \(name(side)) gets \(error)"
        }.joined()
    }

    /// The same as evidence.
    var errnoEvidence: [Finding.Evidence] {
        var evidence: [Finding.Evidence] = []
        if let name = trace(.originator)?.errno.flatMap({ errnoName($0) }) {
            evidence.append(.init("orig_errno", .text(name)))
        }
        if let name = trace(.responder)?.errno.flatMap({ errnoName($0) }) {
            evidence.append(.init("resp_errno", .text(name)))
        }
        return evidence
    }

    /// Octets that one side had received and its program not read, at the latest reading.
    func unread(_ side: Side) -> UInt32 { kernel?[side].socket.map { $0.state == .listen ? 0 : $0.receiveQueue } ?? 0 }

    /// `lab-server[7410]`, or `its process`. Untrusted.
    func processName(_ process: ProcessIdentity?) -> String {
        process.map { "\($0.command)[\($0.pid)]" } ?? "its process"
    }
}

/// Linux's names of the errors that TCP hands to programs (asm-generic/errno.h); nil for others.
func errnoName(_ code: Int32) -> String? {
    switch code {
    case 32: "EPIPE"
    case 103: "ECONNABORTED"
    case 104: "ECONNRESET"
    case 110: "ETIMEDOUT"
    case 111: "ECONNREFUSED"
    case 112: "EHOSTDOWN"
    case 113: "EHOSTUNREACH"
    case 101: "ENETUNREACH"
    case 71: "EPROTO"
    case 90: "EMSGSIZE"
    default: nil
    }
}
