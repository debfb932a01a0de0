// Sockets of which the kernel's events alone say that they have gone, and no packet: it gave up, or somebody destroyed them.

import TCPMachine
import TCPModel

extension KernelJoin {
    /// What the program gets when its kernel gave up.
    private static let givingUp: Set<LinuxErrno> = [.networkUnreachable, .timedOut, .hostUnreachable]
    /// A socket's end and its error are told at most so far apart, in nanoseconds: both are one call's, which an
    /// interrupt may hold up.
    private static let endingTime = 10 * Span.millisecond

    /// When a socket went without a packet, as an event and those before it tell; nil if they do not.
    ///
    /// Which comes first of the end and the error depends on Linux's version (`tcp_done_with_error`, 6.10). An orphan has no error; its memory
    /// is given back when any RST that it sent or took was told. From LAST_ACK and CLOSING an ACK may have brought it that was not captured.
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
            guard let from = trace.closedFrom, [.established, .closeWait, .finWait1].contains(from) else { return nil }
            return trace.closedTime
        case .transition, .resetSent, .resetReceived, .retransmit, .synAckRetransmit, .dropped: return nil
        }
    }

    /// Whether an event tells of such an end: segments that came before it may be on their way here.
    func isOfSilentEnd(_ event: SocketEvent, _ end: EndpointReference, _ timeline: borrowing Timeline) -> Bool {
        guard event.kind.mayEndSilently, timeline.canBeReset(end.id, end.side) else { return false }
        return look(end.id) { Self.silentEnd(event, $0[end.side].trace) != nil } == true
    }

    /// The segments up to now do not show the end that an event tells of: that is news, whatever they show later.
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
    /// Whether it is worth a look: nearly all events are others.
    fileprivate var mayEndSilently: Bool {
        switch self {
        case .transition(_, .closed), .socketError, .destroyed: true
        case .transition, .resetSent, .resetReceived, .retransmit, .synAckRetransmit, .dropped: false
        }
    }
}
