// One connection's part of the text timeline: turns its events into rows, holding the last row back until it is
// complete.
//
// A row is complete when the connection's next segment does not belong to it, or after `hold`. Both depend only on the
// timestamps of segments, so that a live trace and the replay of its capture produce the same rows. The one exception
// is a live trace with several active connections: there a long run is cut where another connection's row belongs.

import TCPMachine
import TCPModel
import TCPTimeline

struct ConnectionText {
    /// The maximum time that a row waits for more segments, in nanoseconds.
    static let hold = 200 * Span.millisecond
    /// The shortest silence that is noted, in nanoseconds.
    static let idle = 2 * Span.second

    let number: UInt64
    private(set) var held: TimelineRow?
    private var heldExcerpt: KeptExcerpt?
    /// Complete items that are not written yet.
    var items: ElidedItems
    private var lastTime: Timestamp?
    private var pace = AckPace()
    /// The sender of the latest segment, if it was a keep-alive or window probe.
    private var lastProber: Side?
    /// The phase of the latest row.
    private var lastPhase: TimelinePhase?
    private(set) var saidHalfClosed = false
    private var synAttempts = PerSide<UInt32>(both: 0)
    private var finAttempts = PerSide<UInt32>(both: 0)
    /// When each side sent its latest SYN, its latest FIN, and its latest text or FIN.
    private var lastSyn = PerSide<Timestamp?>(both: nil)
    private var lastFin = PerSide<Timestamp?>(both: nil)
    private var lastText = PerSide<Timestamp?>(both: nil)

    // What the page already shows; updated by the code that writes the items.
    var phase: TimelinePhase?
    private var shownStates = PerSide(both: TCPState.unseen)
    private var shownMarks = PerSide(both: TCPState.unseen)
    var hasHead = false
    /// When the last row on the page ends, from which a narrow page counts the time of notes.
    var lastRowTime: Timestamp?
    /// Whether the columns on the page have this connection's number in front of them.
    var isNumbered = false
    /// Findings that are not written yet.
    var findings: [Finding] = []
    var isFinished = false
    /// Whether late rows may follow the block.
    var isKept = false

    /// - Parameter limit: the maximum number of items that wait; beyond it, the middle is left out and counted.
    init(number: UInt64, limit: Int) {
        self.number = number
        items = ElidedItems(limit: limit)
    }

    /// The text of no connection: there is nothing to print, now or later.
    static let none = {
        var none = ConnectionText(number: 0, limit: 0)
        none.isFinished = true
        return none
    }()

    /// Records that the page shows a side's state: the one it entered, or the current one when the kernel first
    /// confirms it.
    ///
    /// - Returns: nil if there is nothing to show.
    mutating func show(_ side: Side, entered: TCPState, _ kernel: KernelView?) -> (state: TCPState, isConfirmed: Bool)?
    {
        let state = entered != .unseen ? entered : shownStates[side]
        let isConfirmed = state != .unseen && kernel?.confirms(state, of: side) == true
        guard entered != .unseen || isConfirmed && shownMarks[side] != state else { return nil }
        shownStates[side] = state
        if isConfirmed { shownMarks[side] = state }
        return (state, isConfirmed)
    }

    /// Adds a segment with the excerpt of its frame.
    mutating func take(_ event: SegmentEvent, _ excerpt: KeptExcerpt?, _ detail: TimelineDetail) {
        if event.notes.contains(.duplicateFrame) { return takeCopy(event, excerpt, detail) }
        if let lastTime = held?.lastTime, event.time.since(lastTime) > Self.hold { seal() }
        defer { pace.take(event, text: lastText[event.sender.other]) }
        if !detail.unfolds, held?.folds(event, pause: pause) == true, !isDelayedInRun(event) {
            let isAcknowledged = held.map { $0.ackDelay >= 0 } ?? false
            held?.fold(event)
            if let delay = held?.ackDelay, delay >= 0, !isAcknowledged {
                held?.isAckDelayed = pace.isDelayed(event, after: delay)
            }
            remember(event)
            return
        }
        let answers = answerOpening(event)
        seal()
        noteBefore(event)
        var row = TimelineRow(
            event, phase: phase(of: event), delta: lastTime.map { event.time.since($0) } ?? -1)
        if answers { row.states.responder = .unseen }
        countAttempts(event, &row)
        row.answersProbe =
            event.sender != lastProber && lastProber != nil && event.segment.isPureAck && !opensLater(event)
        if row.kind == .segment && event.segment.isPureAck, let text = lastText[event.sender.other] {
            row.answerDelay = event.time.since(text)
            row.isAckDelayed = pace.isDelayed(event, after: row.answerDelay)
        }
        hold(row, excerpt)
        remember(event)
    }

