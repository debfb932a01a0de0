// Joins readings of the kernel's socket tables to both endpoints of each connection.
//
// A reading takes time, and the tables say no history: a state counts as confirmed when both agree, but as contradicted only
// when two readings in a row say the same, no segment having come between. By the time of a reading every segment up to
// its end must have been observed.

import TCPMachine
public import TCPModel

/// The kernel's view of all live connections.
public struct KernelJoin: Sendable {
    /// A steady disagreement is one that lasts this long, in nanoseconds.
    static let steady = 30 * Span.millisecond
    /// A socket without owner this long, in nanoseconds, is worth a word: accept() usually follows at once.
    static let patience = 100 * Span.millisecond
    /// Linux keeps TIME_WAIT for 60 s (TCP_TIMEWAIT_LEN): what is gone sooner than this, in nanoseconds, no timer ended.
    static let leastTimeWait = 59 * Span.second
    /// FIN_WAIT_2 without an owner lasts for tcp_fin_timeout or TCP_LINGER2, in whole seconds: what is gone sooner than this after the latest
    /// segment, in nanoseconds, no timer ended.
    static let leastFinWait2 = Span.second

    /// Refused connections are looked after only where no more than so many are read together: under a scan that would be dear.
    static let fewRefused = 16

    private var views = KernelViews()
    /// Whose turn it is to be read when not all can be.
    private var turn: UInt64 = 0
    /// Whether each event of a tracepoint is told.
    var tellsAll = true
    /// Sockets that tracepoints speak of.
    var tracks = SocketTracks()

    /// Who closed a listener of this port, and when.
    var closedListeners: [UInt16: (pid: Int32, time: Timestamp)] = [:]
    static let listenerLimit = 4096
    /// How long the closing of a listener with a full queue may take, in nanoseconds.
    static let closingTime = 100 * Span.millisecond

    /// Connections whose SYN had no answer when they were last looked at, and the time of the latest SYN that was dropped.
    var opening: [(id: ConnectionID, number: UInt64, dropped: Timestamp?)] = []
    /// How many of them there may be before those that were answered are taken out.
    var openingsToTidy = 256
    /// When the latest segment with text that was dropped was captured.
    var lastDroppedText: Timestamp?
    /// When the latest packets were dropped that nobody here has sent; see `droppedPacket`.
    var othersDropped: [Timestamp] = []
    /// How often text that was dropped was looked for in this reading of events.
    var textLooks = 0

    /// What listeners had refused at the latest reading and at the one before, by inode.
    var listenerDrops: [UInt64: ListenerDrops] = [:]

    /// The processes that something keeps from their work, when they were last looked at.
    var troubled: [Int32: ProcessTrouble] = [:]

    /// Listeners by their addresses in the kernel's memory, as far as known.
    var listenerAddresses: [UInt64: SocketAddress] = [:]

    /// Whether views keep which states readings confirmed. A live trace writes a row when that is known; on replay it is written when the
    /// connection is over, and the state is another one by then.
    public var remembersReadings = false

    /// How long an event waits that is ahead of the capture, in nanoseconds. A replay need not wait: live they were joined late.
    public var leadPatience: Int64 = 0
    var early = EarlyEvents()

    /// Whether events are kept, as they are joined, until `takeJoined`.
    public var keepsJoined = false
    var joined: [SocketEvent] = []

    /// Ends whose process was found and has not been judged, and the watched connections of the command that is traced.
    var unjudged: [EndpointReference] = []
    var commandConnections: Set<ConnectionID> = []
    /// Whether any connection was the command's, one that is forgotten too.
    public internal(set) var hasSeenCommand = false

    /// No views yet.
    public init() {}

    /// The view of a connection, if there is one.
    public func view(_ id: ConnectionID) -> KernelView? { views.look(id) { $0 } }

    /// A connection that a reading says something of: its ends, those of both of its sockets, each from its own side, and whether it was
    /// refused.
    public typealias ConnectionToRead = (
        tuple: FourTuple, originator: FourTuple, responder: FourTuple, isRefused: Bool
    )

    /// What a reading says something of: those of `ids` (nil = all) whose four-tuple is not another one's by now.
    public func connectionsRead(of ids: [ConnectionID]?, _ timeline: borrowing Timeline) -> [ConnectionToRead] {
        (ids ?? views.ids).compactMap { id in
            guard let number = views.number(of: id), timeline.connections.contains(id, number: number) else {
                return nil
            }
            let connection = timeline[id]
            if connection.facts.contains(.replaced) { return nil }
            return (
                connection.tuple, timeline.connections.socket(.originator, of: id),
                timeline.connections.socket(.responder, of: id), connection.facts.contains(.refused)
            )
        }
    }

