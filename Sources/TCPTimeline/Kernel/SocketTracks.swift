// Which connection endpoint a tracepoint event belongs to.
//
// The kernel names a socket by its address in memory, which is reused; ports may be missing (0 at connect()); and a
// four-tuple has several incarnations. So a socket is followed from its birth, and waits until its four-tuple is known
// and a segment of that incarnation was captured. The order of the log is not the order of causes (on loopback the
// effect may come first), so only times decide.

import TCPModel

/// How many events found their connection.
public struct TraceCounts: Hashable, Sendable {
    /// Events that were joined to an endpoint.
    public internal(set) var attached: UInt64 = 0
    /// Events of connections that were not captured, or are no longer kept.
    public internal(set) var unattached: UInt64 = 0
    /// Dropped packets that the kernel did not identify: often other programs'.
    public internal(set) var unknownDrops: UInt64 = 0

    /// Counts with these values.
    public init(attached: UInt64 = 0, unattached: UInt64 = 0, unknownDrops: UInt64 = 0) {
        self.attached = attached
        self.unattached = unattached
        self.unknownDrops = unknownDrops
    }
}

/// One end of one incarnation of a four-tuple.
struct EndpointReference: BitwiseCopyable {
    var id: ConnectionID
    var number: UInt64
    var side: Side
}

/// An event and the endpoint it belongs to.
typealias FoundEvent = (event: SocketEvent, of: EndpointReference)

/// The sockets that events refer to.
struct SocketTracks {
    private struct Track {
        var socket: UInt64
        /// The time of its first event: earlier reports on its address concern another socket.
        var since: Timestamp
        var local = SocketAddress(.anyV4, 0)
        var remote = SocketAddress(.anyV4, 0)
        /// When it was born as a client's socket: before its SYN.
        var connectTime: Timestamp?
        var target: EndpointReference?
        var waiting: [SocketEvent] = []
        /// Whether it was looked for behind address translation.
        var wasSought = false
    }

    /// Tracks in places that are reused, and the place of each socket.
    private var pool: [Track] = []
    private var freePlaces: [Int] = []
    private var places: [UInt64: Int] = [:]
    /// Former sockets whose address another one has now, with events that still wait for their segments.
    private var departed: [Track] = []
    /// Sockets with waiting events.
    private var waitingSockets: Set<UInt64> = []
    /// Events without a followed socket that wait for their connection's first segment.
    private var loose: [SocketEvent] = []
    /// Packets that were answered by a RST: by which endpoint, and when. A drop event has only the packet's address,
    /// which another packet has soon.
    private var answered: [UInt64: (by: EndpointReference, at: Timestamp)] = [:]
    /// The longest time from a packet's answer to its drop, in nanoseconds: both happen in the same call.
    private static let answeredDropDelay = Span.millisecond
    /// How long before the first captured segment of an older connection an event may belong to it, in nanoseconds.
    private static let olderLead = Span.millisecond
    private(set) var ends = WatchedEnds()
    /// connect() calls whose events belong to no captured connection.
    private var unseen = UnseenCalls()
    private(set) var counts = TraceCounts()

    /// How long an event waits for its connection, in nanoseconds.
    static let patience = Span.second
    /// How far two readings of the clock may differ, in nanoseconds: perf's clock is translated.
    static let clockError = 5 * Span.microsecond
    private static let trackLimit = 65_536
    private static let waitingLimit = 65_536
    private static let answeredLimit = 4096
    /// If more than this many wait (frames were lost, and with them what would identify the events), they are examined
    /// only once per interval, in nanoseconds: otherwise that would take time in which more frames are lost.
    private static let fewWaiting = 256
    private static let settlingInterval = 50 * Span.millisecond
    private var nextSettling = Timestamp(nanoseconds: 0)
    private var nextSeeking = Timestamp(nanoseconds: 0)

    // MARK: Connections

    /// Starts watching for sockets with these ends, the client's first. `isOlder`: the connection existed before its
    /// first captured segment, which was not its opening.
    mutating func watch(_ id: ConnectionID, _ name: ConnectionName, as ends: FourTuple, isOlder: Bool) {
        let lead = isOlder ? Self.olderLead : Self.clockError
        let end = WatchedEnd(
            id: id, number: name.number, firstTime: name.firstTime, lead: lead, originator: ends.source,
            responder: ends.destination)
        self.ends.add(end, ends)
    }

