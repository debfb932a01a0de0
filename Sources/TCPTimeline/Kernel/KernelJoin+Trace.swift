// Joins the kernel's tracepoint events to the endpoints: states confirmed one by one, owners, reasons, errors.

import TCPMachine
public import TCPModel

extension KernelJoin {
    /// Starts watching a connection for readings and events; harmless if it is already watched.
    public mutating func watch(_ id: ConnectionID, _ timeline: borrowing Timeline) {
        let name = timeline.connections.name(of: id)
        guard number(of: id) != name.number else { return }
        add(id, number: name.number, name.tuple)
        tracks.watch(id, name, as: name.tuple, isOlder: !timeline.showsOpening(id))
        namelessDrops.watch(id, name.number, timeline)
    }

    /// The client of a watched connection called this address, as its socket shows.
    public mutating func note(_ id: ConnectionID, called: SocketAddress, _ timeline: borrowing Timeline) {
        let name = timeline.connections.name(of: id)
        watch(id, name, translated: FourTuple(source: name.tuple.source, destination: called), timeline)
    }

    /// A socket of a watched connection has these ends.
    private mutating func watch(
        _ id: ConnectionID, _ name: ConnectionName, translated ends: FourTuple, _ timeline: borrowing Timeline
    ) {
        guard number(of: id) == name.number, note(id, translated: ends) else { return }
        tracks.watch(id, name, as: ends, isOlder: !timeline.showsOpening(id))
    }

    /// Whether sockets are waiting that may belong to a connection behind address translation.
    public var seeksTranslated: Bool { tracks.seeksTranslated }

    /// Finds the connections of sockets whose packets are translated (NAT) on their way to the capture.
    private mutating func findTranslated(
        now: Timestamp, _ timeline: inout Timeline, _ said: inout [KernelEvent]
    ) {
        let overdue = tracks.overdue(now: now)
        guard !overdue.isEmpty else { return }
        let matches = TranslatedSocket.matches(of: overdue, among: tracks.ends) { end in
            number(of: end.id) == end.number
                && look(end.id) { !$0[end.side].trace.isTraced && $0[end.side].socket == nil } == true
        }
        for match in matches {
            let id = match.of.id
            watch(id, timeline.connections.name(of: id), translated: match.ends, timeline)
            timeline.note(id, match.translated)
            said.append(
                KernelEvent(
                    connection: id, side: match.of.side, time: match.time, kind: .translated(match.translated),
                    socket: nil, process: nil, source: .tracepoint))
        }
        guard !matches.isEmpty else { return }
        for found in tracks.settle(now: now) { apply(found.event, found.of, &timeline, &said) }
    }

    /// How many events found their connection, and how many did not.
    public var traceCounts: TraceCounts { tracks.counts }

    /// The connect() calls that events reported and of which no segment was captured, at the end of a trace.
    public func unseenCalls() -> [UnseenCall] { tracks.unseenCalls() }

    /// Takes in events in time order, and appends what is new to `said`: unless `tellsAll`, only that the kernel
    /// dropped a socket, or knows more than was captured. Every segment captured before the events were read must have
    /// been observed, unless more are waiting in the capture (`isBehind`). No event of a connection in `ending` waits
    /// any longer: the connection is about to be forgotten.
    public mutating func take(
        _ events: [SocketEvent], now: Timestamp, _ timeline: inout Timeline, _ said: inout [KernelEvent],
        tellsAll: Bool, isBehind: Bool = false, ending: [ConnectionID] = []
    ) {
        self.tellsAll = tellsAll
        early.now = now
        if !isBehind {
            while let item = early.next() { applyNow(item.event, item.of, &timeline, &said) }
        }
        defer { for item in early.take(of: ending) { applyNow(item.event, item.of, &timeline, &said) } }
        namelessDrops.beginReading(timeline)
        for found in tracks.settle(now: now) { apply(found.event, found.of, &timeline, &said) }
        var found: [FoundEvent] = []
        for event in events {
            if listeners.note(event) {
                if keepsJoined { joined.append(event) }
                if event.kind == .destroyed, listeners.hasReset(with: event) { noteFreedListener(event) }
            }
            if case .dropped = event.kind, !tracks.knows(event),
                let end = namelessDrops.receiver(of: event, among: views, &listeners, timeline)
            {
                tracks.noteAttached()
                apply(event, end, &timeline, &said)
                continue
            }
            if let end = tracks.take(event, &found) {
                apply(event, end, &timeline, &said)
                continue
            }
            for item in found { apply(item.event, item.of, &timeline, &said) }
            found.removeAll(keepingCapacity: true)
        }
        findTranslated(now: now, &timeline, &said)
    }