    /// Whether an ACK after a probe opens the window so much later that it does not answer the probe:
    /// the process has read since.
    private func opensLater(_ event: SegmentEvent) -> Bool {
        guard event.notes.contains(.windowUpdate), let lastTime, let roundTrip = pace.handshakeTime else {
            return false
        }
        return event.time.since(lastTime) > min(roundTrip, 60 * Span.second) * 4 + 20 * Span.millisecond
    }

    /// Whether an ACK within a run was delayed, which deserves a row.
    private func isDelayedInRun(_ event: SegmentEvent) -> Bool {
        guard held?.kind == .segment, let text = lastText[event.sender.other] else { return false }
        return pace.isDelayed(event, after: event.time.since(text))
    }

    private mutating func hold(_ row: TimelineRow, _ excerpt: KeptExcerpt?) {
        held = row
        heldExcerpt = excerpt
    }

    /// Adds another copy of a frame. It has a row only if nothing is folded, and does not affect later rows.
    private mutating func takeCopy(_ event: SegmentEvent, _ excerpt: KeptExcerpt?, _ detail: TimelineDetail) {
        guard detail.unfolds else { return }
        seal()
        let delta = lastTime.map { event.time.since($0) } ?? -1
        var row = TimelineRow(event, phase: phase(of: event), delta: delta)
        row.kind = .segment
        hold(row, excerpt)
    }

    /// Completes a held SYN's row with the outcome at the other end, if the answer comes in time.
    private mutating func answerOpening(_ event: SegmentEvent) -> Bool {
        guard held?.isOpening == true, event.sender == .responder else { return false }
        if event.segment.flags.has([.syn, .ack]) && event.sent.count > 0 {
            held?.answerer = .listener
            held?.states.responder = .synReceived
            return true
        }
        if event.segment.flags.has(.rst) && event.arrived.count > 0 { held?.answerer = .noSocket }
        return false
    }

    /// A longer gap between two segments counts as a pause, in nanoseconds: several round trips, or what a user would
    /// notice.
    private var pause: Int64 {
        max(10 * Span.millisecond, min(pace.handshakeTime ?? 0, Span.second) * 4)
    }

    private mutating func noteBefore(_ event: SegmentEvent) {
        if event.isFirst && !event.segment.flags.has(.syn) && !event.segment.flags.has(.rst) {
            items.append(.note(.midstream))
        }
        guard let lastTime else { return }
        let gap = event.time.since(lastTime)
        if let sender = Self.halfClosedSender(event.originatorState, event.responderState), !saidHalfClosed,
            !event.segment.flags.hasAny([.fin, .rst]), event.segment.payloadLength > 0 && event.sender == sender
        {
            saidHalfClosed = true
            items.append(.note(.halfClosed(stillSending: sender, at: event.time)))
        }
        if gap > Self.idle && !event.segment.flags.has(.syn) { items.append(.note(.idle(gap))) }
    }

    /// The side that may still send while the other one is in FIN_WAIT_2; nil if the connection is not half-closed.
    static func halfClosedSender(_ originator: TCPState, _ responder: TCPState) -> Side? {
        if originator == .finWait2 && responder == .closeWait { return .responder }
        if responder == .finWait2 && originator == .closeWait { return .originator }
        return nil
    }

