// The consumer of segments: finds the connection, runs both endpoints, counts, and reports what the segment meant.

import TCPMachine
public import TCPModel

/// All connections of a capture. One owner feeds it in capture order; it reads no clock and does no I/O.
public struct Timeline: ~Copyable {
    /// What is known about the connections, for reports and findings to read.
    public internal(set) var connections: KnownConnections
    var index: FlowIndex
    var endings: [EndedQueue]
    private var hasFreedSlots = false
    /// Copies, and addresses translated on the way: kept apart, because most captures have none.
    var copies = DuplicateFilter()
    var cutFrames = CutFrames()
    private var translations = NamedTranslations()
    private var challenged = ChallengedOpenings()
    private var discarded = DiscardedSegments()
    private var unheardFins = UnheardFins()
    private var formerEnds = FormerEnds()
    /// The MPTCP connections and their subflows.
    private var multipath = MultipathLinks()
    /// Where the traced host listens.
    public var listening = ListeningEnds()
    /// How many connections have been seen.
    public private(set) var connectionCount: UInt64 = 0
    /// How many of them are others seen behind address translation.
    public var translatedCount: UInt64 { translations.count }
    /// What the segment last taken in by `track` did to its connection's endpoints, if it took the general path.
    private var latest = Connection.Step()
    /// If it was on the usual course: the row that says what it did, plus 1; else 0.
    private var latestRow = 0
    /// What most segments do, learnt in advance.
    let course = UsualCourse.learnt
    /// Where the search for a connection to evict continues.
    var hand: UInt32 = 0

    /// Numbers above this are frame numbers of first segments: a caller that divides a capture among several timelines
    /// counts the connections of all of them, and assigns their numbers with `renumber`.
    public static let provisional: UInt64 = 1 << 63
    private let countsByItself: Bool

    /// A timeline without connections.
    ///
    /// - Parameters:
    ///   - seed: only spreads the hash; no result depends on it.
    ///   - endingQueues: into how many parts the flows are divided (a power of two); each keeps its endings in order.
    ///   - countsByItself: whether connections get their numbers here; if not, see `provisional`.
    ///   - keepsStatistics: whether statistics of the connections are kept.
    public init(
        seed: UInt64 = .random(in: .min ... .max), endingQueues: Int = 1, countsByItself: Bool = true,
        keepsStatistics: Bool = false
    ) {
        index = FlowIndex(seed: seed)
        endings = Array(repeating: EndedQueue(), count: endingQueues)
        self.countsByItself = countsByItself
        connections = KnownConnections(keepsStatistics: keepsStatistics)
    }

    /// The connection at a place that an event named and `retire` has not freed.
    public subscript(id: ConnectionID) -> Connection { connections[id] }

    /// How many connections are in memory.
    public var trackedCount: Int { connections.store.count }

    /// The hash function for `track`.
    public var flowHash: FlowHash { index.flowHash }

    /// Takes in one segment. If the event names a `replaced` connection, report that one and then `retire` it.
    public mutating func observe(
        _ segment: Segment, time: Timestamp, frame: UInt64, interface: UInt16 = 0, cutOctets: UInt32 = 0
    ) -> SegmentEvent {
        let tracked = track(
            segment, hash: index.hash(segment.tuple), time: time, frame: frame, interface: interface)
        return event(of: tracked, segment, time: time, frame: frame, cutOctets: cutOctets)
    }

    /// Takes in one segment, unless its frame is a copy of an earlier one; `event` describes it in full, if needed.
    ///
    /// - Parameters:
    ///   - hash: that of `FlowHash` with the timeline's seed.
    ///   - vantage: identifies the place on the link where the frame was seen (see `DuplicateFilter`).
    public mutating func trackOnce(
        _ segment: Segment, hash: UInt64, time: Timestamp, frame: UInt64, interface: UInt16, vantage: UInt32
    ) -> Tracked {
        let search = index.search(segment.tuple, hash: hash, in: connections.store)
        let known = search.found
        let tracked: Tracked
        if let known, connections.store[known.id].takeSteadily(segment, own: known.sender, time: time) {
            tracked = Tracked(known.id)
        } else if let usual = trackUsually(segment, search, hash, time, frame, interface) {
            tracked = usual
        } else {
            return trackRest(segment, search, hash, time, frame, interface, vantage)
        }
        // It brought something new, so it is no copy; but it may be the original of one.
        copies.remember(
            segment, flowHash: hash, time: time, frame: frame, interface: interface, vantage: vantage)
        if cutFrames.isWanted { noteText(segment, tracked.connection, hash, time, frame, interface, vantage) }
        noteTranslation(segment, tracked, time)
        return tracked
    }

