// Joins readings of the kernel's socket tables to both endpoints of each connection.
//
// A reading takes time, and the tables have no history: a state counts as confirmed when both agree, but as
// contradicted only when two readings in a row agree and no segment came in between. When a reading is taken in, every
// segment up to its end must have been observed.

import TCPMachine
public import TCPModel

/// The kernel's view of all live connections.
public struct KernelJoin: Sendable {
    /// How long a disagreement must last to be steady, in nanoseconds.
    static let steady = 30 * Span.millisecond
    /// Linux keeps TIME_WAIT for 60 s (TCP_TIMEWAIT_LEN): a socket that is gone sooner than this, in nanoseconds,
    /// was not ended by a timer.
    static let leastTimeWait = 59 * Span.second
    /// FIN_WAIT_2 without an owner lasts for tcp_fin_timeout or TCP_LINGER2, in whole seconds: a socket that is gone
    /// sooner than this after the latest segment, in nanoseconds, was not ended by a timer.
    static let leastFinWait2 = Span.second

    var views = KernelViews()
    /// Sockets that tracepoint events refer to.
    var tracks = SocketTracks()
    /// Events that are ahead of the capture.
    var early = EarlyEvents()
    /// Listeners, which are not watched.
    var listeners = KnownListeners()
    /// Dropped packets whose event does not say whose they were.
    var namelessDrops = NamelessDrops()
    /// Which connections belong to the traced command, if there is one.
    var command = CommandConnections()
    /// The processes in trouble, as of the latest look at them.
    var troubled: [Int32: ProcessTrouble] = [:]

    /// Whether every tracepoint event is reported.
    var tellsAll = true
    /// Whether views keep the states that readings confirmed. A live trace writes a row when that is known; a replay
    /// writes it when the connection is over, and its state is another one by then.
    public var remembersReadings = false
    /// Whether joined events are kept until `takeJoined`.
    public var keepsJoined = false
    var joined: [SocketEvent] = []

    /// A join without views.
    public init() {}

    /// The view of a connection, if there is one.
    public func view(_ id: ConnectionID) -> KernelView? { views.look(id) { $0 } }

    /// What is known of the process at one end, and whether the kernel showed its socket in this state;
    /// nil if the connection is not watched.
    public func process(
        of id: ConnectionID, number: UInt64, _ side: Side, in state: TCPState
    ) -> (process: ProcessIdentity?, isConfirmed: Bool)? {
        guard views.number(of: id) == number else { return nil }
        return views.process(of: id, side, in: state)
    }

    /// How many connections are watched.
    public var count: Int { views.count }

    /// Starts watching a connection with these ends in readings; harmless if it is already watched.
    mutating func add(_ id: ConnectionID, number: UInt64, _ tuple: FourTuple?) {
        guard views.number(of: id) != number else { return }
        forget(id)
        views.add(id, number: number, tuple)
    }

    /// Stops watching a connection.
    public mutating func forget(_ id: ConnectionID) {
        if let number = views.number(of: id), let tuple = views.tuple(of: id) {
            tracks.forget(number, tuple)
            for ends in views.translated(id) { tracks.forget(number, ends) }
        }
        command.forget(id)
        views.remove(id)
    }

    /// A socket of this connection has these ends, which are not those on the wire. Returns whether that is new.
    mutating func note(_ id: ConnectionID, translated ends: FourTuple) -> Bool { views.note(id, translated: ends) }

    /// All watched connections, the oldest first.
    public var watched: [ConnectionID] { views.ids }

    /// The number of the connection watched at this place.
    func number(of id: ConnectionID) -> UInt64? { views.number(of: id) }

    /// Changes one side's view in place.
    mutating func update(_ id: ConnectionID, _ side: Side, _ change: (inout KernelSideView) -> Void) {
        views.update(id, side, change)
    }

    /// Reads a view in place.
    func look<Result>(_ id: ConnectionID, _ body: (KernelView) -> Result) -> Result? { views.look(id, body) }

