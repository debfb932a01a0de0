// The text timeline: a ladder per connection, streamed live, or one block a connection on replay.

import TCPMachine
public import TCPModel
public import TCPTimeline

/// The text timeline.
public struct TextTimelineReport: TraceReport {
    /// When rows are printed.
    public enum Order: Sendable {
        /// As they are complete; with several connections at work each line begins with its connection's number.
        case stream
        /// When the connection is over, all at once.
        case blocks
    }

    /// The most rows of one connection in a block (with `-v` a hundred times as many); the middle is left out and counted.
    static let rowLimit = 1000
    /// The same for connections that get another row while all together have as many as memory is there for.
    static let crowdedRowLimit = 40
    /// Octets that a row takes in memory, about.
    public static let rowSize = 300

    private let style: TextStyle
    private let order: Order
    private let selection: ConnectionSelection
    private var writer: TimelineWriter
    /// By slot; `.none` where there is no connection.
    private var texts: [ConnectionText] = []
    /// Slots with something to print, and by slot whether it is among them.
    private var ready: [UInt32] = []
    private var isReady: [Bool] = []
    /// Rows and notes in memory, of all connections, and how many there may be before new ones are kept sparingly.
    private var itemCount = 0
    private var mostItems: Int
    private var activeCount = 0
    /// Several connections have been at work since the page was last quiet: lines carry their connection's number.
    private var isInterleaved = false
    private var starsShown = false
    private var hasWritten = false
    /// What is before a part's block is known to the whole report alone.
    private var isPart = false

    /// How long the head may wait for the names of the processes, in nanoseconds (live).
    static let patience = 60 * Span.millisecond

    /// A timeline in this style. A selection that only an end can decide turns a stream into blocks, of which no more than
    /// `mostRows` rows are in memory, and a few for each connection.
    public init(
        style: TextStyle, order: Order, selection: ConnectionSelection = ConnectionSelection(), mostRows: Int = .max
    ) {
        self.style = style
        mostItems = mostRows
        self.order = selection.isEverything ? order : .blocks
        self.selection = selection
        writer = TimelineWriter(style: style)
    }

    // MARK: TraceReport

    /// The blocks of some connections.
    public func part(of count: Int) -> TextTimelineReport {
        var part = self
        part.isPart = true
        part.mostItems = mostItems / count
        return part
    }

    /// Takes over whether there is a mark to be explained.
    public mutating func join(_ part: TextTimelineReport) { starsShown = starsShown || part.starsShown }

    /// Writes a block behind the one before it.
    public mutating func merge(
        _ said: borrowing OutputBuffer, _ range: Range<Int>, number: UInt64, _ out: inout OutputBuffer
    ) {
        if hasWritten { out.newline() }
        hasWritten = true
        out.append(said, range)
    }

    /// Retransmissions are named by their kind.
    public var readsStatistics: Bool { true }

    /// Takes down what is captured on.
    public mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {
        writer.interfaces = capture.interfaces.map { $0.name }
    }

    /// Takes in a segment.
    public mutating func segment(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        let slot = Int(event.connection.slot)
        open(slot, event.number)
        if event.isFirst { noteRelatives(event.connection, connections) }
        let detail = style.detail
        let isCrowded = itemCount >= mostItems
        change(slot) { text in
            if isCrowded { text.restrict(to: Self.crowdedRowLimit) }
            text.take(event, detail)
        }
        noteReady(event.connection)
    }

    /// Says what a new connection is the translation of, or joined.
    private mutating func noteRelatives(_ id: ConnectionID, _ connections: borrowing KnownConnections) {
        if let source = connections.translated(from: id) {
            change(Int(id.slot)) { $0.keep(.note(.translated(source.number))) }
        }
        if let subflow = connections.subflow(id) {
            let number = subflow.connection?.number ?? 0
            change(Int(id.slot)) { $0.keep(.note(.subflow(token: subflow.token, of: number))) }
        }
    }

    /// What the kernel says is shown as it comes.
    public var readsKernelEvents: Bool { true }

