// What the next reading is to be of: of many connections those of which the tables may say something new.

import TCPMachine
public import TCPModel

extension KernelJoin {
    /// Refused connections are looked after only where no more than so many are read together: under a scan that would be dear.
    private static let fewRefused = 16

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
        views.batch(limit: limit) { id, view in
            !view.originator.isRead || Self.isUnsettled(id, view, timeline)
        }
    }

    /// One end to be read: its own address is the source. Whether there should be a socket that is to be looked for, whether it
    /// has one by its segments, and the interface that this was bound to (0 = none).
    public typealias EndToRead = (tuple: FourTuple, isExpected: Bool, isOpen: Bool, interface: UInt32)

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
                let isOpen = ![.unseen, .closed, .listen].contains(state)
                let isLost = isOpen && views.look(id) { $0[side].isLost(in: state) } == true
                let interface: UInt32 = views.look(id) { $0[side].socket?.interface ?? 0 } ?? 0
                ends.append((tuple, isMissing || isRefused || isLost, isOpen, interface))
            }
        }
        return ends
    }
}
