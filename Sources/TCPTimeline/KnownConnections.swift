// What is known about the connections in memory, as reports and findings read it.

import TCPMachine
public import TCPModel

/// The connections in memory by place, and what is kept along with each of them.
///
/// A timeline changes its own with every segment. A consumer that runs elsewhere, as the parts of a replay do, has an
/// instance of its own, and keeps the connections as the timeline left them.
public struct KnownConnections: ~Copyable {
    var store = ConnectionStore()
    /// Only if a report needs them.
    private var statistics: StatisticsStore?
    /// How many frames of each connection were copies.
    private var copies = CopyCounts()
    var relatives = ConnectionRelatives()
    /// Whether any segment captured so far, of any connection, answers a SYN: a SYN-ACK, or a later segment from a side
    /// that has answered. If there is none, a filter may have excluded them all, or the capture has only one direction.
    public internal(set) var showsAnswers = false

    /// A table without connections.
    ///
    /// - Parameter keepsStatistics: whether `statistics(of:)` is needed.
    public init(keepsStatistics: Bool) {
        if keepsStatistics { statistics = StatisticsStore() }
    }

    /// The connection at a place that an event named and `retire` has not freed.
    public subscript(id: ConnectionID) -> Connection { store.whole(id) }

    /// The number of the connection at a place; `subscript` says which places are valid.
    public func number(of id: ConnectionID) -> UInt64 { store[id].number }

    /// What identifies the connection at a place.
    public func name(of id: ConnectionID) -> ConnectionName { store[id].name }

    /// Whether the connection with this number is still at this place.
    public func contains(_ id: ConnectionID, number: UInt64) -> Bool {
        store.isOccupied(id.slot) && store[id].number == number
    }

    /// What a table's row says about the connection at a place.
    public func summary(of id: ConnectionID) -> ConnectionSummary { ConnectionSummary(store[id]) }

    /// What became of the connection at a place.
    public func outcome(of id: ConnectionID) -> Outcome { store[id].outcome }

    /// The statistics of a connection, if they are kept.
    public func statistics(of id: ConnectionID) -> ConnectionStatistics? {
        statistics?.statistics(id, number: store[id].number)
    }

    /// How many frames of a connection were copies of other frames, which count (`Timeline.trackOnce`).
    public func duplicateFrames(of id: ConnectionID) -> UInt32 { copies[id, store[id].number] }

    /// The connection whose SYN a connection's first segment repeats under other addresses (NAT).
    public func translated(from id: ConnectionID) -> ConnectionName? { relatives.source(of: store[id].number) }

    /// The ends of a connection's sockets, if its packets have others.
    public func socketEnds(of id: ConnectionID) -> SocketEnds { relatives.ends(store[id].number) }

    /// Notes one such end.
    public mutating func note(_ id: ConnectionID, _ end: TranslatedEnd) { relatives.note(store[id].number, end) }

    /// The address that the client of a connection called, if its own host translated that to this server;
    /// nil if it called this server.
    public func called(by id: ConnectionID) -> SocketAddress? { socketEnds(of: id).called }

    /// The ends that the socket at one side of a connection has, its own first.
    public func socket(_ side: Side, of id: ConnectionID) -> FourTuple {
        let (tuple, ends) = (store[id].tuple, socketEnds(of: id))
        return switch side {
        case .originator:
            FourTuple(source: ends.client ?? tuple.source, destination: ends.called ?? tuple.destination)
        case .responder:
            FourTuple(source: ends.served ?? tuple.destination, destination: ends.caller ?? tuple.source)
        }
    }

    /// The connection that this one joined as a subflow, if its SYN had MP_JOIN.
    public func subflow(_ id: ConnectionID) -> MultipathSubflow? { relatives.subflow(store[id].number) }

    /// What remains to be said about the connection that a new one has replaced.
    func predecessor(_ replaced: ConnectionID?, of new: ConnectionID) -> Predecessor? {
        guard let id = replaced else { return nil }
        // The roles may have changed.
        let side: Side = store[id].isOriginator(store[new].tuple.destination) ? .originator : .responder
        return Predecessor(
            number: store[id].number, lastTime: store[id].lastTime,
            responderState: store[id].endpoints[store[id].place(side)].state)
    }

    // MARK: Elsewhere

    /// Everything about a connection except its statistics, to be kept elsewhere.
    public struct Record: BitwiseCopyable, Sendable {
        /// The connection.
        public let connection: Connection
        let copies: UInt32
        let source: ConnectionName?
        let ends: SocketEnds
        let subflow: MultipathSubflow?
        let showsAnswers: Bool
    }

    /// The record of a connection that is here.
    public func record(of id: ConnectionID) -> Record {
        Record(
            connection: self[id], copies: duplicateFrames(of: id), source: translated(from: id),
            ends: socketEnds(of: id), subflow: subflow(id), showsAnswers: showsAnswers)
    }

    /// Keeps a connection of another instance as it is there, until `release`; a later record replaces an earlier one.
    public mutating func keep(_ record: Record, at id: ConnectionID) {
        let number = record.connection.number
        store.keep(record.connection, at: id)
        showsAnswers = record.showsAnswers
        if record.copies > 0 { copies.set(id, number, record.copies) }
        if let source = record.source { relatives.note(number, translationOf: source) }
        if !record.ends.isEmpty { relatives.set(number, record.ends) }
        if let subflow = record.subflow { relatives.note(number, joined: subflow) }
    }

    /// Forgets a connection of another instance.
    public mutating func release(_ id: ConnectionID) {
        forget(id)
        store.clear(id)
    }

    // MARK: Changes

    /// Informs the statistics of an ICMP error about a connection that is here:
    /// a segment that is too big is retransmitted because of it.
    public mutating func judge(_ event: ICMPEvent) {
        guard event.effect == .pathMTU else { return }
        let id = event.connection
        statistics?.noteTooBig(id, number: store[id].number, event.side, event.error.nextHopMTU, event.time)
    }

    /// Has the statistics judge a segment of a connection that is here.
    public mutating func judge(_ event: inout SegmentEvent) {
        guard statistics != nil else { return }
        event.verdict = statistics?.take(event) ?? SegmentVerdict()
    }

    /// Counts a copy of a frame.
    mutating func countCopy(_ id: ConnectionID) { copies.count(id, store[id].number) }

    mutating func renumberCopies(_ id: ConnectionID, from provisional: UInt64, to number: UInt64) {
        copies.renumber(id, from: provisional, to: number)
    }

    /// Forgets a connection and frees its place.
    mutating func free(_ id: ConnectionID) {
        forget(id)
        store.free(id)
    }

    private mutating func forget(_ id: ConnectionID) {
        relatives.forget(store[id].number)
        statistics?.forget(id)
    }
}

extension Segment {
    /// Whether it answers a SYN, or is a later segment from a side that has answered; `sender` is its sender's place.
    /// (A client's later segments show that it was answered, but not that answers are captured.)
    func showsAnswer(of sender: Int?) -> Bool {
        flags.has(.ack) && (flags.has(.syn) || sender == 1 && !flags.hasAny([.fin, .rst]))
    }
}