    mutating func forget(_ number: UInt64, _ tuple: FourTuple) { ends.remove(number, tuple) }

    /// The endpoints that had this one's four-tuple before it.
    func predecessors(of end: EndpointReference, _ local: SocketAddress, _ remote: SocketAddress) -> [EndpointReference]
    {
        ends.predecessors(of: end.number, local, remote)
    }

    // MARK: Events

    /// Returns the endpoint that `event` belongs to, if nothing else waited for it; else appends the event and what
    /// waited to `found`, in order, with their endpoints.
    mutating func take(_ event: SocketEvent, _ found: inout [FoundEvent]) -> EndpointReference? {
        switch event.kind {
        case .transition, .destroyed: return follow(event, &found)
        case .dropped:
            guard let target = receiver(of: event) else { return hold(event) }
            counts.attached &+= 1
            return target
        case .resetSent, .resetReceived, .retransmit, .synAckRetransmit, .socketError:
            // A listener, too, has errors and retransmits SYN-ACKs; those events name the peer.
            guard event.remote.port != 0 else { return nil }
            guard
                let target = ownEnd(of: event) ?? incarnation(event.local, event.remote, at: event.time)
            else { return hold(event) }
            note(answerTo: event, by: target)
            counts.attached &+= 1
            return target
        }
    }

    /// Whether it is known whose packet was dropped, or that it belonged to no watched connection: the event says where
    /// the packet was going, or its socket or its answer identifies it.
    mutating func knows(_ drop: SocketEvent) -> Bool { drop.remote.port != 0 || receiver(of: drop) != nil }

    /// The endpoint that the dropped packet was for.
    private mutating func receiver(of drop: SocketEvent) -> EndpointReference? {
        // A RST for a socket that has gone is no loss, and not reported; a packet that was answered with a RST is.
        if drop.remote.port != 0, drop.kind != .dropped(reason: .noSocket) {
            return incarnation(drop.local, drop.remote, at: drop.time)
        }
        return holder(of: drop) ?? answerer(of: drop)
    }

    /// The endpoint that had just answered the dropped packet.
    private func answerer(of drop: SocketEvent) -> EndpointReference? {
        guard let answer = answered[drop.packet] else { return nil }
        return (-Self.clockError...Self.answeredDropDelay).contains(drop.time.since(answer.at)) ? answer.by : nil
    }

    /// An event was joined without a followed socket.
    mutating func noteAttached() { counts.attached &+= 1 }

    /// An event that was joined belongs to no watched connection after all.
    mutating func disown() {
        counts.attached &-= 1
        counts.unattached &+= 1
    }

    /// The endpoint whose socket a dropped packet was for. A drop that belongs to none waits for a while, and its
    /// socket's address may be another's meanwhile.
    private func holder(of drop: SocketEvent) -> EndpointReference? {
        guard let place = places[drop.socket], pool[place].since <= drop.time else { return nil }
        return pool[place].target
    }

    /// The endpoint of the followed socket that an event names: one that has been left over from an earlier connection
    /// gets its own events, although a new SYN with its four-tuple was captured.
    private func ownEnd(of event: SocketEvent) -> EndpointReference? {
        guard let place = places[event.socket], pool[place].since <= event.time, pool[place].local == event.local,
            pool[place].remote == event.remote
        else { return nil }
        return pool[place].target
    }

    private mutating func note(answerTo event: SocketEvent, by target: EndpointReference) {
        guard case .resetSent = event.kind, event.packet != 0 else { return }
        if answered.count >= Self.answeredLimit { answered.removeAll(keepingCapacity: true) }
        answered[event.packet] = (target, event.time)
    }

    private mutating func hold(_ event: SocketEvent) -> EndpointReference? {
        if loose.count < Self.waitingLimit { loose.append(event) } else { abandon(event) }
        return nil
    }

    private mutating func abandon(_ event: SocketEvent) {
        if case .dropped = event.kind { counts.unknownDrops &+= 1 } else { counts.unattached &+= 1 }
        unseen.note(event)
    }

    /// The connect() calls of which nothing was captured, at the end of a trace:
    /// events that still wait will get no segment any more.
    func unseenCalls() -> [UnseenCall] {
        var all = unseen
        var waiting = departed.flatMap(\.waiting)
        for socket in waitingSockets {
            if let place = places[socket] { waiting += pool[place].waiting }
        }
        all.note(waiting.sorted { $0.time < $1.time })
        all.note(loose)
        return all.complete()
    }

