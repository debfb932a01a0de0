// Sockets that ended without a packet, as only the kernel's events show: TCP gave up, or the socket was destroyed.

import TCPMachine
import TCPModel

extension KernelJoin {
    /// The errors that a program gets when its kernel gave up.
    private static let givingUp: Set<LinuxErrno> = [.networkUnreachable, .timedOut, .hostUnreachable]
    /// The longest time between the reports of a socket's end and of its error, in nanoseconds:
    /// both come from one call, which an interrupt may delay.
    private static let endingTime = 10 * Span.millisecond

    /// When a socket ended without a packet, by an event and those before it; nil if they do not show that.
    ///
    /// Whether the end or the error comes first depends on Linux's version (`tcp_done_with_error`, 6.10). An orphan has
    /// no error; its memory is released after any RST that it sent or accepted was reported. In LAST_ACK and CLOSING,
    /// an uncaptured ACK may have caused the end.
    private static func silentEnd(_ event: SocketEvent, _ trace: TracedFacts) -> Timestamp? {
        guard !trace.wasReset, trace.resetTime == nil || trace.resetReason == .noSocket else { return nil }
        switch event.kind {
        case .transition(let from, .closed):
            guard from.endIsTold, let errno = trace.errno, givingUp.contains(errno), let time = trace.errnoTime,
                (0...endingTime).contains(event.time.since(time))
            else { return nil }
            return event.time
        case .socketError(let code):
            guard givingUp.contains(LinuxErrno(rawValue: code)), trace.closedFrom?.endIsTold == true,
                let time = trace.closedTime,
                (0...endingTime).contains(event.time.since(time))
            else { return nil }
            return time
        case .destroyed:
            guard let from = trace.closedFrom, [.synSent, .established, .closeWait, .finWait1].contains(from) else {
                return nil
            }
            return trace.closedTime
        case .transition, .resetSent, .resetReceived, .retransmit, .synAckRetransmit, .dropped: return nil
        }
    }

    /// Whether an event reports such an end: segments that came before it may still be on their way here.
    func isOfSilentEnd(_ event: SocketEvent, _ end: EndpointReference, _ timeline: borrowing Timeline) -> Bool {
        guard event.kind.mayEndSilently, timeline.canBeReset(end.id, end.side) else { return false }
        return look(end.id) { Self.silentEnd(event, $0[end.side].trace) != nil } == true
    }

    /// An event reports an end that the segments up to now do not show: that is news, whatever they show later.
    mutating func dropSilently(
        _ event: SocketEvent, _ end: EndpointReference, _ timeline: inout Timeline, _ said: inout [KernelEvent]
    ) {
        guard event.kind.mayEndSilently, timeline.canBeReset(end.id, end.side), !timeline.isReplaced(end.id),
            !Self.isOlder(event, end, timeline),
            let time = look(end.id, { Self.silentEnd(event, $0[end.side].trace) }) ?? nil
        else { return }
        let wire = timeline.state(of: end.id, end.side)
        guard timeline.kernelDropsSocket(end.side, of: end.id).count > 0 else { return }
        update(end.id, end.side) { view in
            view.droppedFrom = wire
            view.contradiction = nil
            view.suspicion = nil
            said.append(
                KernelEvent(
                    connection: end.id, side: end.side, time: time, kind: .dropped(from: wire), socket: nil,
                    process: view.process, source: .tracepoint))
        }
    }
}

extension SocketEvent.Kind {
    /// Whether the event is worth a look: nearly all are others.
    fileprivate var mayEndSilently: Bool {
        switch self {
        case .transition(_, .closed), .socketError, .destroyed: true
        case .transition, .resetSent, .resetReceived, .retransmit, .synAckRetransmit, .dropped: false
        }
    }
}
