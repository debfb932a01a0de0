// The consumer of segments: finds the connection, runs both endpoints, counts, and says what the segment meant.

public import TCPMachine
public import TCPModel

/// All connections of a capture. One owner feeds it in capture order; nothing here knows a clock or does I/O.
public struct Timeline: ~Copyable {
    private var store = ConnectionStore()
    private var index: FlowIndex
    private var endings = EndedQueue()
    private var hasFreedSlots = false
    /// Copies and addresses translated on the way: kept apart, because most captures have none.
    private var copies = FrameCopies()
    /// Only if a report wants it.
    private var statistics: StatisticsStore?
    /// How many connections have been seen.
    public private(set) var connectionCount: UInt64 = 0

    /// A timeline without connections. `seed` only spreads the hash; no result depends on it.
    public init(seed: UInt64 = .random(in: .min ... .max), keepsStatistics: Bool = false) {
        index = FlowIndex(seed: seed)
        if keepsStatistics { statistics = StatisticsStore() }
    }

    /// The statistics of a connection, if they are kept.
    public func statistics(of id: ConnectionID) -> ConnectionStatistics? {
        statistics?.statistics(id, number: store[id].number)
    }

    /// The connection at a place that an event named and `retire` has not taken back.
    public subscript(id: ConnectionID) -> Connection { store[id] }

    /// How many connections are in memory.
    public var trackedCount: Int { store.count }

    /// Whether the connection with this number is still at this place.
    public func contains(_ id: ConnectionID, number: UInt64) -> Bool {
        store.isOccupied(id.slot) && store[id].number == number
    }

    /// Takes in one segment. If the event names a `replaced` connection, report that one and then `retire` it.
    public mutating func observe(
        _ segment: Segment, time: Timestamp, frame: UInt64, interface: UInt16 = 0, cutOctets: UInt32 = 0
    ) -> SegmentEvent {
        let hash = index.hash(FlowKey(segment.tuple))
        return observe(
            segment, time: time, frame: frame, interface: interface, cutOctets: cutOctets, hash: hash)
    }

    /// Takes in one segment, unless it is another copy of a frame that was taken in: that one only gets an event.
    ///
    /// `vantage` stands for the place on the link where the frame was seen (see `DuplicateFilter`); it is asked for only
    /// where the segment itself does not settle the question.
    public mutating func observeOnce(
        _ segment: Segment, time: Timestamp, frame: UInt64, interface: UInt16 = 0, cutOctets: UInt32 = 0,
        vantage: () -> UInt32
    ) -> SegmentEvent {
        let hash = index.hash(FlowKey(segment.tuple))
        if let original = copies.filter.original(
            of: segment, flowHash: hash, time: time, frame: frame, interface: interface, vantage: vantage),
            let id = index.find(FlowKey(segment.tuple), hash: hash, in: store)
        {
            copies.count(id, number: store[id].number)
            return store[id].copy(of: original, segment, id, time: time, frame: frame)
        }
        let event = observe(
            segment, time: time, frame: frame, interface: interface, cutOctets: cutOctets, hash: hash)
        if event.isFirst && segment.flags.has(.syn) {
            let id = event.connection
            copies.translations.note(segment, store[id].number, at: id, time: time)
        }
        return event
    }

    /// How many frames of a connection were other copies of frames that count (`observeOnce`).
    public func duplicateFrames(of id: ConnectionID) -> UInt32 { copies.duplicates(id, number: store[id].number) }

    /// The connection whose SYN a connection's first segment repeats under other addresses (NAT), as long as both are here.
    public func translated(from id: ConnectionID) -> ConnectionID? {
        guard let source = copies.translations.source(of: store[id].number),
            contains(source.place, number: source.number)
        else { return nil }
        return source.place
    }

    private mutating func observe(
        _ segment: Segment, time: Timestamp, frame: UInt64, interface: UInt16, cutOctets: UInt32, hash: UInt64
    ) -> SegmentEvent {
        let key = FlowKey(segment.tuple)
        var replaced: ConnectionID?
        let id: ConnectionID
        let isFirst: Bool
        if let known = index.find(key, hash: hash, in: store) {
            if store[known].startsNewIncarnation(segment) {
                id = create(segment, time, interface)
                index.replace(known, by: id, hash: hash)
                store[known].facts.insert(.replaced)
                replaced = known
                isFirst = true
            } else {
                id = known
                isFirst = false
            }
        } else {
            id = create(segment, time, interface)
            index.insert(id, hash: hash, in: store)
            isFirst = true
        }
        let step = store[id].take(segment, time: time, isFirst: isFirst)
        if store[id].isEnded && !store[id].facts.contains(.queued) {
            store[id].facts.insert(.queued)
            endings.append(id, number: store[id].number, silentSince: store[id].lastTime)
        }
        var event = SegmentEvent(
            connection: id, isFirst: isFirst, replaced: replaced, sender: step.sender, time: time, frame: frame,
            segment: segment, relativeSequence: step.relativeSequence, relativeAck: step.relativeAck, notes: step.notes,
            sent: step.sent, arrived: step.arrived, ended: step.ended, cutOctets: cutOctets)
        if statistics != nil {
            let number = store[id].number
            event.verdict = statistics?.take(event, number: number) ?? SegmentVerdict()
        }
        return event
    }

