// The words for tracepoint events on the ladder.

import TCPModel
import TCPTimeline

extension SocketEvent.Kind {
    /// Whether the ladder has a line for the event: only if segments do not show it. Other events are marks, or need
    /// `-v`.
    func isWorthALine(_ verbosity: Int) -> Bool {
        switch self {
        case .resetSent, .socketError: true
        // The answer, a RST, already shows the former; the latter covers segments that are old by design: probes,
        // keep-alives, retransmissions.
        case .dropped(.noSocket): verbosity > 1
        case .dropped(.oldSequence): verbosity > 0
        case .dropped: true
        case .retransmit, .synAckRetransmit: verbosity > 0
        case .transition, .resetReceived, .destroyed: verbosity > 1
        }
    }
}

/// Appends the words for a tracepoint event: `kernel: tcp_send_reset TCP_ABORT_ON_CLOSE by lab-server[7410]`.
func appendTraced(_ fact: SocketEvent.Kind, _ event: KernelEvent, to buffer: inout OutputBuffer) {
    let who = event.side.roleName
    buffer.append("kernel: ")
    switch fact {
    case .resetSent(let reason):
        buffer.append("tcp_send_reset")
        if let reason {
            buffer.append(" ")
            buffer.appendPrintable(reason.text)
        }
        // Without a socket, the process that happened to run on the processor is not involved.
        if let process = event.process, reason != .noSocket {
            buffer.append(" by ")
            buffer.appendPrintable(process.command)
            buffer.append("[")
            buffer.append(number: process.pid)
            buffer.append("]")
        }
    case .socketError(let code):
        buffer.append(who)
        buffer.append(" gets ")
        if let name = LinuxErrno(rawValue: code).name {
            buffer.append(name)
        } else {
            buffer.append("errno ")
            buffer.append(number: code)
        }
    case .dropped(let reason):
        buffer.append("packet for ")
        buffer.append(who)
        buffer.append(" dropped, ")
        buffer.appendPrintable(reason.text)
    case .retransmit:
        buffer.append(who)
        buffer.append(" retransmits")
    case .synAckRetransmit: buffer.append("server retransmits SYN,ACK")
    case .resetReceived:
        buffer.append(who)
        buffer.append(" accepts the RST")
    case .destroyed:
        buffer.append(who)
        buffer.append("'s socket is destroyed")
    case .transition(let from, let to):
        buffer.append(who)
        buffer.append(" ")
        buffer.append(from.displayName)
        buffer.append(" -> ")
        buffer.append(to.displayName)
    }
}