    /// The phase of a segment. A RST without effect belongs to the current phase, such as one for each FIN that a
    /// closed peer receives again.
    private mutating func phase(of event: SegmentEvent) -> TimelinePhase {
        // A segment without effect begins no phase, such as an ignored RST, or a SYN that an open connection answers
        // with a challenge ACK.
        let isForeign = event.segment.flags.has(.rst) || event.anomalies.contains(.synInsideConnection)
        let isIdle = isForeign && !event.hasTransitions
        var phase = isIdle ? lastPhase ?? Self.phase(event) : Self.phase(event)
        // Where the server lacks the last ACK, the handshake's heading does not come again.
        if phase == .handshake && lastPhase == .data { phase = .data }
        lastPhase = phase
        return phase
    }

    private static func phase(_ event: SegmentEvent) -> TimelinePhase {
        let flags = event.segment.flags
        if flags.has(.rst) && !flags.has(.syn) {
            let opens = event.facts.contains(.refused) || isOpening(event)
            return event.facts.contains(.synAckSeen) || !opens ? .reset : .handshake
        }
        if !event.facts.intersection([.originatorFin, .responderFin]).isEmpty { return .teardown }
        if flags.has(.syn) || opens(event.sent) || opens(event.arrived) { return .handshake }
        // Still opening: a challenge from a stale socket, or an ACK before the SYN-ACK (split handshake).
        if event.originatorState == .synSent { return .handshake }
        return .data
    }

    private static func isOpening(_ event: SegmentEvent) -> Bool {
        event.facts.contains(.synSeen) && event.responderPackets <= 1
    }

    private static func opens(_ reaction: Reaction) -> Bool {
        for index in 0..<reaction.count where reaction[index].to == .established {
            // A connection that was open before does not count: midstream, or after an ignored RST.
            if reaction[index].from != .unseen && reaction[index].from != .closed { return true }
        }
        return false
    }

    private mutating func countAttempts(_ event: SegmentEvent, _ row: inout TimelineRow) {
        let flags = event.segment.flags
        guard flags.hasAny(.synFin) else { return }
        let sender = event.sender
        let isSyn = flags.has(.syn)
        let previous = isSyn ? lastSyn[sender] : lastFin[sender]
        if isSyn { lastSyn[sender] = event.time } else { lastFin[sender] = event.time }
        guard event.notes.contains(.retransmission) else { return }
        // The kind of a retransmission tells more than its number.
        if let kind = event.verdict.retransmission?.kind, kind != .opening, kind != .other { return }
        if isSyn { synAttempts[sender] &+= 1 } else { finAttempts[sender] &+= 1 }
        row.attempt = isSyn ? synAttempts[sender] : finAttempts[sender]
        row.attemptDelay = previous.map { event.time.since($0) } ?? -1
    }

    private mutating func remember(_ event: SegmentEvent) {
        lastTime = event.time
        let isProbe = event.verdict.probesWindow || !event.notes.isDisjoint(with: [.keepAlive, .windowProbe])
        lastProber = isProbe ? event.sender : nil
        guard event.segment.payloadLength > 0 || event.segment.flags.has(.fin) else { return }
        lastText[event.sender] = event.time
    }

    // MARK: Items

    /// Completes the held row.
    mutating func seal() {
        guard let row = held else { return }
        held = nil
        items.append(.row(row, heldExcerpt))
        heldExcerpt = nil
        if let record = row.verdict.exposes { items.append(.note(.notNeeded(record))) }
    }

    /// Whether the held row has waited long enough at `now`.
    ///
    /// Only data and an opening SYN have anything to wait for.
    func isDue(_ now: Timestamp) -> Bool {
        guard let held else { return false }
        return held.kind == .segment && !held.isOpening || now.since(held.lastTime) > Self.hold
    }

    /// Adds a remark.
    mutating func keep(_ note: TimelineNote) { items.append(.note(note)) }

    /// An upper bound on the memory used by excerpts, in octets.
    var excerptSize: Int { items.excerptSize + (heldExcerpt?.size ?? 0) }

    /// The maximum number of items above which an event is moved up: the number of frames in one batch.
    private static let reach = 4096

