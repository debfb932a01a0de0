// Where the kernel's word is ahead of the capture: which of its states tell what was not captured.

import TCPMachine
import TCPModel

/// Events that are ahead of the capture, and those that follow on them: the segment may be on its way here, from a processor that was
/// held up while it captured it.
struct EarlyEvents {
    /// More than so many do not wait.
    private static let limit = 65_536

    private var queue = Queue<(event: SocketEvent, of: EndpointReference, since: Timestamp)>()
    /// How many wait, by connection.
    private var counts: [ConnectionID: Int] = [:]
    /// The same by the socket's address in memory, where the next one may be within microseconds: a file has their events in order.
    private var sockets: [UInt64: Int] = [:]
    /// The same by the packet's, which tells whose answer it had when it is dropped.
    private var packets: [UInt64: Int] = [:]
    /// When the latest events were read.
    var now = Timestamp(nanoseconds: 0)

    var isEmpty: Bool { counts.isEmpty }

    /// Whether one of this connection waits.
    func has(_ id: ConnectionID) -> Bool { !counts.isEmpty && counts[id] != nil }

    /// Whether one of the socket that is, or was, at this address in memory waits.
    func has(socket: UInt64) -> Bool { !sockets.isEmpty && socket != 0 && sockets[socket] != nil }

    /// Whether one of the packet that is, or was, at this address in memory waits.
    func has(packet: UInt64) -> Bool { !packets.isEmpty && packet != 0 && packets[packet] != nil }

    /// Has one wait; false if too many do.
    mutating func hold(_ event: SocketEvent, of end: EndpointReference) -> Bool {
        guard queue.count < Self.limit else { return false }
        queue.append((event, end, now))
        counts[end.id, default: 0] += 1
        sockets[event.socket, default: 0] += 1
        packets[event.packet, default: 0] += 1
        return true
    }

    /// The next one that has waited for so long, in nanoseconds.
    mutating func next(heldFor patience: Int64) -> (event: SocketEvent, of: EndpointReference)? {
        guard let item = queue.first, now.since(item.since) >= patience else { return nil }
        queue.popFirst()
        noteTaken(item.event, item.of)
        return (item.event, item.of)
    }

    /// All that wait of these connections.
    mutating func take(of ids: [ConnectionID]) -> [(event: SocketEvent, of: EndpointReference)] {
        let ids = Set(ids.filter(has))
        guard !ids.isEmpty else { return [] }
        var taken: [(event: SocketEvent, of: EndpointReference)] = []
        var rest = Queue<(event: SocketEvent, of: EndpointReference, since: Timestamp)>()
        while let item = queue.popFirst() {
            if ids.contains(item.of.id) {
                noteTaken(item.event, item.of)
                taken.append((item.event, item.of))
            } else {
                rest.append(item)
            }
        }
        queue = rest
        return taken
    }

    private mutating func noteTaken(_ event: SocketEvent, _ end: EndpointReference) {
        Self.countDown(&counts, end.id)
        Self.countDown(&sockets, event.socket)
        Self.countDown(&packets, event.packet)
    }

    private static func countDown<Key>(_ counts: inout [Key: Int], _ key: Key) {
        let left = (counts[key] ?? 1) - 1
        counts[key] = left > 0 ? left : nil
    }
}

extension KernelJoin {
    /// Whether events wait that are ahead of the capture.
    public var holdsEvents: Bool { !early.isEmpty }

    /// Whether sockets wait that may be those of a connection behind a translation of addresses.
    public var seeksTranslated: Bool { tracks.seeksTranslated }

    /// Whether one of this connection does.
    public func holdsEvents(of id: ConnectionID) -> Bool { early.has(id) }

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