    /// Takes in a segment on a connection's usual course; nil if it is not on it, and nothing has changed.
    @inline(__always) private mutating func trackUsually(
        _ segment: Segment, _ search: FlowIndex.Search, _ hash: UInt64, _ time: Timestamp, _ frame: UInt64,
        _ interface: UInt16
    ) -> Tracked? {
        guard let kind = UsualKind(segment) else { return nil }
        let row: Int
        let id: ConnectionID
        let own: Int
        if let known = search.found {
            guard let found = connections.store[known.id].usualRow(segment, kind, own: known.sender, time: time, course)
            else { return nil }
            (row, id, own) = (found, known.id, known.sender)
        } else {
            guard kind == .syn, segment.isOrdinary, segment.tuple.source != segment.tuple.destination,
                course.rows[UsualCourse.row(0, .syn)].isKnown
            else { return nil }
            (row, id, own) = (UsualCourse.row(0, .syn), create(segment, time, frame, interface), 0)
            index.insert(id, hash: hash, at: search.vacancy)
        }
        connections.store[id].follow(course.rows, row, segment, kind, own: own, time: time)
        latestRow = row &+ 1
        if own == 1 { connections.showsAnswers = true }
        if course.rows[row].isOver { noteEnding(id) }
        return Tracked(id, isFirst: search.found == nil, course.rows[row].marks)
    }

    /// Checks whether a connection's first segment repeats another one's SYN.
    @inline(__always) mutating func noteTranslation(
        _ segment: Segment, _ tracked: Tracked, _ time: Timestamp
    ) {
        guard tracked.isFirst, countsByItself, segment.flags.has(.syn) else { return }
        noteRelatives(of: tracked.connection, segment, time)
    }

    @inline(never) private mutating func noteRelatives(of id: ConnectionID, _ segment: Segment, _ time: Timestamp) {
        let name = connections.store[id].name
        if let source = translations.source(of: SynTraits(segment, time: time), name) {
            connections.relatives.note(name.number, translationOf: source)
        }
    }

    /// Takes in one segment as `observe` does; `event` describes it in full, if needed.
    ///
    /// - Parameter hash: that of `FlowHash` with the timeline's seed.
    public mutating func track(
        _ segment: Segment, hash: UInt64, time: Timestamp, frame: UInt64, interface: UInt16
    ) -> Tracked {
        let search = index.search(segment.tuple, hash: hash, in: connections.store)
        if let known = search.found, connections.store[known.id].takeSteadily(segment, own: known.sender, time: time) {
            return Tracked(known.id)
        }
        if !challenged.isEmpty, let known = search.found,
            connections.store[known.id].repeatsOlder(segment, own: known.sender)
        {
            challenged.noteCopy(segment, at: known.id)
        }
        return trackUsually(segment, search, hash, time, frame, interface)
            ?? trackStep(segment, search, hash, time, frame, interface)
    }

