// Which connection endpoint an event of a tracepoint is of.
//
// The kernel names a socket by its address in memory, which is used again; ports may be missing (0 at connect()); and a
// four-tuple lives several times. So a socket is followed from its birth, and waits until its four-tuple is known and a
// segment of that incarnation was captured. The order of the log is not the order of cause (on loopback the effect may
// come first), so only times decide.

import TCPModel

/// How many events found their connection.
public struct TraceCounts: Hashable, Sendable {
    /// Events that were joined to an endpoint.
    public internal(set) var attached: UInt64 = 0
    /// Events of connections that were not captured, or not any more.
    public internal(set) var unattached: UInt64 = 0
    /// Dropped packets of which the kernel did not say whose they were: often other programs'.
    public internal(set) var unknownDrops: UInt64 = 0

    /// So many of each.
    public init(attached: UInt64 = 0, unattached: UInt64 = 0, unknownDrops: UInt64 = 0) {
        self.attached = attached
        self.unattached = unattached
        self.unknownDrops = unknownDrops
    }
}

/// One incarnation of a four-tuple that is being watched.
struct WatchedEnd {
    var id: ConnectionID
    var number: UInt64
    var firstTime: Timestamp
    var originator: SocketAddress
}

/// An endpoint.
struct EndpointReference {
    var id: ConnectionID
    var number: UInt64
    var side: Side
}

/// The sockets that events are of.
struct SocketTracks {
    private struct Track {
        var local = SocketAddress(.anyV4, 0)
        var remote = SocketAddress(.anyV4, 0)
        /// When it was born as a client's socket: before its SYN.
        var connectTime: Timestamp?
        var target: EndpointReference?
        var waiting: [SocketEvent] = []
    }

    private var tracks: [UInt64: Track] = [:]
    /// Sockets that have gone, and whose address is another's, with events that still wait for their segments.
    private var departed: [Track] = []
    /// Sockets with events that wait.
    private var waitingSockets: Set<UInt64> = []
    /// Events without a socket that wait for their connection's first segment.
    private var loose: [SocketEvent] = []
    /// Packets that were answered by a RST, and whose: what was dropped has only the packet's address.
    private var answered: [UInt64: EndpointReference] = [:]
    private var ends: [FlowKey: [WatchedEnd]] = [:]
    private(set) var counts = TraceCounts()

    /// How long an event waits for its connection, in nanoseconds.
    static let patience = Span.second
    /// Two readings of the clock may differ by this much, in nanoseconds: perf's clock is translated.
    static let clockError = 5 * Span.microsecond
    private static let trackLimit = 65_536
    private static let waitingLimit = 65_536
    private static let answeredLimit = 4096

    // MARK: Connections

    mutating func watch(_ id: ConnectionID, number: UInt64, _ tuple: FourTuple, firstTime: Timestamp) {
        let end = WatchedEnd(id: id, number: number, firstTime: firstTime, originator: tuple.source)
        ends[FlowKey(tuple), default: []].append(end)
    }

    mutating func forget(_ number: UInt64, _ tuple: FourTuple) {
        let key = FlowKey(tuple)
        ends[key]?.removeAll { $0.number == number }
        if ends[key]?.isEmpty == true { ends[key] = nil }
    }

    // MARK: Events

    /// The endpoints that `event` and events that waited for it are of, in order.
    mutating func take(_ event: SocketEvent) -> [(event: SocketEvent, of: EndpointReference)] {
        switch event.kind {
        case .transition, .destroyed: return followed(event)
        case .dropped:
            guard let target = tracks[event.socket]?.target ?? answered[event.packet] else {
                return hold(event)
            }
            counts.attached &+= 1
            return [(event, target)]
        case .resetSent, .resetReceived, .retransmit, .synAckRetransmit, .socketError:
            // A listener, too, has errors and sends SYN-ACKs again; those name the peer.
            guard event.remote.port != 0 else { return [] }
            guard let target = incarnation(event.local, event.remote, at: event.time) else { return hold(event) }
            note(answerTo: event, by: target)
            counts.attached &+= 1
            return [(event, target)]
        }
    }

    /// Whether it is known whose packet was dropped.
    func knows(_ drop: SocketEvent) -> Bool { tracks[drop.socket]?.target != nil || answered[drop.packet] != nil }

    /// An event was joined without a socket that is followed.
    mutating func noteAttached() { counts.attached &+= 1 }

    private mutating func note(answerTo event: SocketEvent, by target: EndpointReference) {
        guard case .resetSent = event.kind, event.packet != 0 else { return }
        if answered.count >= Self.answeredLimit { answered.removeAll(keepingCapacity: true) }
        answered[event.packet] = target
    }

    private mutating func hold(_ event: SocketEvent) -> [(event: SocketEvent, of: EndpointReference)] {
        if loose.count < Self.waitingLimit { loose.append(event) } else { abandon(event) }
        return []
    }

    private mutating func abandon(_ event: SocketEvent) {
        if case .dropped = event.kind { counts.unknownDrops &+= 1 } else { counts.unattached &+= 1 }
    }