    /// Adds a kernel event. A tracepoint event goes after the latest row that is not younger: kernel events are
    /// processed after a batch of frames, some of which are later than the event.
    mutating func keep(_ event: KernelEvent) {
        if case .contradiction(.synReceived, .established) = event.kind, event.isTraced, retractOpening() { return }
        if case .contradiction = event.kind, event.isCorrected { deny(event.side) }
        // A file may contain any number of kernel events for a connection, so they are limited like its rows.
        guard event.isTraced, items.hasRoom, !items.isEmpty else {
            return items.append(.note(note(of: event, before: items.head.count)))
        }
        var place = items.count
        let first = max(0, place - Self.reach)
        while place > first, Self.isLater(items.head[place - 1], than: event) { place -= 1 }
        items.insert(.note(note(of: event, before: place)), at: place)
    }

    /// The remark for a kernel event that precedes the items from `place` on.
    private mutating func note(of event: KernelEvent, before place: Int) -> TimelineNote {
        guard case .uncaptured(_, _, let led) = event.kind else { return .kernel(event) }
        if led.isResetCaptured { heedReset(of: event.side.other) }
        return .uncaptured(
            event, own: redraw(led.own, event.side, from: place, isByReset: led.isByReset),
            peer: redraw(led.peer, event.side.other, from: place, isByReset: led.isByReset))
    }

    /// The state of a side after what was not captured. Items from `place` on came later; they show the result of both
    /// that and their own segments: a FIN that seemed to be the first one was the answer to the other.
    private mutating func redraw(_ led: Reaction, _ side: Side, from place: Int, isByReset: Bool) -> TCPState {
        guard led.count > 0 else { return .unseen }
        let (drawn, now) = (led[0].from, led[led.count - 1].to)
        if isByReset { return now }
        let then: TCPState? =
            switch drawn {
            case .finWait1, .finWait2: now == .lastAck || now == .closed ? .closeWait : nil
            case .closeWait: now == .timeWait ? .finWait2 : nil
            case .unseen, .closed, .listen, .synSent, .synReceived, .established, .closing, .lastAck, .timeWait: nil
            }
        guard let then else { return now }
        for index in items.head.indices[place...] {
            guard case .row(var row, _) = items.head[index], row.states[side] == drawn else { continue }
            row.states[side] = now
            items.replaceRow(at: index, row)
            return then
        }
        return now
    }

    /// Records that the latest RST of a side was obeyed after all.
    private mutating func heedReset(of side: Side) {
        items.changeRows {
            if $0.flags.has(.rst) && $0.sender == side { $0.anomalies.subtract([.resetIgnored, .resetNotExact]) }
            return $0.flags.has(.rst) && $0.sender == side
        }
    }

    /// Records that the kernel contradicted the latest state of a side: later events do not mark it as confirmed.
    private mutating func deny(_ side: Side) {
        items.changeRows { row in
            row.denied[side] = true
            return row.states[side] != .unseen
        }
    }

    /// Records that the segment in whose row the server opened was dropped; false if that row is written already.
    private mutating func retractOpening() -> Bool {
        var isRetracted = false
        items.changeRows { row in
            defer { if isRetracted { row.states.responder = .unseen } }
            isRetracted = row.states.responder == .established
            return row.states.responder != .unseen
        }
        return isRetracted
    }

    /// Whether an item belongs below an event: on loopback a RST may be logged just after it was captured, or just
    /// before.
    private static func isLater(_ item: TimelineItem, than event: KernelEvent) -> Bool {
        switch item {
        case .row(let row, _):
            if case .traced(.resetSent) = event.kind, row.flags.has(.rst), row.sender == event.side {
                return row.time.since(event.time) > 200 * Span.microsecond
            }
            return row.time > event.time
        case .note(.uncaptured(let other, _, _)): return other.time > event.time
        case .note(.kernel(let other)):
            // Put the cause above its effect, which on loopback is logged first.
            if case .traced(.resetSent) = event.kind, case .traced(.socketError) = other.kind { return true }
            return other.time > event.time
        case .note: return false
        }
    }
}