    /// What is known of the process at one end, and whether the kernel said that its socket was in this state; nil if the connection is not
    /// watched.
    public func process(
        of id: ConnectionID, number: UInt64, _ side: Side, in state: TCPState
    ) -> (process: ProcessIdentity?, isConfirmed: Bool)? {
        guard views.number(of: id) == number else { return nil }
        return views.process(of: id, side, in: state)
    }

    /// How many connections are being watched in the tables.
    public var count: Int { views.count }

    /// Begins to watch a connection with these ends in readings; harmless if it is watched already.
    mutating func add(_ id: ConnectionID, number: UInt64, _ tuple: FourTuple?) {
        guard views.number(of: id) != number else { return }
        forget(id)
        views.add(id, number: number, tuple)
    }

    /// Stops watching.
    public mutating func forget(_ id: ConnectionID) {
        if let number = views.number(of: id), let tuple = views.tuple(of: id) {
            tracks.forget(number, tuple)
            for ends in views.translated(id) { tracks.forget(number, ends) }
        }
        if !commandConnections.isEmpty { commandConnections.remove(id) }
        views.remove(id)
    }

    /// A socket of one has these ends, which are not those on the wire; whether that is new.
    mutating func note(_ id: ConnectionID, translated ends: FourTuple) -> Bool { views.note(id, translated: ends) }

    /// All that are watched, the oldest first.
    public var watched: [ConnectionID] { views.ids }

    /// The number of the connection that is watched at this place.
    func number(of id: ConnectionID) -> UInt64? { views.number(of: id) }

    /// Changes one side's view in place.
    mutating func update(_ id: ConnectionID, _ side: Side, _ change: (inout KernelSideView) -> Void) {
        _ = views.update(id) { $0.update(side, change) }
    }

    /// Reads a view in place.
    func look<Result>(_ id: ConnectionID, _ body: (KernelView) -> Result) -> Result? { views.look(id, body) }

    /// Whether the tables may still say something new of a connection: somebody waits, closes, or sits in TIME_WAIT.
    private static func isUnsettled(_ id: ConnectionID, _ view: KernelView, _ timeline: borrowing Timeline) -> Bool {
        // That a socket has gone from TIME_WAIT the next reading has to confirm.
        view.originator.isPresent || view.responder.isPresent || !timeline.isEnded(id)
            || view.originator.suspicion?.wire == .timeWait || view.responder.suspicion?.wire == .timeWait
    }

    /// Whether anything may still change in the tables.
    public func needsReading(_ timeline: borrowing Timeline) -> Bool {
        for id in views.all where views.look(id, { Self.isUnsettled(id, $0, timeline) }) == true { return true }
        return false
    }

    /// Whether a connection younger than `age` nanoseconds at `now` has a local end without a process.
    public func hasYoungWithoutProcess(_ age: Int64, at now: Timestamp, _ timeline: borrowing Timeline) -> Bool {
        for id in views.youngestFirst {
            if now.since(timeline.firstTime(of: id)) >= age { return false }
            if views.look(id, { $0.originator.process == nil || $0.responder.process == nil }) == true { return true }
        }
        return false
    }

    /// The responders' ports of these connections (nil = all): each socket in question has one of them at either end. Empty if
    /// there are more than `limit`.
    public func responderPorts(
        of ids: [ConnectionID]? = nil, _ timeline: borrowing Timeline, limit: Int
    ) -> [UInt16] {
        var ports: Set<UInt16> = []
        for id in ids ?? views.ids {
            ports.insert(timeline[id].tuple.destination.port)
            let ends = timeline.connections.socketEnds(of: id)
            if let called = ends.called { ports.insert(called.port) }
            if let served = ends.served { ports.insert(served.port) }
            if ports.count > limit { return [] }
        }
        return ports.sorted()
    }

    /// Where the responders of these connections (nil = all) listen for what nobody has answered or accepted yet: there it matters
    /// whether others listen, too.
    public func waitedFor(_ ids: [ConnectionID]? = nil, _ timeline: borrowing Timeline) -> Set<SocketAddress> {
        var addresses: Set<SocketAddress> = []
        for id in ids ?? views.ids where !timeline[id].isEnded {
            let isOpen = timeline[id].openDelay >= 0
            if isOpen && views.look(id, { $0.responder.unacceptedSince == nil }) != false { continue }
            addresses.insert(timeline.connections.socket(.responder, of: id).source)
        }
        return addresses
    }