    /// The events joined since the last call, and those of listeners, in this order. Taking them in again,
    /// with the same segments, gives the same result.
    public mutating func takeJoined() -> [SocketEvent] {
        defer { joined.removeAll(keepingCapacity: true) }
        return joined
    }

    /// The process reported with an event: the one that made the system call, else the socket's owner.
    /// A RST caused by a segment has none.
    private static func actor(_ event: SocketEvent, _ view: KernelSideView) -> ProcessIdentity? {
        if event.isProcessContext { return event.process }
        if case .resetSent = event.kind { return nil }
        return view.process
    }

    private mutating func apply(
        _ event: SocketEvent, _ end: EndpointReference, _ timeline: inout Timeline, _ said: inout [KernelEvent]
    ) {
        if early.patience > 0, number(of: end.id) == end.number,
            early.has(socket: event.socket) || early.has(packet: event.packet) || isEarly(event, end, timeline),
            early.hold(event, of: end)
        {
            return
        }
        applyNow(event, end, &timeline, &said)
    }

    private mutating func applyNow(
        _ event: SocketEvent, _ end: EndpointReference, _ timeline: inout Timeline, _ said: inout [KernelEvent]
    ) {
        guard number(of: end.id) == end.number else { return }
        if keepsJoined { joined.append(event) }
        if look(end.id, { $0[end.side].trace.isOfAnother(event) }) == true { return tracks.disown() }
        if case .transition(.closed, .synSent) = event.kind { closePredecessors(of: end, event, &timeline, &said) }
        // Errno 0: a soft error (an ICMP error that may pass), which TCP only records while it continues.
        if case .socketError(errno: 0) = event.kind {
            return update(end.id, end.side) { $0.trace.noteSoftError(at: event.time) }
        }
        if deniesSocket(event, end, timeline) { return tracks.disown() }
        let closing = listeners.closingCaused(event)
        let tellsAll = tellsAll
        var isFound = false
        update(end.id, end.side) { view in
            view.take(event, of: end.side)
            if let closing {
                view.trace.resetWithListener = true
                view.trace.isListenerFreed = closing.isFreed
            }
            if case .transition(let from, let to) = event.kind {
                Self.follow(from, to, event, end, &view, &timeline, &said)
            }
            if tellsAll {
                said.append(
                    KernelEvent(
                        connection: end.id, side: end.side, time: event.time, kind: .traced(event.kind),
                        socket: nil, process: Self.actor(event, view), source: .tracepoint))
            }
            Self.closeReplaced(event, end, view, &timeline, &said)
            guard let process = view.takeOwner(event) else { return }
            isFound = true
            guard tellsAll else { return }
            said.append(
                KernelEvent(
                    connection: end.id, side: end.side, time: event.time, kind: .owner(process),
                    socket: view.socket, process: process, source: .tracepoint))
        }
        if isFound { noteProcess(end.id, end.side) }
        leadReset(event, end, &timeline, &said)
        dropSilently(event, end, &timeline, &said)
        retractArrival(event, end, &timeline, &said)
    }

    /// The listener that was just closed is released: its process called close(), or ended.
    private mutating func noteFreedListener(_ event: SocketEvent) {
        for id in watched where views.tuple(of: id)?.destination.port == event.local.port {
            update(id, .responder) { view in
                guard view.trace.resetWithListener, view.trace.resetProcess?.pid == event.pid else { return }
                view.trace.isListenerFreed = true
            }
        }
    }

