// Deals the pipeline's events to the parts that report them: by four-tuple, because some of the reported state outlives
// a connection.

import TCPModel
import TCPTimeline
import TimelineReport

/// The reader's side: fills one batch after the other.
struct EventDealer<Report: TraceReport>: ~Copyable, TraceSink {
    let crew: Crew<EventBatch, EventPart<Report>, EventMerge<Report>>
    /// The number of the batch being filled.
    private var batch: UInt64 = 0
    /// By slot in the timeline: the connection's part, and its slot there.
    private var seats: [Seat] = []
    /// The free slots of each part, and the number of slots it has ever had.
    private var free: ByPart<[UInt32]> = .init(repeating: [])
    private var used: ByPart<UInt32> = .init(repeating: 0)
    /// The memory that each part has for excerpts waiting to be shown, and how much of it the excerpts dealt so far
    /// take. The reader counts it as the parts do, which are some batches behind.
    private let room: ExcerptRoom?
    private var shownSize: ByPart<Int> = .init(repeating: 0)
    /// The part to be returned by `takeShortPart`.
    private var shortPart: Int?

    private struct Seat: BitwiseCopyable {
        /// The connection's number; 0 if the seat is free.
        var number: UInt64 = 0
        var part: UInt32 = 0
        var slot: UInt32 = 0
        /// Octets of memory taken by the excerpts of its frames.
        var shownSize = 0

        var id: ConnectionID { ConnectionID(slot: slot) }
    }

    init(_ report: Report, _ needs: TraceNeeds, _ options: TraceOptions, workers: Int) {
        var room = report.excerptRoom
        room?.share(among: ReplayDivision.parts)
        self.room = room
        crew = Crew(
            workers: workers, batch: { EventBatch() }, part: { EventPart(report, needs, options) },
            merge: EventMerge(report), work: { $0.work($1, of: $2) },
            take: {
                $0.take($1)
                return $0.outputStatus == nil
            })
    }

    /// Hands the batch over. Returns false if no more results are wanted.
    mutating func publish() -> Bool {
        let isWanted = crew.publish(batch)
        batch += 1
        // A batch belongs to the reader from the return of `publish` to the next call, here and in everything that
        // follows.
        unsafe crew.batch(batch).pointee.clear(for: batch)
        return isWanted
    }

    /// The number of events so far in the batch being filled.
    var count: UInt32 { unsafe crew.batch(batch).pointee.count }

    /// The approximate number of octets in its excerpts.
    var shown: Int { unsafe crew.batch(batch).pointee.shown }

    mutating func opens(at time: Timestamp) { unsafe crew.batch(batch).pointee.openTime = time }

    mutating func gap(_ count: UInt64, at time: Timestamp?) {
        let before = unsafe crew.batch(batch).pointee.gap.count
        unsafe crew.batch(batch).pointee.gap = (before + count, time, crew.batch(batch).pointee.nextPlace())
    }

    mutating func segment(_ event: SegmentEvent, _ connections: borrowing KnownConnections) {
        let seat = seat(of: event.connection, event.number, connections)
        unsafe share(seat).pointee.add(event, of: seat.id, crew.batch(batch).pointee.nextPlace())
    }

    mutating func segment(
        _ event: SegmentEvent, _ excerpt: FrameExcerpt?, _ connections: borrowing KnownConnections
    ) {
        let seat = seat(of: event.connection, event.number, connections)
        unsafe share(seat).pointee.add(event, excerpt, of: seat.id, crew.batch(batch).pointee.nextPlace())
        guard let excerpt else { return }
        unsafe crew.batch(batch).pointee.shown += excerpt.size
        guard let room else { return }
        let part = Int(seat.part)
        let size = room.fit(excerpt, beside: shownSize[part]).size
        shownSize[part] += size
        seats[Int(event.connection.slot)].shownSize += size
        if isShort(part) { shortPart = part }
    }

    /// Whether less than a quarter of a part's memory for waiting excerpts is left.
    func isShort(_ part: Int) -> Bool { room.map { shownSize[part] > $0.most - $0.most / 4 } ?? false }