    /// Takes in a reading that covers these connections (nil = all). Endpoints that the kernel confirms, or whose
    /// sockets it dropped, are updated in `timeline`.
    public mutating func reconcile(
        _ snapshot: some KernelSnapshot, of ids: [ConnectionID]? = nil, _ timeline: inout Timeline
    ) -> [KernelEvent] {
        var events: [KernelEvent] = []
        for id in ids ?? views.ids {
            // Since the reading, another connection may have taken the place.
            guard views.number(of: id) == timeline[id].number else { continue }
            // An end in TIME_WAIT shows how the other one ended.
            let server = timeline.connections.socket(.responder, of: id)
            let isAfter = snapshot.socket(local: server.source, remote: server.destination)?.state == .timeWait
            for side in isAfter ? [Side.responder, .originator] : [.originator, .responder] {
                if side == .responder && timeline[id].isSelfConnect { continue }
                update(id, side) { Self.reconcile(snapshot, id, side, &$0, &timeline, &events) }
            }
        }
        if remembersReadings { for id in ids ?? views.ids { rememberStates(id) } }
        listeners.noteRefusals(ids ?? views.ids, snapshot.end, &views, timeline)
        placeInQueues(ids ?? views.ids, timeline)
        if !troubled.isEmpty { noteTroubles(ids ?? views.ids) }
        return events
    }

    private mutating func rememberStates(_ id: ConnectionID) {
        for side in [Side.originator, .responder] {
            update(id, side) { view in
                if let state = view.confirmedState { view.formerStates.insert(TracedFacts.States(state)) }
            }
        }
    }

    /// Compares one side of a connection with a reading of the kernel's tables.
    private static func reconcile(
        _ snapshot: some KernelSnapshot, _ id: ConnectionID, _ side: Side, _ view: inout KernelSideView,
        _ timeline: inout Timeline, _ events: inout [KernelEvent]
    ) {
        let connection = timeline[id]
        // A newer incarnation has the four-tuple now: the tables do not describe this one.
        if connection.facts.contains(.replaced) { return }
        let ends = timeline.connections.socket(side, of: id)
        let own = ends.source
        let socket = snapshot.socket(local: own, remote: ends.destination)
        let before = view.isPresent ? view.socket?.state : nil
        let inodeBefore = view.isPresent ? view.socket?.inode ?? 0 : 0
        view.isPresent = socket != nil
        let isFirstReading = !view.isRead
        view.isRead = true
        if let socket {
            view.socket = socket
            let isClosing = socket.state == .finWait1 || socket.state == .finWait2
            if view.orphanSince == nil && isClosing && socket.inode == 0 { view.orphanSince = snapshot.end }
        }
        view.isLocal = snapshot.isLocal(own.address)
        if side == .responder {
            let listeners = snapshot.listeners(at: own, from: ends.destination)
            if !listeners.isEmpty {
                view.noteListeners(listeners, of: socket, isUnanswered: socket == nil && connection.synAckDelay < 0)
            } else if view.isLocal, view.listener == nil, isFirstReading, connection.facts.contains(.refused) {
                view.elsewhere = snapshot.listener(onPort: own.port)
            }
        }
        var news: [KernelEvent.Kind] = []
        if before != socket?.state || inodeBefore != socket?.inode ?? 0 {
            news.append(.state(from: before, to: socket?.state))
            // The processes that serve a connection may have started, or ended, since.
            view.holdersSought = nil
            if before != socket?.state { view.stateSince = snapshot.begin }
        }

        if socket?.state == .established { view.wasOpen = true }
        noteAcceptance(socket, side, connection, &view, snapshot, &news)
        noteUnread(socket, side, connection, &view, at: snapshot.begin)
        compare(socket, id, side, connection, &view, snapshot, &timeline, &news)
        let process = view.process
        // If the reading no longer finds the socket, an event may have reported when it ended.
        let goneTime = view.trace.leftTimeWaitSocket ? nil : view.trace.closedTime
        let quiet = snapshot.begin.since(connection.lastTime)
        events += news.map { kind in
            var time = snapshot.end
            if case .dropped = kind, let goneTime { time = goneTime }
            var event = KernelEvent(
                connection: id, side: side, time: time, kind: kind, socket: socket, process: process,
                source: snapshot.source)
            if case .dropped(from: .timeWait) = kind { event.isEarly = quiet < leastTimeWait }
            if case .dropped(from: .finWait2) = kind { event.isEarly = quiet < leastFinWait2 }
            event.wasOpen = view.wasOpen
            if case .contradiction(let kernel?, _) = kind { event.isCorrected = timeline.state(of: id, side) == kernel }
            return event
        }
    }

    /// Whether the server's host has no socket for a connection that its client, on the same host,
    /// has open, although a process listens there: the listener kept nothing of it (a SYN cookie),
    /// and did not accept the handshake's last ACK.
    private static func hasNothing(
        _ side: Side, _ id: ConnectionID, _ wire: TCPState, _ view: KernelSideView, _ snapshot: some KernelSnapshot,
        _ timeline: borrowing Timeline
    ) -> Bool {
        guard side == .responder, wire == .established, view.isLocal, let listener = view.listener, !view.hasAnswered,
            // The listener counts what it refuses.
            listener.drops != 0
        else { return false }
        let client = timeline.connections.socket(.originator, of: id)
        return snapshot.socket(local: client.source, remote: client.destination)?.state == .established
    }