    /// An event of a socket that is followed from its birth.
    private mutating func followed(_ event: SocketEvent) -> [(event: SocketEvent, of: EndpointReference)] {
        var isBirth = false
        switch event.kind {
        case .transition(from: .closed, to: .synSent), .transition(from: .listen, to: .synReceived): isBirth = true
        // A socket that never connected, or a listener: nothing to follow.
        case .transition(from: .closed, to: .listen), .transition(from: .listen, to: .closed): return []
        default: break
        }
        let socket = event.socket
        if isBirth { depart(socket) }
        if tracks[socket] == nil {
            if !isBirth && event.remote.port == 0 { return [] }
            makeRoom()
            tracks[socket] = Track()
        }
        if case .transition(from: .closed, to: .synSent) = event.kind { tracks[socket]?.connectTime = event.time }
        if event.local.port != 0 && event.remote.port != 0 {
            tracks[socket]?.local = event.local
            tracks[socket]?.remote = event.remote
        }
        tracks[socket]?.waiting.append(event)
        waitingSockets.insert(socket)
        return deliver(socket)
    }

    /// Hands over what waits for a socket, if its connection is known by now.
    private mutating func deliver(_ socket: UInt64) -> [(event: SocketEvent, of: EndpointReference)] {
        guard var track = tracks[socket], !track.waiting.isEmpty, let target = target(of: track) else { return [] }
        let events = track.waiting
        track.target = target
        track.waiting = []
        waitingSockets.remove(socket)
        let isOver = events.contains { $0.kind == .destroyed }
        tracks[socket] = isOver ? nil : track
        counts.attached &+= UInt64(events.count)
        return events.map { ($0, target) }
    }

    /// The endpoint that a socket is; nil while its connection is not known.
    private func target(of track: Track) -> EndpointReference? {
        if let target = track.target { return target }
        guard track.local.port != 0, let first = track.waiting.first else { return nil }
        if let time = track.connectTime { return opened(track.local, track.remote, at: time) }
        return incarnation(track.local, track.remote, at: first.time)
    }

    /// A socket has gone, and its address is another's now. Its events may be read before its segments.
    private mutating func depart(_ socket: UInt64) {
        guard let track = tracks.removeValue(forKey: socket) else { return }
        waitingSockets.remove(socket)
        guard !track.waiting.isEmpty else { return }
        if departed.count < Self.trackLimit {
            departed.append(track)
        } else {
            counts.unattached &+= UInt64(track.waiting.count)
        }
    }

    /// What departed sockets had said, where their connections are known by now.
    private mutating func settleDeparted(now: Timestamp, _ found: inout [(event: SocketEvent, of: EndpointReference)]) {
        let held = departed
        departed.removeAll(keepingCapacity: true)
        for track in held {
            if let target = target(of: track) {
                counts.attached &+= UInt64(track.waiting.count)
                found += track.waiting.map { ($0, target) }
            } else if let last = track.waiting.last, now.since(last.time) > Self.patience {
                counts.unattached &+= UInt64(track.waiting.count)
            } else {
                departed.append(track)
            }
        }
    }

    /// Segments have come since: what waits for them, and what has waited long enough.
    mutating func settle(now: Timestamp) -> [(event: SocketEvent, of: EndpointReference)] {
        guard !waitingSockets.isEmpty || !loose.isEmpty || !departed.isEmpty else { return [] }
        var found: [(event: SocketEvent, of: EndpointReference)] = []
        settleDeparted(now: now, &found)
        for socket in waitingSockets {
            found += deliver(socket)
            guard let last = tracks[socket]?.waiting.last, now.since(last.time) > Self.patience else { continue }
            giveUp(socket)
        }
        let held = loose
        loose.removeAll(keepingCapacity: true)
        for event in held {
            if now.since(event.time) > Self.patience { abandon(event) } else { found += take(event) }
        }
        return found.sorted { $0.event.time < $1.event.time }
    }

    /// Forgets a socket; what waited for it is of no connection that was captured.
    private mutating func giveUp(_ socket: UInt64) {
        counts.unattached &+= UInt64(tracks[socket]?.waiting.count ?? 0)
        tracks[socket] = nil
        waitingSockets.remove(socket)
    }

    /// Sockets of a kernel that does not tell their end would pile up.
    private mutating func makeRoom() {
        guard tracks.count >= Self.trackLimit else { return }
        for track in tracks.values { counts.unattached &+= UInt64(track.waiting.count) }
        tracks.removeAll(keepingCapacity: true)
        waitingSockets.removeAll(keepingCapacity: true)
    }

    // MARK: Incarnations

    /// The incarnation that connect() at `time` opened: its first segment is the first one after that.
    private func opened(_ local: SocketAddress, _ remote: SocketAddress, at time: Timestamp) -> EndpointReference? {
        let key = FlowKey(FourTuple(source: local, destination: remote))
        let earliest = ends[key]?.filter { $0.firstTime.since(time) >= -Self.clockError }
            .min { $0.firstTime < $1.firstTime }
        return earliest.map { reference($0, local) }
    }

    /// The incarnation that lived at `time`: the latest one that began before.
    private func incarnation(_ local: SocketAddress, _ remote: SocketAddress, at time: Timestamp) -> EndpointReference?
    {
        let key = FlowKey(FourTuple(source: local, destination: remote))
        let latest = ends[key]?.filter { $0.firstTime.since(time) <= Self.clockError }
            .max { $0.firstTime < $1.firstTime }
        return latest.map { reference($0, local) }
    }

    private func reference(_ end: WatchedEnd, _ local: SocketAddress) -> EndpointReference {
        EndpointReference(
            id: end.id, number: end.number, side: local == end.originator ? .originator : .responder)
    }
}