    /// The part whose memory became short with the latest segment, once: a segment belongs to one part only.
    mutating func takeShortPart() -> Int? { shortPart.take() }

    mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections) {
        let seat = seat(of: event.connection, connections.number(of: event.connection), connections)
        var event = event
        event.connection = seat.id
        unsafe share(seat).pointee.interrupt(crew.batch(batch).pointee.nextPlace(), .icmp(event))
    }

    mutating func redirected(
        _ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections
    ) {
        let seat = seat(of: id, connections.number(of: id), connections)
        unsafe share(seat).pointee.interrupt(
            crew.batch(batch).pointee.nextPlace(), .redirected(seat.id, from: called))
    }

    mutating func kernel(_ event: KernelEvent, _ connections: borrowing KnownConnections) {
        let seat = seat(of: event.connection, connections.number(of: event.connection), connections)
        unsafe share(seat).pointee.interrupt(crew.batch(batch).pointee.nextPlace(), event.of(seat.id))
    }

    mutating func counters(_ change: HostCounterChange) {
        for part in 0..<ReplayDivision.parts {
            unsafe crew.batch(batch).pointee.shares.place(part).pointee.interrupt(
                crew.batch(batch).pointee.nextPlace(), change)
        }
    }

    mutating func review(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, now: Timestamp
    ) {
        let record = connections.record(of: id)
        let seat = seat(of: id, record.connection.number, connections)
        unsafe share(seat).pointee.review(
            crew.batch(batch).pointee.nextPlace(), seat.id, record, kernel, now: now)
    }

    mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, as record: KnownConnections.Record?,
        _ kernel: KernelView?, now: Timestamp, isKept: Bool
    ) {
        let record = record ?? connections.record(of: id)
        let seat = seat(of: id, record.connection.number, connections)
        unsafe share(seat).pointee.finish(
            crew.batch(batch).pointee.nextPlace(), seat.id, record, kernel, now: now, isKept: isKept)
        shownSize[Int(seat.part)] -= seat.shownSize
        seats[Int(id.slot)].shownSize = 0
        if !isKept { leave(id, seat) }
    }

    mutating func forget(_ id: ConnectionID, _ connections: borrowing KnownConnections) {
        let seat = seat(of: id, connections.number(of: id), connections)
        unsafe share(seat).pointee.interrupt(crew.batch(batch).pointee.nextPlace(), .forget(seat.id))
        shownSize[Int(seat.part)] -= seat.shownSize
        leave(id, seat)
    }

    /// Frees the connection's slot.
    private mutating func leave(_ id: ConnectionID, _ seat: Seat) {
        seats[Int(id.slot)].number = 0
        free[Int(seat.part)].append(seat.slot)
    }

    /// Notes that everything up to this time is in the batch or in earlier ones.
    func rest(at time: Timestamp) { unsafe crew.batch(batch).pointee.restTime = time }

    /// The part and slot in which a connection is reported.
    @inline(__always) private mutating func seat(
        of id: ConnectionID, _ number: UInt64, _ connections: borrowing KnownConnections
    ) -> Seat {
        let slot = Int(id.slot)
        return slot < seats.count && seats[slot].number == number ? seats[slot] : newSeat(of: id, connections)
    }

    @inline(never) private mutating func newSeat(
        of id: ConnectionID, _ connections: borrowing KnownConnections
    ) -> Seat {
        let record = connections.record(of: id)
        let part = FlowHash.part(record.connection.tuple, of: ReplayDivision.parts)
        var seat = Seat(number: record.connection.number, part: UInt32(part), slot: used[part])
        if let slot = free[part].popLast() { seat.slot = slot } else { used[part] += 1 }
        while seats.count <= Int(id.slot) { seats.append(Seat()) }
        seats[Int(id.slot)] = seat
        unsafe share(seat).pointee.begin(crew.batch(batch).pointee.nextPlace(), seat.id, record)
        return seat
    }

    /// The batch's share for a connection's part.
    private func share(_ seat: Seat) -> UnsafeMutablePointer<EventShare> {
        unsafe crew.batch(batch).pointee.shares.place(Int(seat.part))
    }
}
