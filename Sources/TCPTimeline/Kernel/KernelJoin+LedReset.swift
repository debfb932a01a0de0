// RSTs that the kernel sent or accepted and that the capture lacks: a filter excluded them,
// only one direction is captured, or they were lost.

import TCPMachine
import TCPModel

extension KernelJoin {
    /// The longest time from an abort's RST to the end of its socket, in nanoseconds: both happen in one call.
    private static let abortTime = Span.millisecond
    /// Text arrived for a socket whose program had closed it. Linux then takes the same path as for a RST that it
    /// accepts (`tcp_reset`), and reports accepting one; it reports its own RST after that.
    private static let abortOnData: KernelWord = "TCP_ABORT_ON_DATA"

    /// Which RST ended a socket: its own, or one that it accepted.
    private enum EndingReset { case sent, received }

    /// Whether an event shows that a RST ended this side's socket; nil if it does not.
    ///
    /// Linux reports only the RSTs that it accepts, not those that it challenges (RFC 5961
    /// 3.2). The RSTs that it sends may answer segments that fit no socket, or not this one:
    /// they end it only if it has gone, or a process's call sent them.
    private static func reset(_ event: SocketEvent, _ trace: TracedFacts) -> EndingReset? {
        switch event.kind {
        case .resetReceived: return .received
        case .resetSent:
            // An attempt to open is given up without a RST (tcp_need_reset): one that is sent in SYN_SENT answers a
            // segment with a wrong ACK (RFC 9293 3.10.7.3), on loopback within connect().
            if (event.resetState ?? trace.state) == .synSent { return nil }
            return trace.state == .closed || event.isProcessContext ? .sent : nil
        case .transition(_, .closed):
            // A timer's abort (keep-alive) sends the RST first.
            guard let time = trace.resetTime, trace.resetReason != .noSocket else { return nil }
            return (0...abortTime).contains(event.time.since(time)) ? .sent : nil
        case .transition, .retransmit, .synAckRetransmit, .socketError, .destroyed, .dropped: return nil
        }
    }

    /// Whether the event is worth a look: nearly all are others.
    private static func mayBeOfReset(_ kind: SocketEvent.Kind) -> Bool {
        switch kind {
        case .resetReceived, .resetSent, .transition(_, .closed): true
        case .transition, .retransmit, .synAckRetransmit, .socketError, .destroyed, .dropped: false
        }
    }

    /// Whether an event reveals such a RST that has not been captured yet.
    func isOfUncapturedReset(
        _ event: SocketEvent, _ end: EndpointReference, _ timeline: borrowing Timeline
    ) -> Bool {
        guard Self.mayBeOfReset(event.kind), timeline.canBeReset(end.id, end.side), !timeline.isReplaced(end.id) else {
            return false
        }
        return look(end.id) { Self.reset(event, $0[end.side].trace) != nil } == true
    }

    /// An event reveals a RST that the segments up to now do not show.
    mutating func leadReset(
        _ event: SocketEvent, _ end: EndpointReference, _ timeline: inout Timeline, _ said: inout [KernelEvent]
    ) {
        guard Self.mayBeOfReset(event.kind), let view = look(end.id, { $0 }),
            let reset = Self.reset(event, view[end.side].trace)
        else { return }
        if event.kind == .resetSent(reason: Self.abortOnData), view[end.side].isResetLed {
            timeline.correctResetter(end.id, to: end.side)
        }
        let wire = timeline.state(of: end.id, end.side)
        // The RST that ends a socket whose four-tuple is another connection's by now is that one's, and was captured.
        guard timeline.canBeReset(end.id, end.side), !timeline.isReplaced(end.id), !Self.isOlder(event, end, timeline)
        else { return }
        let led = timeline.kernelEndsByReset(
            end.side, of: end.id, isReceived: reset == .received, isKnown: view[end.side.other].isResetLed,
            isCaptured: reset == .received
                && timeline.hasUnheededReset(end.id, by: end.side.other, justBefore: event.time),
            peer: Self.fate(of: view[end.side.other], reset))
        guard led.own.count > 0 else { return }
        update(end.id, end.side) { view in
            view.isResetLed = led.resetter != nil
            view.contradiction = nil
            view.suspicion = nil
            said.append(
                KernelEvent(
                    connection: end.id, side: end.side, time: event.time,
                    kind: .uncaptured(kernel: .closed, wire: wire, led), socket: nil, process: view.process,
                    source: .tracepoint))
        }
    }

    /// What a RST shows about the other end. That end's own kernel reports whether a RST arrived there; and an end that
    /// still has a socket did not send one, a third party did in its name.
    private static func fate(of peer: KernelSideView, _ reset: EndingReset) -> ResetsPeer {
        switch reset {
        case .sent: peer.isLocal ? .isToTell : .ends
        case .received: peer.trace.hasSocket ? .isToTell : .ends
        }
    }
}
