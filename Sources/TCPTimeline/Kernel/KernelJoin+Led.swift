// Where the kernel's word is ahead of the capture: which of its states tell what was not captured.

import TCPMachine
import TCPModel

extension KernelJoin {
    /// Whether an event is to wait: it tells of what was not captured, or follows on one that does.
    func isEarly(_ event: SocketEvent, _ end: EndpointReference, _ timeline: borrowing Timeline) -> Bool {
        if timeline.isReplaced(end.id) || Self.isOlder(event, end, timeline) { return false }
        if early.has(end.id) || isOfUncapturedReset(event, end, timeline) || isOfSilentEnd(event, end, timeline) {
            return true
        }
        guard case .transition(let from, let to) = event.kind, timeline.state(of: end.id, end.side) != to else {
            return false
        }
        let ends = from == .lastAck && to == .closed
        return look(end.id) { view in
            [from, to].contains { state in
                (ends && state == .closed ? .closed : Self.shown(by: state, view[end.side])).map {
                    timeline.isAhead($0, of: end.id, end.side)
                } ?? false
            }
        } ?? false
    }

    /// A socket went from one state to another one, and the segments up to then do not show it. That it begins where nothing leads
    /// either proves an event that was not told.
    static func lead(
        _ from: TCPState, _ to: TCPState, _ event: SocketEvent, _ end: EndpointReference, _ view: KernelSideView,
        _ timeline: inout Timeline, _ said: inout [KernelEvent]
    ) {
        if isOlder(event, end, timeline) { return }
        for state in [from, to] {
            guard let shown = shown(by: state, view), isOfThis(end.side, end.id, view, timeline) else { continue }
            let wire = timeline.state(of: end.id, end.side)
            let led = timeline.kernelLeads(end.side, of: end.id, to: shown, hasPassed: true)
            guard let news = uncaptured(led, wire) else { continue }
            said.append(
                KernelEvent(
                    connection: end.id, side: end.side, time: event.time, kind: news, socket: nil,
                    process: view.process, source: .tracepoint))
        }
        guard to == .closing || to == .finWait1 && (from == .established || from == .synReceived) else { return }
        let wire = timeline.state(of: end.id, end.side)
        let reaction = timeline.kernelClosesFirst(end.side, of: end.id)
        guard reaction.count > 0 else { return }
        var news = KernelEvent(
            connection: end.id, side: end.side, time: event.time,
            kind: .contradiction(kernel: reaction[reaction.count - 1].to, wire: wire), socket: nil,
            process: view.process,
            source: .tracepoint)
        news.isCorrected = true
        said.append(news)
    }

    /// Whether an event came before the SYN that opened the connection: it is of a socket that was at the same address in memory before.
    static func isOlder(_ event: SocketEvent, _ end: EndpointReference, _ timeline: borrowing Timeline) -> Bool {
        timeline.connections.store[end.id].facts.contains(.synSeen)
            && event.time < timeline.connections.store[end.id].firstTime
    }

    /// How far a socket surely came that was in this state: FIN_WAIT_1, LAST_ACK and CLOSING begin when the program closes, and the FIN may
    /// wait behind text. CLOSED may have come of anything.
    private static func shown(by state: TCPState, _ view: KernelSideView) -> TCPState? {
        switch state {
        case .established, .finWait2, .closeWait: state
        case .finWait1: .established
        case .lastAck: .closeWait
        case .closing: .closing
        case .closed: view.trace.endedByAck ? .closed : nil
        case .unseen, .listen, .synSent, .synReceived, .timeWait: nil
        }
    }

    /// The same of a reading, which says where a socket is; its end nobody reads.
    static func lead(
        _ kernel: TCPState, _ side: Side, _ id: ConnectionID, _ view: KernelSideView, _ timeline: inout Timeline
    ) -> KernelEvent.Kind? {
        let wire = timeline.state(of: id, side)
        // The FIN of a socket that is in LAST_ACK and has sent one does not wait; and one that the peer, in TIME_WAIT, has had was
        // acknowledged.
        let isSent = kernel == .lastAck && wire == .finWait1 || kernel == .closed && wire == .lastAck
        guard let shown = kernel == .timeWait || isSent ? kernel : shown(by: kernel, view),
            isOfThis(side, id, view, timeline)
        else { return nil }
        return uncaptured(timeline.kernelLeads(side, of: id, to: shown), wire)
    }

    /// What is told of it; nil if nothing came of it.
    private static func uncaptured(_ led: LedEnds, _ wire: TCPState) -> KernelEvent.Kind? {
        guard led.own.count > 0 else { return nil }
        return .uncaptured(kernel: led.own[led.own.count - 1].to, wire: wire, led)
    }

    /// Whether what the kernel says is of this incarnation of the four-tuple: of whom nothing was captured may have had a socket before.
    static func isOfThis(
        _ side: Side, _ id: ConnectionID, _ view: KernelSideView, _ timeline: borrowing Timeline
    ) -> Bool {
        if side == .originator || timeline.state(of: id, side) != .unseen { return true }
        let isOpening = timeline.state(of: id, .originator)
        return isOpening != .synSent && isOpening != .unseen && isOpening != .closed
            || !view.trace.entered.isDisjoint(with: [.init(.synReceived)])
    }
}