    /// Both ends of everything watched, and whether each should have a socket if it is on this host; nil if more than
    /// `limit` connections are watched.
    public func watchedEnds(_ timeline: borrowing Timeline, limit: Int) -> [EndToRead]? {
        views.count <= limit ? ends(of: views.ids, timeline) : nil
    }

    /// The connections to be read next, at most `limit`: all that the tables may say something new of, or else the youngest,
    /// and of the others those whose turn it is.
    public mutating func batch(_ timeline: borrowing Timeline, limit: Int) -> [ConnectionID] {
        let chosen = views.batch(limit: limit, after: turn) { id, view in
            !view.originator.isRead || Self.isUnsettled(id, view, timeline)
        }
        turn = chosen.turn
        return chosen.ids
    }

    /// One end to be read: its own address is the source. Whether there should be a socket that is to be looked for, and whether it
    /// has one by its segments.
    public typealias EndToRead = (tuple: FourTuple, isExpected: Bool, isOpen: Bool)

    /// Both ends of these connections, and whether each should have a socket if it is on this host: not if there were segments
    /// after `quietSince`, since it may have gone by now.
    public func ends(
        of ids: [ConnectionID], quietSince: Timestamp? = nil, _ timeline: borrowing Timeline
    ) -> [EndToRead] {
        var ends: [EndToRead] = []
        for id in ids {
            let connection = timeline[id]
            if connection.facts.contains(.replaced) { continue }
            let isQuiet = quietSince.map { connection.lastTime <= $0 } ?? true
            for side in connection.isSelfConnect ? [Side.originator] : [.originator, .responder] {
                let tuple = timeline.connections.socket(side, of: id)
                let state = connection.endpoint(side).state
                // What was there before may have gone since; what never was, though it should be, is looked for. So is, once, who
                // listens on a refused port at another address.
                let isMissing = state.shouldHaveSocket && isQuiet && views.look(id) { $0[side].socket == nil } == true
                let isRefused =
                    side == .responder && connection.facts.contains(.refused) && ids.count <= Self.fewRefused
                    && views.look(id) { !$0.responder.isRead } == true
                ends.append((tuple, isMissing || isRefused, ![.unseen, .closed, .listen].contains(state)))
            }
        }
        return ends
    }

    /// Inodes whose process is not known yet, of these connections (nil = all).
    public func inodesWithoutProcess(of ids: [ConnectionID]? = nil) -> Set<UInt64> {
        var inodes: Set<UInt64> = []
        for id in ids ?? views.ids {
            _ = views.look(id) { view in
                for side in [view.originator, view.responder] {
                    if let socket = side.socket, side.isPresent, socket.inode != 0,
                        side.process == nil || side.isProcessStale
                    {
                        inodes.insert(socket.inode)
                    }
                    if let listener = side.listener, listener.inode != 0, side.listenerProcess == nil {
                        inodes.insert(listener.inode)
                    }
                    if let listener = side.elsewhere, listener.inode != 0, side.elsewhereProcess == nil {
                        inodes.insert(listener.inode)
                    }
                }
            }
        }
        return inodes
    }

    /// Takes in the owners that were found, of these connections (nil = all); `source` says where the inodes are from. They are looked
    /// for where nobody is known, or whoever was has ended.
    public mutating func assign(
        _ owners: [UInt64: ProcessIdentity], descriptors: [UInt64: Int32] = [:], of ids: [ConnectionID]? = nil,
        time: Timestamp, source: KernelSource = .proc
    ) -> [KernelEvent] {
        var events: [KernelEvent] = []
        for id in ids ?? views.ids {
            for side in [Side.originator, .responder] {
                var isFound = false
                update(id, side) { view in
                    if let listener = view.listener, view.listenerProcess == nil,
                        let process = owners[listener.inode]
                    {
                        view.listenerProcess = process
                        isFound = true
                    }
                    if let listener = view.elsewhere, view.elsewhereProcess == nil {
                        view.elsewhereProcess = owners[listener.inode]
                    }
                    guard let socket = view.socket, view.isPresent, let process = owners[socket.inode],
                        view.process == nil || view.isProcessStale || process != view.process && !view.keepsProcess
                    else { return }
                    if let own = view.sharers.firstIndex(where: { $0.process == process }) {
                        view.sharers.remove(at: own)
                        view.sharerCount -= 1
                    }
                    view.process = process
                    view.isProcessStale = false
                    isFound = true
                    view.descriptor = descriptors[socket.inode]
                    events.append(
                        KernelEvent(
                            connection: id, side: side, time: time, kind: .owner(process), socket: socket,
                            process: process, source: source))
                }
                if isFound { noteProcess(id, side) }
            }
        }
        return events
    }