    /// The latest connection of a four-tuple, whichever way.
    func find(_ tuple: FourTuple) -> ConnectionID? {
        let key = FlowKey(tuple)
        return index.find(key, hash: index.hash(key), in: store)
    }

    /// Changes a connection by something other than a segment; if that ends it, it waits with those that ended.
    mutating func change<Result>(_ id: ConnectionID, _ body: (inout Connection) -> Result) -> Result {
        let result = body(&store[id])
        queueIfEnded(id)
        return result
    }

    private mutating func queueIfEnded(_ id: ConnectionID) {
        guard store[id].isEnded, !store[id].facts.contains(.queued) else { return }
        store[id].facts.insert(.queued)
        endings.append(id, number: store[id].number, silentSince: store[id].lastTime)
    }

    private mutating func create(
        _ segment: Segment, _ time: Timestamp, _ interface: UInt16
    ) -> ConnectionID {
        connectionCount += 1
        return store.insert(
            Connection(
                number: connectionCount, tuple: segment.orientedTuple, first: segment, time: time,
                interface: interface))
    }

    // MARK: Endings

    /// The next connection that ended and has been silent for `linger` nanoseconds at `now`; report it, then `retire` it.
    public mutating func nextExpired(at now: Timestamp, linger: Int64) -> ConnectionID? {
        while let (id, number, silentSince) = endings.first {
            guard store.isOccupied(id.slot), store[id].number == number else {
                endings.removeFirst()
                continue
            }
            if store[id].lastTime > silentSince {
                // Late segments put it off, but not those that ended after it.
                endings.removeFirst()
                endings.append(id, number: number, silentSince: store[id].lastTime)
                continue
            }
            let deadline = store[id].lastTime.advanced(by: linger)
            if deadline > now { return nil }
            endings.removeFirst()
            store[id].facts.remove(.queued)
            if store[id].isEnded { return id }
        }
        return nil
    }

    /// Forgets a connection.
    public mutating func retire(_ id: ConnectionID) {
        if !store[id].facts.contains(.replaced) {
            index.remove(id, hash: index.hash(FlowKey(store[id].tuple)), in: store)
        }
        copies.translations.forget(store[id].number)
        statistics?.forget(id)
        store.free(id)
        hasFreedSlots = true
    }

    /// Notes that a connection's end was reported; it stays for late segments.
    public mutating func markReported(_ id: ConnectionID) { store[id].facts.insert(.reported) }

    /// Everything still in memory, oldest first.
    public func remaining() -> [ConnectionID] {
        var ids: [ConnectionID] = []
        ids.reserveCapacity(store.count)
        for slot in 0..<store.limit where store.isOccupied(slot) { ids.append(ConnectionID(slot: slot)) }
        // Slots are handed out in order until the first one is free again; numbers are the order of first segments.
        if hasFreedSlots {
            ids.sort { store[$0].number < store[$1].number }
        }
        return ids
    }

    // MARK: The kernel's word

    /// The kernel says that one side of a connection is in the state that we have for it.
    public mutating func kernelConfirms(_ side: Side, of id: ConnectionID) {
        if side == .originator || store[id].isSelfConnect {
            store[id].originator.kernelConfirms()
        } else {
            store[id].responder.kernelConfirms()
        }
    }

    /// The kernel no longer has one side's socket.
    public mutating func kernelDropsSocket(_ side: Side, of id: ConnectionID) -> Reaction {
        let reaction =
            side == .originator || store[id].isSelfConnect
            ? store[id].originator.kernelDropsSocket() : store[id].responder.kernelDropsSocket()
        if store[id].isEnded && !store[id].facts.contains(.queued) {
            store[id].facts.insert(.queued)
            endings.append(id, number: store[id].number, silentSince: store[id].lastTime)
        }
        return reaction
    }
}

/// Connections in the order in which they ended: a ring, so that the oldest can be looked at first.
private struct EndedQueue {
    private var ids: [(id: ConnectionID, number: UInt64, silentSince: Timestamp)] = []
    private var head = 0

    var first: (id: ConnectionID, number: UInt64, silentSince: Timestamp)? { head < ids.count ? ids[head] : nil }

    mutating func append(_ id: ConnectionID, number: UInt64, silentSince: Timestamp) {
        ids.append((id, number, silentSince))
    }

    mutating func removeFirst() {
        head += 1
        if head > 4096 && head * 2 > ids.count {
            ids.removeFirst(head)
            head = 0
        }
    }
}