    /// The general path: a first segment, or one that may change something.
    @inline(never) mutating func trackStep(
        _ segment: Segment, _ search: FlowIndex.Search, _ hash: UInt64, _ time: Timestamp, _ frame: UInt64,
        _ interface: UInt16
    ) -> Tracked {
        latestRow = 0
        if segment.showsAnswer(of: search.found?.sender) { connections.showsAnswers = true }
        let found = search.found?.id
        var replaced: ConnectionID?
        var id = found ?? ConnectionID(slot: 0)
        var isFirst = found == nil
        var before: HotPart?
        var opened: (step: Connection.Step, isOfSender: Bool)?
        if let known = found {
            // Only a SYN can do that; most segments that come here have none.
            if segment.flags.has(.syn) && connections.store[known].startsNewIncarnation(segment, at: time) {
                id = create(segment, time, frame, interface)
                replace(known, by: id, hash)
                replaced = known
                isFirst = true
            } else if !challenged.isEmpty, let opening = challenged[known],
                connections.store[known].isDisproved(by: segment, at: time, after: opening)
            {
                id = open(opening, instead: known, hash, frame, interface)
                replaced = known
                opened = (latest, opening.segment.tuple == segment.tuple)
            } else if !discarded.isEmpty, let run = discarded[known],
                let disproof = connections.store[known].disproof(of: run, by: segment, at: time)
            {
                discarded.forget(known)
                if case .sameConnection(let taken) = disproof {
                    takeAfterAll(taken, known)
                    opened = (latest, taken.first?.segment.tuple == segment.tuple)
                } else {
                    id = create(segment, time, frame, interface, as: connections.store[known].tuple)
                    replace(known, by: id, hash)
                    replaced = known
                    isFirst = true
                }
            } else if segment.flags.has(.syn) {
                before = connections.store[known]
            } else if let sent = unheardFins.disproved(by: segment, time: time, at: known, &connections.store[known]) {
                opened = (Connection.Step(sent), true)
            }
        } else {
            id = create(segment, time, frame, interface)
            index.insert(id, hash: hash, at: search.vacancy)
        }
        if segment.options.present.contains(.multipath) { noteMultipath(segment, id) }
        var rare = connections.store.rare(id)
        let isOfFormer = formerEnds.answers(segment, at: id, connections.store[id])
        connections.store[id].take(segment, time: time, isFirst: isFirst, isOfFormer: isOfFormer, &rare, &latest)
        if isFirst { learnRoles(of: id, from: segment) }
        if let opened { latest.follow(opened.step, ofSameSender: opened.isOfSender) }
        connections.store.keep(rare, id)
        course.join(&connections.store[id])
        if latest.isOver { noteEnding(id) }
        if let cause = latest.discarded {
            discarded.note(segment, time: time, packets: connections.store[id].packets, cause: cause, at: id)
        }
        if let before, connections.store[id].isChallenged(segment, own: search.found?.sender ?? 0, before) {
            challenged.note(segment, time: time, before: before, at: id)
        }
        return Tracked(id, replaced: replaced, isFirst: isFirst || replaced != nil, Tracked.Marks(latest))
    }

    @inline(never) private mutating func noteMultipath(_ segment: Segment, _ id: ConnectionID) {
        guard let subflow = multipath.take(segment, connections.store[id].name) else { return }
        connections.relatives.note(connections.store[id].number, joined: subflow)
    }

    private mutating func replace(_ old: ConnectionID, by new: ConnectionID, _ hash: UInt64) {
        index.replace(old, by: new, hash: hash)
        connections.store[old].facts.insert(.replaced)
        challenged.forget(old)
        discarded.forget(old)
        unheardFins.forget(old)
        formerEnds.note(connections.store[old], responder: connections.store[new].tuple.destination, at: new)
    }

    /// The segments of one side were not dropped after all: its receiver ignores timestamps, or has another window or
    /// SND.UNA than was thought. `latest` becomes what they did.
    private mutating func takeAfterAll(_ segments: [(segment: Segment, time: Timestamp)], _ id: ConnectionID) {
        var rare = connections.store.rare(id)
        var sum = Connection.Step()
        for (segment, time) in segments {
            for place in 0..<2 { connections.store[id].endpoints[place].forgetTimestamp() }
            connections.store[id].uncount(segment)
            connections.store[id].take(segment, time: time, isFirst: false, isAfterAll: true, &rare, &latest)
            latest.follow(sum, ofSameSender: true)
            sum = latest
        }
        for place in 0..<2 { connections.store[id].endpoints[place].forgetTimestamp() }
        connections.store.keep(rare, id)
    }

    /// A SYN thought to be challenged had opened a connection, which now begins with it. `latest` becomes what it did.
    private mutating func open(
        _ opening: ChallengedOpening, instead old: ConnectionID, _ hash: UInt64, _ frame: UInt64, _ interface: UInt16
    ) -> ConnectionID {
        connections.store[old].takeBack(opening)
        let id = create(opening.segment, opening.time, frame, interface)
        replace(old, by: id, hash)
        var rare = connections.store.rare(id)
        connections.store[id].take(opening.segment, time: opening.time, isFirst: true, &rare, &latest)
        var again = Connection.Step()
        for _ in 0..<opening.repeats {
            connections.store[id].take(opening.segment, time: opening.latestTime, isFirst: false, &rare, &again)
        }
        connections.store.keep(rare, id)
        return id
    }

