// Where the kernel is ahead of the capture: which of its states reveal segments that were not captured.

import TCPMachine
import TCPModel

extension KernelJoin {
    /// Whether an event must wait: it reveals something that was not captured, or follows an event that does.
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

    /// A socket changed its state, and the segments up to then do not show that. If no segment leads to the old state
    /// either, that proves an event that was not reported.
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

    /// Whether an event precedes the SYN that opened the connection:
    /// it belongs to an earlier socket at the same address in memory.
    static func isOlder(_ event: SocketEvent, _ end: EndpointReference, _ timeline: borrowing Timeline) -> Bool {
        timeline.connections.store[end.id].facts.contains(.synSeen)
            && event.time < timeline.connections.store[end.id].firstTime
    }

    /// How far a socket in this state has certainly come: FIN_WAIT_1, LAST_ACK and CLOSING begin when the program
    /// closes, and the FIN may wait behind text. CLOSED may have any cause.
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

    /// Like the above, for a reading, which shows a socket's present state but not how it ended.
    static func lead(
        _ kernel: TCPState, _ side: Side, _ id: ConnectionID, _ view: KernelSideView, _ timeline: inout Timeline
    ) -> KernelEvent.Kind? {
        let wire = timeline.state(of: id, side)
        // In LAST_ACK, a FIN that was already sent does not wait; and one that the peer, in TIME_WAIT,
        // has received was acknowledged.
        let isSent = kernel == .lastAck && wire == .finWait1 || kernel == .closed && wire == .lastAck
        guard let shown = kernel == .timeWait || isSent ? kernel : shown(by: kernel, view),
            isOfThis(side, id, view, timeline)
        else { return nil }
        return uncaptured(timeline.kernelLeads(side, of: id, to: shown), wire)
    }

    /// The news to report; nil if nothing changed.
    private static func uncaptured(_ led: LedEnds, _ wire: TCPState) -> KernelEvent.Kind? {
        guard led.own.count > 0 else { return nil }
        return .uncaptured(kernel: led.own[led.own.count - 1].to, wire: wire, led)
    }

    /// Whether the kernel's report concerns this incarnation of the four-tuple:
    /// an end from which nothing was captured may have had a socket before.
    static func isOfThis(
        _ side: Side, _ id: ConnectionID, _ view: KernelSideView, _ timeline: borrowing Timeline
    ) -> Bool {
        if side == .originator || timeline.state(of: id, side) != .unseen { return true }
        let isOpening = timeline.state(of: id, .originator)
        return isOpening != .synSent && isOpening != .unseen && isOpening != .closed
            || !view.trace.entered.isDisjoint(with: [.init(.synReceived)])
    }
}