    /// Takes in an event of a socket that is followed from its birth.
    private mutating func follow(_ event: SocketEvent, _ found: inout [FoundEvent]) -> EndpointReference? {
        var isBirth = false
        var isConnect = false
        switch event.kind {
        case .transition(from: .closed, to: .synSent): (isBirth, isConnect) = (true, true)
        case .transition(from: .listen, to: .synReceived): isBirth = true
        // A socket that never connected, or a listener: nothing to follow.
        case .transition(from: .closed, to: .listen), .transition(from: .listen, to: .closed): return nil
        default: break
        }
        let known = places[event.socket]
        let place: Int
        if let known, !isBirth {
            place = known
        } else {
            if let known { depart(known) }
            if !isBirth && event.remote.port == 0 { return nil }
            place = begin(event.socket, at: event.time)
        }
        if isConnect { pool[place].connectTime = event.time }
        if event.local.port != 0 && event.remote.port != 0 {
            pool[place].local = event.local
            pool[place].remote = event.remote
        }
        // Nearly always nothing waits, and the connection is known.
        if pool[place].waiting.isEmpty, let target = target(at: place, firstTime: event.time) {
            counts.attached &+= 1
            if case .destroyed = event.kind { end(place) } else { pool[place].target = target }
            return target
        }
        pool[place].waiting.append(event)
        waitingSockets.insert(event.socket)
        deliver(place, &found)
        return nil
    }

    private mutating func begin(_ socket: UInt64, at time: Timestamp) -> Int {
        makeRoom()
        let place: Int
        if let free = freePlaces.popLast() {
            pool[free] = Track(socket: socket, since: time)
            place = free
        } else {
            pool.append(Track(socket: socket, since: time))
            place = pool.count - 1
        }
        places[socket] = place
        return place
    }

    /// Stops following the socket at this place.
    private mutating func end(_ place: Int) {
        places[pool[place].socket] = nil
        pool[place].waiting = []
        freePlaces.append(place)
    }

    /// Hands over the events that wait for a socket, if its connection is known by now.
    private mutating func deliver(_ place: Int, _ found: inout [FoundEvent]) {
        guard let first = pool[place].waiting.first,
            let target = target(at: place, firstTime: first.time)
        else { return }
        pool[place].target = target
        waitingSockets.remove(pool[place].socket)
        counts.attached &+= UInt64(pool[place].waiting.count)
        var isOver = false
        for event in pool[place].waiting {
            isOver = isOver || event.kind == .destroyed
            found.append((event, target))
        }
        pool[place].waiting = []
        if isOver { end(place) }
    }

    /// The endpoint of the socket at a place, whose first waiting event is of `firstTime`;
    /// nil while its connection is unknown.
    private mutating func target(at place: Int, firstTime: Timestamp) -> EndpointReference? {
        if let target = pool[place].target { return target }
        return endpoint(pool[place].local, pool[place].remote, pool[place].connectTime, firstTime: firstTime)
    }

    /// The endpoint of a socket with these ends; `connectTime` is when it was born, if it is a client's.
    private mutating func endpoint(
        _ local: SocketAddress, _ remote: SocketAddress, _ connectTime: Timestamp?, firstTime: Timestamp
    ) -> EndpointReference? {
        guard local.port != 0 else { return nil }
        if let connectTime { return opened(local, remote, at: connectTime) }
        return incarnation(local, remote, at: firstTime)
    }

    /// A socket has gone, and its address is another's now. Its events may have been read before its segments.
    private mutating func depart(_ place: Int) {
        let track = pool[place]
        end(place)
        waitingSockets.remove(track.socket)
        guard !track.waiting.isEmpty else { return }
        if departed.count < Self.trackLimit {
            departed.append(track)
        } else {
            counts.unattached &+= UInt64(track.waiting.count)
        }
    }