    /// Compares a side's state with its socket's, if there is one. Only a disagreement that lasts while no segment comes
    /// means something.
    private static func compare(
        _ socket: KernelSocket?, _ id: ConnectionID, _ side: Side, _ connection: Connection,
        _ view: inout KernelSideView, _ snapshot: some KernelSnapshot, _ timeline: inout Timeline,
        _ news: inout [KernelEvent.Kind]
    ) {
        let wire = connection.endpoint(side).state
        // Events come from all network namespaces: another one's socket is not in these tables,
        // and is not missing from them.
        let everPresent = view.socket != nil || view.trace.transitions > 0 && view.isLocal
        let agrees =
            socket.map { $0.state == wire } ?? (wire == .closed && (everPresent || view.isLocal))
        if agrees {
            view.confirmedState = wire
            // After a correction both agree, but the segment behind the disagreement is no better for it:
            // the contradiction stays.
            if view.contradiction != wire { view.contradiction = nil }
            view.suspicion = nil
            timeline.kernelConfirms(side, of: id)
            return
        }
        view.confirmedState = nil
        // If the tables never showed a socket, nothing can be concluded, except that a listener has kept nothing; and
        // while segments keep coming, nothing is steady.
        let isNone = socket == nil && !everPresent && hasNothing(side, id, wire, view, snapshot, timeline)
        guard socket != nil || everPresent || isNone, connection.lastTime <= snapshot.begin else {
            view.suspicion = nil
            return
        }
        let kernel = socket?.state
        guard let suspicion = view.suspicion, suspicion.kernel == kernel, suspicion.wire == wire else {
            view.suspicion = (kernel, wire, snapshot.begin)
            return
        }
        guard snapshot.begin.since(suspicion.since) >= Self.steady else { return }
        resolve(socket, id, side, view: &view, wire, isNone: isNone, snapshot, &timeline, &news)
    }

    /// What a steady disagreement means: the likeliest explanation first.
    private static func resolve(
        _ socket: KernelSocket?, _ id: ConnectionID, _ side: Side, view: inout KernelSideView, _ wire: TCPState,
        isNone: Bool, _ snapshot: some KernelSnapshot, _ timeline: inout Timeline, _ news: inout [KernelEvent.Kind]
    ) {
        let kernel = socket?.state
        // A socket that is still opening belongs to another connection.
        if let kernel, kernel != .synSent, kernel != .synReceived, wire == .closed, let former = view.droppedFrom,
            timeline.kernelRevives(side, of: id, in: former).count > 0
        {
            view.droppedFrom = nil
            view.suspicion = nil
            view.contradiction = former
            news.append(.contradiction(kernel: former, wire: wire))
            guard timeline.state(of: id, side) == kernel else { return }
            view.confirmedState = kernel
            timeline.kernelConfirms(side, of: id)
        } else if let kernel, timeline.kernelCorrects(side, of: id, to: kernel).count > 0 {
            view.suspicion = nil
            view.confirmedState = kernel
            view.contradiction = kernel
            news.append(.contradiction(kernel: kernel, wire: wire))
        } else if let kernel, let ahead = lead(kernel, side, id, view, &timeline) {
            view.suspicion = nil
            view.contradiction = nil
            if timeline.state(of: id, side) == kernel { view.confirmedState = kernel }
            news.append(ahead)
        } else if socket == nil, wire == .lastAck,
            case let peer = timeline.connections.socket(side.other, of: id),
            snapshot.socket(local: peer.source, remote: peer.destination)?.state == .timeWait,
            let ended = lead(.closed, side, id, view, &timeline)
        {
            view.suspicion = nil
            view.confirmedState = .closed
            news.append(ended)
        } else if isNone {
            view.suspicion = nil
            guard timeline.kernelCorrects(side, of: id, to: .listen).count > 0 else { return }
            news.append(.contradiction(kernel: .listen, wire: wire))
        } else if socket == nil {
            view.suspicion = nil
            if timeline.kernelDropsSocket(side, of: id).count > 0 {
                view.droppedFrom = wire
                view.confirmedState = .closed
                news.append(.dropped(from: wire))
            }
        } else if view.contradiction != kernel {
            view.contradiction = kernel
            news.append(.contradiction(kernel: kernel, wire: wire))
        }
    }
}
