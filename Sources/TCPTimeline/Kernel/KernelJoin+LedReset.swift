// RSTs that the kernel sent or took and that the capture lacks: a filter left them out, one direction alone is captured, or they were lost.

import TCPMachine
import TCPModel

extension KernelJoin {
    /// An abort ends its socket at most so long after its RST, in nanoseconds: both are one call's.
    private static let abortTime = Span.millisecond
    /// Text came for a socket whose program had closed it. Linux goes the same way there as for a RST that it takes (`tcp_reset`), and tells
    /// of one; its own it tells of behind that.
    private static let abortOnData: KernelWord = "TCP_ABORT_ON_DATA"

    /// Whose RST ended a socket: its own, or one that it took.
    private enum EndingReset { case sent, received }

    /// Whether an event tells that a RST ended this side's socket; nil if it does not.
    ///
    /// Linux tells of the RSTs that it takes only, not of those that it challenges (RFC 5961 3.2). Those that it sends may be answers
    /// to what suits no socket, or not this one: they end it only if it has gone, or a process's call sent them.
    private static func reset(_ event: SocketEvent, _ trace: TracedFacts) -> EndingReset? {
        switch event.kind {
        case .resetReceived: return .received
        case .resetSent: return trace.state == .closed || event.isProcessContext ? .sent : nil
        case .transition(_, .closed):
            // A timer's abort (keep-alive) sends it first.
            guard let time = trace.resetTime, trace.resetReason != .noSocket else { return nil }
            return (0...abortTime).contains(event.time.since(time)) ? .sent : nil
        case .transition, .retransmit, .synAckRetransmit, .socketError, .destroyed, .dropped: return nil
        }
    }

    /// Whether it is worth a look: nearly all events are others.
    private static func mayBeOfReset(_ kind: SocketEvent.Kind) -> Bool {
        switch kind {
        case .resetReceived, .resetSent, .transition(_, .closed): true
        case .transition, .retransmit, .synAckRetransmit, .socketError, .destroyed, .dropped: false
        }
    }

    /// Whether an event tells of such a RST that has not been captured yet.
    func isOfUncapturedReset(
        _ event: SocketEvent, _ end: EndpointReference, _ timeline: borrowing Timeline
    ) -> Bool {
        guard Self.mayBeOfReset(event.kind), timeline.canBeReset(end.id, end.side) else { return false }
        return look(end.id) { Self.reset(event, $0[end.side].trace) != nil } == true
    }

    /// The segments up to now do not show the RST that an event tells of.
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
        guard timeline.canBeReset(end.id, end.side), !Self.isOlder(event, end, timeline) else { return }
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

    /// What a RST shows of the other end. Its own kernel tells whether a RST arrived there; and who has a socket did not send one, but
    /// somebody else in its name.
    private static func fate(of peer: KernelSideView, _ reset: EndingReset) -> ResetsPeer {
        switch reset {
        case .sent: peer.isLocal ? .isToTell : .ends
        case .received: peer.trace.hasSocket ? .isToTell : .ends
        }
    }
}