    /// Hands over the events of departed sockets whose connections are known by now.
    private mutating func settleDeparted(now: Timestamp, _ found: inout [FoundEvent]) {
        let held = departed
        departed.removeAll(keepingCapacity: true)
        for track in held {
            if let first = track.waiting.first,
                let target = track.target
                    ?? endpoint(track.local, track.remote, track.connectTime, firstTime: first.time)
            {
                counts.attached &+= UInt64(track.waiting.count)
                for event in track.waiting { found.append((event, target)) }
            } else if let last = track.waiting.last, now.since(last.time) > Self.patience {
                counts.unattached &+= UInt64(track.waiting.count)
                unseen.note(track.waiting)
            } else {
                departed.append(track)
            }
        }
    }

    /// Segments have come since: returns the events that waited for them,
    /// and gives up those that have waited long enough.
    mutating func settle(now: Timestamp) -> [FoundEvent] {
        let count = waitingSockets.count + loose.count + departed.count
        guard count > 0, count <= Self.fewWaiting || now >= nextSettling else { return [] }
        nextSettling = now.advanced(by: Self.settlingInterval)
        var found: [FoundEvent] = []
        settleDeparted(now: now, &found)
        for socket in waitingSockets {
            guard let place = places[socket] else { continue }
            deliver(place, &found)
            guard let last = pool[place].waiting.last, now.since(last.time) > Self.patience else { continue }
            // These events belong to no captured connection.
            counts.unattached &+= UInt64(pool[place].waiting.count)
            unseen.note(pool[place].waiting)
            waitingSockets.remove(socket)
            end(place)
        }
        let held = loose
        loose.removeAll(keepingCapacity: true)
        for event in held {
            if now.since(event.time) > Self.patience {
                abandon(event)
            } else if let target = take(event, &found) {
                found.append((event, target))
            }
        }
        return found.sorted { $0.event.time < $1.event.time }
    }

    /// Whether there are waiting sockets that have not been looked for behind address translation.
    var seeksTranslated: Bool {
        waitingSockets.count <= Self.fewWaiting
            && waitingSockets.contains { places[$0].map { !pool[$0].wasSought } ?? false }
    }

    /// The sockets that have waited in vain for a connection with their own four-tuple, and must be looked for behind
    /// address translation; each is returned once.
    mutating func overdue(now: Timestamp) -> [TranslatedSocket] {
        guard !waitingSockets.isEmpty, waitingSockets.count <= Self.fewWaiting || now >= nextSeeking else { return [] }
        nextSeeking = now.advanced(by: Self.settlingInterval)
        var overdue: [TranslatedSocket] = []
        for socket in waitingSockets {
            guard let place = places[socket], !pool[place].wasSought, pool[place].local.port != 0,
                pool[place].remote.port != 0, let first = pool[place].waiting.first,
                now.since(first.time) >= TranslatedSocket.patience
            else { continue }
            pool[place].wasSought = true
            let isServer = first.kind == .transition(from: .listen, to: .synReceived)
            guard isServer || pool[place].connectTime != nil else { continue }
            overdue.append(
                TranslatedSocket(
                    local: pool[place].local, remote: pool[place].remote, connectTime: pool[place].connectTime,
                    firstTime: first.time))
        }
        return overdue
    }

    /// Sockets whose end the kernel does not report would pile up.
    private mutating func makeRoom() {
        guard places.count >= Self.trackLimit else { return }
        for track in pool { counts.unattached &+= UInt64(track.waiting.count) }
        pool.removeAll()
        freePlaces.removeAll()
        places.removeAll(keepingCapacity: true)
        waitingSockets.removeAll(keepingCapacity: true)
    }

    // MARK: Incarnations

    // These change nothing; they are `mutating` so that no copy of all this is made for each event.

    /// The incarnation that connect() at `time` opened: the one whose first segment is the first after that.
    private mutating func opened(_ local: SocketAddress, _ remote: SocketAddress, at time: Timestamp)
        -> EndpointReference?
    {
        ends.find(local, remote, among: { $0.firstTime.since(time) >= -Self.clockError }) {
            $0.firstTime < $1.firstTime
        }
    }

    /// The incarnation that lived at `time`: the latest one that began before. If a connection is older than the
    /// capture, its first segment may be a RST, which the kernel reports just before it is captured.
    private mutating func incarnation(
        _ local: SocketAddress, _ remote: SocketAddress, at time: Timestamp
    ) -> EndpointReference? {
        ends.find(local, remote, among: { $0.firstTime.since(time) <= $0.lead }) {
            $0.firstTime > $1.firstTime
        }
    }
}
