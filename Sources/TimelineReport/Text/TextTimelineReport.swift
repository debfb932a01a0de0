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
    /// Octets that a row takes in memory, about.
    public static let rowSize = 300

    private var style: TextStyle
    private let order: Order
    private let selection: ConnectionSelection
    private var writer: TimelineWriter
    private var texts: ConnectionTexts
    /// Slots with something to print, and by slot whether it is among them.
    private var ready: [UInt32] = []
    private var isReady: [Bool] = []
    private var activeCount = 0
    /// Several connections have been at work since the page was last quiet: lines carry their connection's number.
    private var isInterleaved = false
    private var starsShown = false
    private var hasWritten = false
    /// What is before a part's block is known to the whole report alone.
    private var isPart = false

    /// How long the head may wait for the names of the processes and the hosts, in nanoseconds (live).
    static let patience = 60 * Span.millisecond

    /// A timeline in this style. A selection that only an end can decide turns a stream into blocks, of which no more than
    /// `mostRows` rows are in memory, and a few for each connection. What is shown of frames takes no more than `mostExcerpts` octets while it
    /// waits and when it is written.
    public init(
        style: TextStyle, order: Order, selection: ConnectionSelection = ConnectionSelection(), mostRows: Int = .max,
        mostExcerpts: Int = .max
    ) {
        self.style = style
        self.order = selection.isEverything ? order : .blocks
        self.selection = selection
        writer = TimelineWriter(style: style)
        let isStream = self.order == .stream
        let room =
            style.detail.excerpts.isNothing
            ? nil : ExcerptRoom(style, writer.layout, isStream: isStream, most: mostExcerpts)
        texts = ConnectionTexts(
            detail: style.detail,
            rowLimit: isStream ? .max / 2 : style.detail.unfolds ? Self.rowLimit * 100 : Self.rowLimit,
            mostItems: mostRows, excerptRoom: room)
    }

    // MARK: TraceReport

    /// Rows from the next one on are laid out for the page as it is now.
    public mutating func fit(columns: Int) {
        style.width = columns
        writer = TimelineWriter(style: style, interfaces: writer.interfaces)
    }

    /// The blocks of some connections.
    public func part(of count: Int) -> TextTimelineReport {
        var part = self
        part.isPart = true
        part.texts.share(among: count)
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
        learn(capture.interfaces)
    }

    /// Takes down more of them.
    public mutating func learn(_ interfaces: [CaptureDescription.Interface]) {
        writer.interfaces = interfaces.map { $0.name }
    }

    /// Takes in a segment.
    public mutating func segment(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        guard isTold(event) else { return }
        open(event.connection, event.number)
        if event.isFirst { style.names?.prepare(event.segment.tuple) }
        texts.take(event, connections)
        noteReady(event.connection)
    }

    /// The octets of texts, and link headers, if they are asked for.
    public var excerpts: ExcerptNeeds { style.detail.excerpts }

    /// The memory for them; a part's is its share.
    public var excerptRoom: ExcerptRoom? { texts.excerptRoom }

    /// Takes in a segment with what is shown of its frame.
    public mutating func segment(
        _ event: SegmentEvent, _ excerpt: FrameExcerpt?, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) {
        guard isTold(event) else { return }
        open(event.connection, event.number)
        texts.take(event, connections, excerpt)
        noteReady(event.connection)
    }

    /// Whether a segment is told of: not if it comes after the end of a connection that is not shown.
    private func isTold(_ event: SegmentEvent) -> Bool {
        !event.facts.contains(.reported) || texts.has(event.connection, event.number)
    }

    /// What the kernel says is shown as it comes.
    public var readsKernelEvents: Bool { true }

    /// Takes in what the kernel said.
    public mutating func kernel(
        _ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        guard texts.shows(event) else { return }
        open(event.connection, connections.number(of: event.connection))
        texts.take(event)
        noteReady(event.connection)
    }

    /// Findings are told in the text, under what they are about.
    public var wantsFindings: Bool { true }

    /// Takes in a finding: a live trace tells it soon, else it stands under the closing line.
    public mutating func finding(
        _ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        open(finding.connection, connections.number(of: finding.connection))
        texts[finding.connection].findings.append(finding)
        noteReady(finding.connection)
    }

    /// Takes in an ICMP error.
    public mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    {
        open(event.connection, connections.number(of: event.connection))
        texts.take(event)
        noteReady(event.connection)
    }

    /// Says what the client called.
    public mutating func redirected(
        _ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) {
        open(id, connections.number(of: id))
        texts.redirected(id, from: called)
        noteReady(id)
    }

    /// Says that frames were lost.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {
        out.append("... ")
        out.append(lostFrames: count)
        out.append(" ...\n")
    }

    /// Prints what is complete: where several connections are at work, in the order of time.
    public mutating func flush(
        now: Timestamp, _ connections: borrowing KnownConnections, _ kernel: KernelJoin?, _ out: inout OutputBuffer
    ) {
        guard !ready.isEmpty else { return }
        var waiting: [UInt32] = []
        defer {
            ready = waiting
            for slot in waiting { isReady[Int(slot)] = true }
        }
        var turn = InterleavedTurn()
        for slot in ready {
            let id = ConnectionID(slot: slot)
            isReady[Int(slot)] = false
            if texts[id].isDue(now) { texts.seal(id) }
            guard texts[id].number != 0 else { continue }
            let connection = connections[id]
            let view = kernel?.view(id)
            let mayWait = !texts[id].hasHead && now.since(connection.firstTime) < Self.patience
            // What the kernel knows more of it stands above rows that may be here.
            let isToBeLed = kernel?.holdsEvents(of: id) == true
            let isToBeFound = kernel?.seeksTranslated == true
            if isToBeLed || mayWait && (Self.lacksProcess(view) || lacksName(connection.tuple) || isToBeFound) {
                waiting.append(slot)
                if isInterleaved { turn.holdBack(texts[id]) }
                continue
            }
            if isInterleaved {
                turn.add(id, texts[id])
                continue
            }
            if texts[id].hasItems { print(id, connection, view, &out) }
            if texts[id].hasHead { writeFindings(id, connection, &out) }
            if texts[id].held != nil { waiting.append(slot) }
        }
        if isInterleaved { print(&turn, now, connections, kernel, &waiting, &out) }
    }

    /// Prints what several connections have to say up to where one of them is still waited for; what comes later waits, too.
    private mutating func print(
        _ turn: inout InterleavedTurn, _ now: Timestamp, _ connections: borrowing KnownConnections,
        _ kernel: KernelJoin?, _ waiting: inout [UInt32], _ out: inout OutputBuffer
    ) {
        for id in turn.connections {
            guard let held = texts[id].held, held.time < turn.latest else { continue }
            // Where nothing is folded there is little to wait for, and what is shown of frames takes memory.
            if style.detail.unfolds || now.since(held.time) > ConnectionText.hold {
                texts.seal(id)
            } else {
                turn.holdBack(texts[id])
            }
        }
        for id in turn.connections {
            turn.take(texts.takeItems(id, until: turn.limit), of: id, connections[id].firstTime)
        }
        for (id, item) in turn.inOrder() {
            let connection = connections[id]
            let view = kernel?.view(id)
            let prefix = writeHeadOnce(id, connection, view, &out)
            write(item, connection, view, id, prefix, &out)
        }
        for id in turn.connections {
            if texts[id].hasItems {
                waiting.append(id.slot)
                continue
            }
            if texts[id].hasHead { writeFindings(id, connections[id], &out) }
            if texts[id].held != nil { waiting.append(id.slot) }
        }
    }

    /// Whether a local end is still without a process, though the kernel is being asked.
    private static func lacksProcess(_ view: KernelView?) -> Bool {
        guard let view else { return false }
        return !view.originator.isRead
            || [view.originator, view.responder].contains { $0.isLocal && $0.process == nil && !$0.hasNoSocket }
    }

    /// Whether the name of a host may be known in a moment.
    private func lacksName(_ tuple: FourTuple) -> Bool {
        guard let names = style.names else { return false }
        return names.isPending(tuple.source) || names.isPending(tuple.destination)
    }

    /// Late rows of a connection are shown behind its block.
    public mutating func keep(_ id: ConnectionID) { if texts.isUnfinished(id) { texts[id].isKept = true } }

    /// Reports a connection that is over.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let connection = connections[id]
        guard texts.has(id, connection.number) else { return }
        let isShown = selection.shows(connection, kernel)
        if isShown {
            texts.seal(id)
            print(id, connection, kernel, &out)
            let prefix = prefix(connection.number)
            if let sender = ConnectionText.halfClosedSender(
                connection.originator.state, connection.responder.state), order == .blocks || !connection.isEnded,
                !texts[id].saidHalfClosed
            {
                writeNote(.halfClosed(stillSending: sender, at: nil), connection, kernel, id, prefix, &out)
            }
            writeClosing(
                connection, kernel, copies: connections.duplicateFrames(of: id),
                showsAnswers: connections.showsAnswers, connections.statistics(of: id), layout: writer.layout,
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
            writeFindings(id, connection, &out)
        }
        if order == .stream || texts[id].isKept && isShown, !texts[id].isFinished {
            close()
            texts[id].isFinished = true
        } else {
            texts.forget(id)
        }
    }

    /// Ends the report.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        if starsShown { out.append("\n* = confirmed by the kernel\n") }
    }

    // MARK: Bookkeeping

    private mutating func open(_ id: ConnectionID, _ number: UInt64) {
        guard !texts.has(id, number) else { return }
        if texts.isUnfinished(id) { close() }
        texts.open(id, number)
        activeCount += 1
        if order == .stream && activeCount > 1 { isInterleaved = true }
    }

    private mutating func close() {
        activeCount -= 1
        if activeCount == 0 { isInterleaved = false }
    }

    private mutating func noteReady(_ id: ConnectionID) {
        guard order == .stream || texts[id].isFinished else { return }
        while isReady.count <= Int(id.slot) { isReady.append(false) }
        guard !isReady[Int(id.slot)] else { return }
        isReady[Int(id.slot)] = true
        ready.append(id.slot)
    }

    /// The connection's number at the start of the line, while several are at work.
    private func prefix(_ number: UInt64) -> UInt64? { isInterleaved ? number : nil }

    // MARK: Printing

    private mutating func print(
        _ id: ConnectionID, _ connection: Connection, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let items = texts.takeItems(id)
        let prefix = writeHeadOnce(id, connection, kernel, &out)
        for item in items { write(item, connection, kernel, id, prefix, &out) }
    }

    /// Writes a connection's head, unless that has been done. Returns the number for its lines.
    private mutating func writeHeadOnce(
        _ id: ConnectionID, _ connection: Connection, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) -> UInt64? {
        // What comes after a connection's closing line needs its number to be understood.
        let prefix = texts[id].isFinished ? connection.number : prefix(connection.number)
        if !texts[id].hasHead {
            texts[id].hasHead = true
            if hasWritten { out.newline() }
            hasWritten = !isPart
            writer.writeHead(connection, kernel, prefix: prefix, &out)
        } else if prefix != nil && !texts[id].isNumbered && !texts[id].isFinished {
            // It was alone when its block began: from here on its number moves the columns.
            out.newline()
            writer.writeColumnHeads(connection, prefix: prefix, &out)
        }
        texts[id].isNumbered = prefix != nil
        return prefix
    }

    private mutating func write(
        _ item: TimelineItem, _ connection: Connection, _ kernel: KernelView?, _ id: ConnectionID, _ prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        switch item {
        case .row(let row, let excerpt):
            writeRow(row, connection, kernel, id, prefix, &out)
            if let excerpt { writer.write(excerpt.excerpt, of: row.sender, prefix: prefix, &out) }
        case .note(let note): writeNote(note, connection, kernel, id, prefix, &out)
        }
    }

    private mutating func writeFindings(_ id: ConnectionID, _ connection: Connection, _ out: inout OutputBuffer) {
        let findings = texts[id].findings
        if findings.isEmpty { return }
        texts[id].findings = []
        let prefix = texts[id].isFinished ? connection.number : prefix(connection.number)
        for finding in findings {
            writeFinding(finding, connection, style, layout: writer.layout, prefix: prefix, &out)
        }
    }

    private mutating func writeRow(
        _ row: TimelineRow, _ connection: Connection, _ kernel: KernelView?, _ id: ConnectionID, _ prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        if texts[id].phase != row.phase {
            texts[id].phase = row.phase
            let title = writer.text { $0.append(titleOf: row.phase, connection) }
            writer.writeRule(title, before: row, connection, prefix: prefix, &out)
        }
        if row.isOpening {
            let sides = noted(LadderSides(before: row, connection, kernel))
            writer.writeNote([], left: sides.left, right: sides.right, prefix: prefix, &out)
        }
        let sides = noted(texts[id].sides(of: row, connection, kernel))
        writer.write(row, left: sides.left, right: sides.right, connection, prefix: prefix, &out)
        if style.detail.verbosity > 2 { writeReasons(row, prefix, &out) }
    }

    /// Takes down whether there is a mark to be explained.
    private mutating func noted(_ sides: LadderSides) -> LadderSides {
        if sides.isConfirmed { starsShown = true }
        return sides
    }

    /// `-vvv`: why each endpoint changed its state.
    private func writeReasons(_ row: TimelineRow, _ prefix: UInt64?, _ out: inout OutputBuffer) {
        for (side, reaction) in row.reactions {
            for index in 0..<reaction.count {
                writer.writeNote(
                    writer.text { $0.append(reasonOf: reaction[index], side) }, prefix: prefix, &out)
            }
        }
    }

    private mutating func writeNote(
        _ note: TimelineNote, _ connection: Connection, _ kernel: KernelView?, _ id: ConnectionID, _ prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        let sides = noted(texts[id].sides(of: note, kernel))
        var time: ArraySlice<UInt8> = []
        if let moment = note.time {
            let elapsed = moment.since(connection.firstTime)
            time = writer.text { $0.append(fixed: elapsed, decimals: 9, digits: elapsed > 60 * Span.second ? 1 : 6) }
        }
        if case .icmp(let event) = note {
            writer.writeICMP(event, time: time, left: sides.left, right: sides.right, prefix: prefix, &out)
        } else {
            writer.writeNote(
                noteWords(note, kernel, writer), time: time, left: sides.left, right: sides.right, prefix: prefix, &out)
        }
    }
}