    /// The meaning of the segment that `track` has just taken in.
    public mutating func event(
        of tracked: Tracked, _ segment: Segment, time: Timestamp, frame: UInt64, cutOctets: UInt32 = 0
    ) -> SegmentEvent {
        // Read in place, not copied.
        let id = tracked.connection
        let sender: Side = connections.store[id].isOriginator(segment.tuple.source) ? .originator : .responder
        let ownBase = connections.store[id].endpoints[connections.store[id].place(sender)].relativeBase
        let peerBase = connections.store[id].endpoints[connections.store[id].place(sender.other)].relativeBase
        var step = tracked.isSteady ? Connection.Step() : latestRow > 0 ? course.steps[latestRow - 1] : latest
        if tracked.copyOf != 0 { step.notes = .duplicateFrame }
        if connections.store[id].isProbeWithText(segment, sender, step.notes) { step.notes.insert(.windowProbe) }
        var event = SegmentEvent(
            connection: id, number: connections.store[id].number, isFirst: tracked.isFirst,
            replaced: tracked.replaced, predecessor: connections.predecessor(tracked.replaced, of: id), sender: sender,
            time: time,
            frame: frame, segment: segment,
            relativeSequence: segment.sequence.offset(from: ownBase),
            relativeAck: segment.flags.has(.ack) ? segment.acknowledgment.offset(from: peerBase) : 0,
            acknowledgedBase: peerBase,
            notes: step.notes, sent: step.sent, arrived: step.arrived, ended: tracked.ended,
            originatorState: connections.store[id].endpoints[0].state,
            responderState: connections.store[id].endpoints[connections.store[id].place(.responder)].state,
            facts: connections.store[id].facts, responderPackets: connections.store[id].sides[1].packets,
            originalFrame: tracked.copyOf, cutOctets: cutOctets)
        connections.judge(&event)
        return event
    }

    private mutating func create(
        _ segment: Segment, _ time: Timestamp, _ frame: UInt64, _ interface: UInt16, as tuple: FourTuple? = nil
    ) -> ConnectionID {
        connectionCount += 1
        return connections.store.insert(
            HotPart(
                number: countsByItself ? connectionCount : frame | Self.provisional,
                tuple: tuple ?? listening.tuple(from: segment) ?? segment.orientedTuple,
                first: segment, time: time, interface: interface))
    }

    /// Gives a connection its number if it is still the one with this provisional number.
    @inline(__always) public mutating func renumber(_ id: ConnectionID, from provisional: UInt64, to number: UInt64) {
        if connections.store.isOccupied(id.slot) && connections.store[id].number == provisional {
            connections.store[id].number = number
            if cutFrames.isWanted { connections.renumberCopies(id, from: provisional, to: number) }
            if connections.relatives.knowsSocketEnds { connections.relatives.renumber(provisional, to: number) }
        }
    }

    /// Fetches what `track` will need for a segment with this hash into the cache while other segments are taken in:
    /// waiting for the misses one by one would cost more than all the rest.
    ///
    /// `prepare` does this for the index; `fetch`, some time later, for the connection that the index has found.
    public func prepare(hash: UInt64) { index.fetch(hash: hash) }

    /// Takes both steps (see `prepare`): fetches the connection for `hash`, and the index entry for `later`.
    public func fetch(hash: UInt64, preparing later: UInt64) {
        index.fetch(hash: later)
        connections.store.fetch(index.likelyPlace(hash: hash))
    }

    /// Fetches a connection that will be reported and retired soon.
    public func fetch(_ id: ConnectionID) { connections.store.fetch(id.slot &+ 1) }

    /// An answer with these ends shows that the client's own host redirected its call to `address`: see `Redirections`.
    ///
    /// - Returns: the connection; nil if there is none that this client opened.
    @discardableResult
    public mutating func note(answer tuple: FourTuple, called address: SocketAddress) -> ConnectionID? {
        guard let found = index.find(tuple, hash: index.hash(tuple), in: connections.store),
            connections.store[found.id].isOriginator(tuple.destination)
        else { return nil }
        note(found.id, .called(address))
        return found.id
    }

    /// A socket of a connection has another end than its packets.
    mutating func note(_ id: ConnectionID, _ end: TranslatedEnd) { connections.note(id, end) }

    // MARK: Endings

    mutating func noteEnding(_ id: ConnectionID) {
        guard !connections.store[id].facts.contains(.queued) else { return }
        connections.store[id].facts.insert(.queued)
        let queue = endings.count == 1 ? 0 : FlowHash.part(connections.store[id].tuple, of: endings.count)
        endings[queue].append(EndedQueue.Entry(id, connections.store[id]))
    }

