// What the next reading should cover: of many connections, those about which the tables may have news.

import TCPMachine
public import TCPModel

extension KernelJoin {
    /// Refused connections are examined only if no more than this many are read together:
    /// under a scan it would be expensive.
    private static let fewRefused = 16

    /// Whether the tables may still show something new about a connection: it has a socket, has not ended,
    /// or its end in TIME_WAIT is unconfirmed.
    private static func isUnsettled(_ id: ConnectionID, _ view: KernelView, _ timeline: borrowing Timeline) -> Bool {
        // The next reading has to confirm that a socket has left TIME_WAIT.
        view.originator.isPresent || view.responder.isPresent || !timeline.isEnded(id)
            || view.originator.suspicion?.wire == .timeWait || view.responder.suspicion?.wire == .timeWait
    }

    /// Whether anything may still change in the tables.
    public func needsReading(_ timeline: borrowing Timeline) -> Bool {
        for id in views.all where views.look(id, { Self.isUnsettled(id, $0, timeline) }) == true { return true }
        return false
    }

    /// A connection that a reading covers: its ends, those of its two sockets, each as seen from its own side,
    /// and whether it was refused.
    public typealias ConnectionToRead = (
        tuple: FourTuple, originator: FourTuple, responder: FourTuple, isRefused: Bool
    )

    /// What a reading covers: those of `ids` (nil = all) whose four-tuple has not been taken by another connection.
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

    /// The responders' ports of these connections (nil = all): each relevant socket has one of them at either end.
    /// Empty if there are more than `limit`.
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

    /// Where the responders of these connections (nil = all) listen, if the connection has not been answered or
    /// accepted yet: there it matters whether other sockets listen, too.
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

    /// The connections to read next, at most `limit`, of all about which the tables may show something new:
    /// the youngest, and the others in turn.
    public mutating func batch(_ timeline: borrowing Timeline, limit: Int) -> [ConnectionID] {
        views.batch(limit: limit) { id, view in
            !view.originator.isRead || Self.isUnsettled(id, view, timeline)
        }
    }

    /// One end to read: its own address is the source. `isExpected`: a socket should be there and must be looked for;
    /// `isOpen`: it has one by its segments; `interface`: the one that the socket was bound to (0 = none).
    public typealias EndToRead = (tuple: FourTuple, isExpected: Bool, isOpen: Bool, interface: UInt32)

    /// Both ends of these connections, and whether each should have a socket if it is on this host: not if segments
    /// came after `quietSince`, since the socket may have gone by now.
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
                // A socket that was seen may have gone since; one that was never seen, but should exist, is looked for.
                // On a refused port, a listener at another address is looked for once.
                let isMissing = state.shouldHaveSocket && isQuiet && views.look(id) { $0[side].socket == nil } == true
                let isRefused =
                    side == .responder && connection.facts.contains(.refused) && ids.count <= Self.fewRefused
                    && views.look(id) { !$0.responder.isRead } == true
                let isOpen = ![.unseen, .closed, .listen].contains(state)
                let isLost = isOpen && views.look(id) { $0[side].isLost(in: state) } == true
                let interface: UInt32 = views.look(id) { $0[side].socket?.interface ?? 0 } ?? 0
                ends.append((tuple, isMissing || isRefused || isLost, isOpen, interface))
            }
        }
        return ends
    }
}