    /// Takes in what the kernel said.
    public mutating func kernel(
        _ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        switch event.kind {
        case .state, .owner: return
        case .notAccepted, .accepted, .dropped, .contradiction: break
        case .traced(let fact) where !fact.isWorthALine(style.detail.verbosity): return
        case .traced: break
        }
        let slot = Int(event.connection.slot)
        open(slot, connections.number(of: event.connection))
        change(slot) {
            $0.seal()
            $0.keep(event)
        }
        noteReady(event.connection)
    }

    /// Findings are told in the text, under what they are about.
    public var wantsFindings: Bool { true }

    /// Takes in a finding: a live trace tells it soon, else it stands under the closing line.
    public mutating func finding(
        _ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        let slot = Int(finding.connection.slot)
        open(slot, connections.number(of: finding.connection))
        texts[slot].findings.append(finding)
        noteReady(finding.connection)
    }

    /// Takes in an ICMP error.
    public mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    {
        let slot = Int(event.connection.slot)
        open(slot, connections.number(of: event.connection))
        change(slot) {
            $0.seal()
            $0.keep(.note(.icmp(event)))
        }
        noteReady(event.connection)
    }

    /// Says that frames were lost.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {
        out.append("... ")
        out.append(number: count)
        out.append(count == 1 ? " frame was" : " frames were")
        out.append(" lost here by the capture: what follows may have holes ...\n")
    }

    /// Prints what is complete.
    public mutating func flush(
        now: Timestamp, _ connections: borrowing KnownConnections, _ kernel: KernelJoin?, _ out: inout OutputBuffer
    ) {
        guard order == .stream else { return }
        var waiting: [UInt32] = []
        defer {
            ready = waiting
            for slot in waiting { isReady[Int(slot)] = true }
        }
        for slot in ready {
            isReady[Int(slot)] = false
            let id = ConnectionID(slot: slot)
            if texts[Int(slot)].isDue(now) { change(Int(slot)) { $0.seal() } }
            guard texts[Int(slot)].number != 0 else { continue }
            let connection = connections[id]
            let view = kernel?.view(id)
            let mayWait = !texts[Int(slot)].hasHead && now.since(connection.firstTime) < Self.patience
            if mayWait && Self.lacksProcess(view) {
                waiting.append(slot)
                continue
            }
            if texts[Int(slot)].hasItems { print(id, connection, view, &out) }
            if texts[Int(slot)].hasHead { writeFindings(Int(slot), connection.number, &out) }
            if texts[Int(slot)].held != nil { waiting.append(slot) }
        }
    }

    /// Whether a local end is still without a process, though the kernel is being asked.
    private static func lacksProcess(_ view: KernelView?) -> Bool {
        guard let view else { return false }
        return !view.originator.isRead
            || [view.originator, view.responder].contains { $0.isLocal && $0.process == nil && !$0.hasNoSocket }
    }

    /// Reports a connection that is over.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let slot = Int(id.slot)
        let connection = connections[id]
        guard slot < texts.count, texts[slot].number == connection.number else { return }
        if selection.shows(connection, kernel) {
            change(slot) { $0.seal() }
            print(id, connection, kernel, &out)
            let prefix = prefix(connection.number)
            if let sender = ConnectionText.halfClosedSender(
                connection.originator.state, connection.responder.state), order == .blocks || !connection.isEnded,
                !texts[slot].saidHalfClosed
            {
                writeNote(.halfClosed(stillSending: sender), connection, kernel, slot, prefix, &out)
            }
            writeClosing(
                connection, kernel, copies: connections.duplicateFrames(of: id), style, layout: writer.layout,
                prefix: prefix, &out)
            if style.detail.verbosity > 0 {
                writeProcessLines(connection, kernel, layout: writer.layout, prefix: prefix, &out)
            }
            let statistics = connections.statistics(of: id)
            if let statistics {
                writeStatistics(statistics, connection, layout: writer.layout, prefix: prefix, &out)
            }
            if style.isLong, let statistics {
                LongStatistics(statistics, connection, copies: connections.duplicateFrames(of: id)).write(&out)
            }
            writeFindings(slot, connection.number, &out)
        }
        if order == .stream && !texts[slot].isFinished {
            close()
            texts[slot].isFinished = true
        } else {
            change(slot) { $0 = .none }
        }
    }

    /// Ends the report.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        if starsShown { out.append("\n* = confirmed by the kernel\n") }
    }

    // MARK: Bookkeeping

    /// Changes one connection's text in place, and counts the items that come or go.
    private mutating func change(_ slot: Int, _ body: (inout ConnectionText) -> Void) {
        let before = texts[slot].itemCount
        body(&texts[slot])
        itemCount += texts[slot].itemCount - before
    }

    private mutating func open(_ slot: Int, _ number: UInt64) {
        while texts.count <= slot {
            texts.append(.none)
            isReady.append(false)
        }
        guard texts[slot].number != number else { return }
        if !texts[slot].isFinished { close() }
        let limit =
            order == .stream ? Int.max / 2 : style.detail.verbosity > 0 ? Self.rowLimit * 100 : Self.rowLimit
        change(slot) { $0 = ConnectionText(number: number, limit: limit) }
        activeCount += 1
        if order == .stream && activeCount > 1 { isInterleaved = true }
    }

    private mutating func close() {
        activeCount -= 1
        if activeCount == 0 { isInterleaved = false }
    }

    private mutating func noteReady(_ id: ConnectionID) {
        guard order == .stream, !isReady[Int(id.slot)] else { return }
        isReady[Int(id.slot)] = true
        ready.append(id.slot)
    }

    /// The connection's number at the start of the line, while several are at work.
    private func prefix(_ number: UInt64) -> UInt64? { isInterleaved ? number : nil }

    // MARK: Printing

    private mutating func print(
        _ id: ConnectionID, _ connection: Connection, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let slot = Int(id.slot)
        var items: [TimelineItem] = []
        change(slot) { items = $0.takeItems() }
        // What comes after a connection's closing line needs its number to be understood.
        let prefix = texts[slot].isFinished ? connection.number : prefix(connection.number)
        if !texts[slot].hasHead {
            texts[slot].hasHead = true
            if hasWritten { out.newline() }
            hasWritten = !isPart
            writer.writeHead(connection, kernel, prefix: prefix, &out)
        }
        for item in items {
            switch item {
            case .row(let row): writeRow(row, connection, kernel, slot, prefix, &out)
            case .note(let note): writeNote(note, connection, kernel, slot, prefix, &out)
            }
        }
    }

    private mutating func writeFindings(_ slot: Int, _ number: UInt64, _ out: inout OutputBuffer) {
        let findings = texts[slot].findings
        if findings.isEmpty { return }
        texts[slot].findings = []
        let prefix = texts[slot].isFinished ? number : prefix(number)
        for finding in findings { writeFinding(finding, style, layout: writer.layout, prefix: prefix, &out) }
    }

    private mutating func writeRow(
        _ row: TimelineRow, _ connection: Connection, _ kernel: KernelView?, _ slot: Int, _ prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        if texts[slot].phase != row.phase {
            texts[slot].phase = row.phase
            writer.writeRule(phaseTitle(row.phase, connection), before: row, connection, prefix: prefix, &out)
        }
        if row.isOpening { writeBefore(row, connection, kernel, prefix, &out) }
        let left = stateText(.originator, row.states.originator, kernel, slot)
        // A self-connect has one socket: left what it did by sending, right what the same segment did on arriving.
        let right =
            connection.isSelfConnect
            ? stateText(.responder, row.states.responder, nil, slot)
            : stateText(.responder, row.states.responder, kernel, slot)
        writer.write(row, left: left, right: right, connection, prefix: prefix, &out)
        if style.detail.verbosity > 2 { writeReasons(row, prefix, &out) }
    }

    /// The states before the SYN: CLOSED, and LISTEN if it was answered or the kernel shows a listener.
    private mutating func writeBefore(
        _ row: TimelineRow, _ connection: Connection, _ kernel: KernelView?, _ prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        let hasListener = kernel?.responder.listener != nil
        let hasNoSocket = kernel?.responder.hasNoSocket == true
        let right: StateWords
        switch row.answerer {
        case .listener: right = StateWords(.listen, mark: hasListener ? mark(0x2a) : nil)
        case .noSocket: right = StateWords("(no socket)", mark: hasNoSocket ? mark(0x2a) : nil)
        case .unknown:
            if connection.isSelfConnect {
                right = .none
            } else if hasListener {
                right = StateWords(.listen, mark: mark(0x2a))
            } else if hasNoSocket {
                right = StateWords("(no socket)", mark: mark(0x2a))
            } else {
                right = StateWords("(unknown)")
            }
        }
        writer.writeNote([], left: StateWords(.closed), right: right, prefix: prefix, &out)
    }

    /// A state where it changes, or where the kernel first says the same.
    private mutating func stateText(
        _ side: Side, _ entered: TCPState, _ kernel: KernelView?, _ slot: Int
    ) -> StateWords {
        guard let shown = texts[slot].show(side, entered: entered, kernel) else { return .none }
        return StateWords(shown.state, mark: shown.isConfirmed ? mark(0x2a) : nil)
    }

    private mutating func mark(_ mark: UInt8) -> UInt8 {
        starsShown = true
        return mark
    }

    private func phaseTitle(_ phase: TimelinePhase, _ connection: Connection) -> ArraySlice<UInt8> {
        func who(_ side: Side?) -> StaticString {
            switch side {
            case .originator: "client"
            case .responder: "server"
            case nil: "nobody"
            }
        }
        return writer.text {
            switch phase {
            case .handshake: $0.append("handshake")
            case .data: $0.append("data")
            case .teardown:
                $0.append("teardown (")
                let first: Side = connection.facts.contains(.originatorClosedFirst) ? .originator : .responder
                $0.append(who(first))
                $0.append(" closes first)")
            case .reset:
                $0.append("reset")
                if connection.facts.contains(.reset) {
                    $0.append(" (by ")
                    $0.append(who(connection.closer))
                    $0.append(")")
                }
            }
        }
    }

    /// `-vvv`: why each endpoint changed its state.
    private func writeReasons(_ row: TimelineRow, _ prefix: UInt64?, _ out: inout OutputBuffer) {
        let steps: [(Side, Reaction)] = [(row.sender, row.sent), (row.sender.other, row.arrived)]
        for (side, reaction) in steps {
            for index in 0..<reaction.count {
                let transition = reaction[index]
                writer.writeNote(
                    writer.text {
                        $0.append(side == .originator ? "client " : "server ")
                        $0.append(transition.certainty.name)
                        $0.append(": ")
                        $0.append(transition.rule.id)
                    }, prefix: prefix, &out)
            }
        }
    }

    private mutating func writeNote(
        _ note: TimelineNote, _ connection: Connection, _ kernel: KernelView?, _ slot: Int, _ prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        var left = StateWords.none
        var right = StateWords.none
        var time: ArraySlice<UInt8> = []
        if case .icmp(let event) = note {
            let elapsed = event.time.since(connection.firstTime)
            time = writer.text { $0.append(fixed: elapsed, decimals: 9, digits: elapsed > 60 * Span.second ? 1 : 6) }
            let entered = event.reaction.count > 0 ? event.reaction[event.reaction.count - 1].to : .unseen
            let state = stateText(event.side, entered, kernel, slot)
            writer.writeICMP(
                event, time: time, left: event.side == .originator ? state : .none,
                right: event.side == .responder ? state : .none, prefix: prefix, &out)
            return
        }
        if case .kernel(let event) = note {
            let elapsed = event.time.since(connection.firstTime)
            time = writer.text { $0.append(fixed: elapsed, decimals: 9, digits: elapsed > 60 * Span.second ? 1 : 6) }
            let state: StateWords
            switch event.kind {
            case .dropped: state = StateWords(.closed, mark: mark(0x2a))
            case .contradiction(let said?, _) where event.isCorrected:
                state = stateText(event.side, said, kernel, slot)
            case .contradiction(_, let wire): state = StateWords(wire, mark: 0x21)
            case .state, .owner, .notAccepted, .accepted, .traced: state = .none
            }
            if event.side == .originator { left = state } else { right = state }
        }
        writer.writeNote(
            noteWords(note, kernel, writer), time: time, left: left, right: right, prefix: prefix, &out)
    }
}