    /// The next connection that ended and has been silent for `linger` nanoseconds at `now`, or that ended before the
    /// last `most` of its queue; report it, then `retire` it.
    public mutating func nextExpired(at now: Timestamp, linger: Int64, most: Int = .max) -> ConnectionID? {
        for queue in endings.indices {
            if let id = nextExpired(in: queue, at: now, linger: linger, most: most) { return id }
        }
        return nil
    }

    /// The next expired connection of one queue, whose number is less than `endingQueues`.
    public mutating func nextExpired(
        in queue: Int, at now: Timestamp, linger: Int64, most: Int = .max
    ) -> ConnectionID? {
        while let entry = endings[queue].first {
            let id = entry.id
            guard connections.store.isOccupied(id.slot), connections.store[id].facts.contains(.queued),
                entry.isOf(connections.store[id])
            else {
                endings[queue].removeFirst()
                continue
            }
            // Fetch a connection that is examined soon, and the index entry of one that is examined sooner.
            if let next = endings[queue].afterFirst(by: 8) { connections.store.fetch(next.id.slot &+ 1) }
            if let next = endings[queue].afterFirst(by: 4), connections.store.isOccupied(next.id.slot) {
                index.fetch(hash: index.hash(connections.store[next.id].tuple))
            }
            let isCrowded = endings[queue].count > most
            if connections.store[id].lastTime > entry.silentSince && !isCrowded {
                // Late segments postpone it, but not those that ended after it.
                endings[queue].removeFirst()
                endings[queue].append(EndedQueue.Entry(id, connections.store[id]))
                continue
            }
            if !isCrowded && connections.store[id].lastTime.advanced(by: linger) > now { return nil }
            endings[queue].removeFirst()
            connections.store[id].facts.remove(.queued)
            if connections.store[id].hasEnded() { return id }
        }
        return nil
    }

    /// A connection that `nextExpired` returned is not over, or not yet: it is returned again, unless it continues.
    public mutating func postpone(_ id: ConnectionID) { noteEnding(id) }

    /// Forgets a connection.
    public mutating func retire(_ id: ConnectionID) {
        if !connections.store[id].facts.contains(.replaced) {
            index.remove(id, hash: index.hash(connections.store[id].tuple))
        }
        challenged.forget(id)
        discarded.forget(id)
        unheardFins.forget(id)
        formerEnds.forget(id)
        connections.free(id)
        hasFreedSlots = true
    }

    /// Notes that a connection's end was reported; it stays for late segments.
    public mutating func markReported(_ id: ConnectionID) { connections.store[id].facts.insert(.reported) }

    /// Everything still in memory, oldest first.
    public func remaining() -> [ConnectionID] {
        var ids: [ConnectionID] = []
        ids.reserveCapacity(connections.store.count)
        for slot in 0..<connections.store.limit where connections.store.isOccupied(slot) {
            ids.append(ConnectionID(slot: slot))
        }
        // Slots are assigned in order until the first one is freed; numbers follow the order of first segments.
        if hasFreedSlots {
            ids.sort { connections.store[$0].number < connections.store[$1].number }
        }
        return ids
    }

    /// Whether places are in the order of numbers, so that `next` finds the oldest first and no list is needed.
    public var isInOrder: Bool { !hasFreedSlots }

    /// The first connection at or after a place; nil if there is none.
    public func next(from slot: UInt32) -> ConnectionID? {
        var slot = slot
        while slot < connections.store.limit {
            if connections.store.isOccupied(slot) { return ConnectionID(slot: slot) }
            slot += 1
        }
        return nil
    }

    // MARK: The kernel's word

    /// The kernel reports one side of a connection in the state that we have for it.
    public mutating func kernelConfirms(_ side: Side, of id: ConnectionID) {
        let place = connections.store[id].place(side)
        connections.store[id].endpoints[place].kernelConfirms()
        course.join(&connections.store[id])
    }

    /// The kernel steadily reports one side in another state than ours: what this disproves is retracted.
    mutating func kernelCorrects(_ side: Side, of id: ConnectionID, to kernel: TCPState) -> Reaction {
        let reaction = connections.store[id].endpoints[connections.store[id].place(side)].kernelCorrects(to: kernel)
        // A FIN that waits to be sent changes what the next segments mean, but no state.
        defer { course.join(&connections.store[id]) }
        guard reaction.count > 0 else { return reaction }
        if reaction[0].takesEndBack { connections.store[id].takeBackReset() }
        connections.store[id].settle()
        return reaction
    }
}