    /// Takes in a reading, which has the sockets of these connections (nil = all). Endpoints that the kernel confirms, or whose
    /// sockets it dropped, are updated in `timeline`.
    public mutating func reconcile(
        _ snapshot: some KernelSnapshot, of ids: [ConnectionID]? = nil, _ timeline: inout Timeline
    ) -> [KernelEvent] {
        var events: [KernelEvent] = []
        for id in ids ?? views.ids {
            // Between the reading and this another one may have taken the place.
            guard views.number(of: id) == timeline[id].number else { continue }
            // Who is in TIME_WAIT tells how the other one has gone.
            let server = timeline.connections.socket(.responder, of: id)
            let isAfter = snapshot.socket(local: server.source, remote: server.destination)?.state == .timeWait
            for side in isAfter ? [Side.responder, .originator] : [.originator, .responder] {
                if side == .responder && timeline[id].isSelfConnect { continue }
                update(id, side) { Self.reconcile(snapshot, id, side, &$0, &timeline, &events) }
            }
        }
        if remembersReadings { for id in ids ?? views.ids { rememberStates(id) } }
        noteListenerDrops(ids ?? views.ids, snapshot.end, timeline)
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

    private static func reconcile(
        _ snapshot: some KernelSnapshot, _ id: ConnectionID, _ side: Side, _ view: inout KernelSideView,
        _ timeline: inout Timeline, _ events: inout [KernelEvent]
    ) {
        let connection = timeline[id]
        // A newer incarnation owns the four-tuple now: what the tables say is not about this one.
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
                noteListeners(listeners, socket, isUnanswered: socket == nil && connection.synAckDelay < 0, &view)
            } else if view.isLocal, view.listener == nil, isFirstReading, connection.facts.contains(.refused) {
                view.elsewhere = snapshot.listener(onPort: own.port)
            }
        }
        var news: [KernelEvent.Kind] = []
        if before != socket?.state || inodeBefore != socket?.inode ?? 0 {
            news.append(.state(from: before, to: socket?.state))
            // Who serves a connection may have begun, or ended, since.
            view.holdersSought = nil
            if before != socket?.state { view.stateSince = snapshot.begin }
        }

        if socket?.state == .established { view.wasOpen = true }
        noteAcceptance(socket, side, connection, &view, snapshot, &news)
        noteUnread(socket, side, connection, &view, at: snapshot.begin)
        compare(socket, id, side, connection, &view, snapshot, &timeline, &news)
        let process = view.process
        // What a reading misses, an event may have told the end of.
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

    private static func compare(
        _ socket: KernelSocket?, _ id: ConnectionID, _ side: Side, _ connection: Connection,
        _ view: inout KernelSideView, _ snapshot: some KernelSnapshot, _ timeline: inout Timeline,
        _ news: inout [KernelEvent.Kind]
    ) {
        let wire = connection.endpoint(side).state
        // Events come from all network namespaces: another one's socket is not in these tables, and is not missed.
        let everPresent = view.socket != nil || view.trace.transitions > 0 && view.isLocal
        let agrees =
            socket.map { $0.state == wire } ?? (wire == .closed && (everPresent || view.isLocal))
        if agrees {
            view.confirmedState = wire
            // What was corrected agrees, and is still no news of the segment that brought the disagreement.
            if view.contradiction != wire { view.contradiction = nil }
            view.suspicion = nil
            timeline.kernelConfirms(side, of: id)
            return
        }
        view.confirmedState = nil
        // Where nothing was ever seen in the tables, nothing can be said; and while segments come, nothing is steady.
        guard socket != nil || everPresent, connection.lastTime <= snapshot.begin else {
            view.suspicion = nil
            return
        }
        let kernel = socket?.state
        guard let suspicion = view.suspicion, suspicion.kernel == kernel, suspicion.wire == wire else {
            view.suspicion = (kernel, wire, snapshot.begin)
            return
        }
        guard snapshot.begin.since(suspicion.since) >= Self.steady else { return }
        if let kernel, timeline.kernelCorrects(side, of: id, to: kernel).count > 0 {
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
        } else if socket == nil {
            view.suspicion = nil
            if timeline.kernelDropsSocket(side, of: id).count > 0 {
                view.confirmedState = .closed
                news.append(.dropped(from: wire))
            }
        } else if view.contradiction != kernel {
            view.contradiction = kernel
            news.append(.contradiction(kernel: kernel, wire: wire))
        }
    }
}