    /// Whether an event says that this side, which has a socket, has none. Such an event comes
    /// from another network namespace with the same four-tuple, which perf does not identify,
    /// unless the socket's end was not reported and its RST was captured.
    private func deniesSocket(_ event: SocketEvent, _ end: EndpointReference, _ timeline: borrowing Timeline) -> Bool {
        event.kind == .resetSent(reason: .noSocket) && !timeline.wasReset(end.id, by: end.side)
            && look(end.id, { $0[end.side].trace.hasSocket }) == true
    }

    /// A socket changed its state: the endpoint follows if segments do not show that, and is confirmed if they agree.
    private static func follow(
        _ from: TCPState, _ to: TCPState, _ event: SocketEvent, _ end: EndpointReference,
        _ view: inout KernelSideView, _ timeline: inout Timeline, _ said: inout [KernelEvent]
    ) {
        if timeline.state(of: end.id, end.side) != to { lead(from, to, event, end, view, &timeline, &said) }
        guard timeline.state(of: end.id, end.side) == to else { return }
        view.contradiction = nil
        view.suspicion = nil
        timeline.kernelConfirms(end.side, of: end.id)
    }

    /// connect() gets a four-tuple only if no socket has it: this end's predecessor has gone, though no segment and no
    /// event showed it (FIN_WAIT_2 without an owner ends as a small TIME_WAIT socket), and no reading came in between.
    private mutating func closePredecessors(
        of end: EndpointReference, _ event: SocketEvent, _ timeline: inout Timeline, _ said: inout [KernelEvent]
    ) {
        let (local, remote) = timeline.ends(of: end.id, end.side)
        for old in tracks.predecessors(of: end, local, remote) where number(of: old.id) == old.number {
            let wire = timeline.state(of: old.id, old.side)
            guard timeline.isReplaced(old.id), wire != .timeWait,
                timeline.kernelDropsSocket(old.side, of: old.id).count > 0
            else { continue }
            update(old.id, old.side) { view in
                said.append(
                    KernelEvent(
                        connection: old.id, side: old.side, time: event.time, kind: .dropped(from: wire),
                        socket: nil, process: view.process, source: .tracepoint))
            }
        }
    }

    /// A socket whose four-tuple another connection has taken since: no segment shows its end,
    /// which the new SYN caused.
    private static func closeReplaced(
        _ event: SocketEvent, _ end: EndpointReference, _ view: KernelSideView, _ timeline: inout Timeline,
        _ said: inout [KernelEvent]
    ) {
        guard case .transition(_, .closed) = event.kind, !view.trace.leftTimeWaitSocket,
            timeline.isReplaced(end.id)
        else { return }
        let wire = timeline.state(of: end.id, end.side)
        guard wire != .timeWait, timeline.kernelDropsSocket(end.side, of: end.id).count > 0 else { return }
        said.append(
            KernelEvent(
                connection: end.id, side: end.side, time: event.time, kind: .dropped(from: wire), socket: nil,
                process: view.process, source: .tracepoint))
    }
}

extension KernelSideView {
    /// Takes in an event of this side, whatever the segments show.
    fileprivate mutating func take(_ event: SocketEvent, of side: Side) {
        trace.take(event)
        // A packet may be dropped while passing through this host.
        if case .dropped = event.kind {} else { isLocal = true }
        if side == .responder, KernelJoin.showsAcceptance(event) { KernelJoin.noteAccepted(event.time, &self) }
    }

    /// Takes in the socket's owner, if an event shows it; returns the process if that is news. The process that
    /// connected, or the first that closes, is kept: others may only hold a copy of the descriptor.
    fileprivate mutating func takeOwner(_ event: SocketEvent) -> ProcessIdentity? {
        guard TracedFacts.isOwners(event), let owner = event.process, !trace.isOwnerExact, !wentWithListener
        else { return nil }
        trace.isOwnerExact = true
        guard process?.pid != owner.pid else { return nil }
        hadOtherProcess = process != nil
        process = owner
        descriptor = nil
        sharers = []
        sharerCount = 0
        holdersSought = nil
        isProcessStale = false
        return owner
    }
}
