// The text timeline: one ladder per connection, streamed in a live trace, or written as one block per connection on
// replay.

import TCPMachine
public import TCPModel
public import TCPTimeline

/// The text timeline.
public struct TextTimelineReport: TraceReport {
    /// When rows are printed.
    public enum Order: Sendable {
        /// As soon as they are complete; with several active connections, each line begins with its connection's
        /// number.
        case stream
        /// All at once when the connection is over.
        case blocks
    }

    /// The maximum number of rows per connection in a block (a hundred times as many with `-v`); beyond that, the
    /// middle is left out and counted.
    static let rowLimit = 1000
    /// The approximate size of a row in memory, in octets.
    public static let rowSize = 300

    private var style: TextStyle
    private let order: Order
    private let selection: ConnectionSelection
    private var writer: TimelineWriter
    private var texts: ConnectionTexts
    /// The slots with something to print, and whether each slot is among them.
    private var ready: [UInt32] = []
    private var isReady: [Bool] = []
    private var activeCount = 0
    /// Whether several connections have been active since the page was last quiet, so that lines carry their
    /// connection's number.
    private var isInterleaved = false
    private var starsShown = false
    private var hasWritten = false
    /// Whether this is a partial report: only the whole report knows what precedes a block.
    private var isPart = false

    /// Live: how long the head may wait for the names of processes and hosts, in nanoseconds.
    static let patience = 60 * Span.millisecond

    /// A timeline in this style. A selection that can be applied only at the end turns a stream into blocks; then at
    /// most `mostRows` rows are kept in memory, plus a few for each connection. Excerpts of frames take at most
    /// `mostExcerpts` octets of memory while they wait and when they are written.
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

    /// Lays out later rows for the new page width.
    public mutating func fit(columns: Int) {
        style.width = columns
        writer = TimelineWriter(style: style, interfaces: writer.interfaces)
    }

    /// A report for a share of the connections.
    public func part(of count: Int) -> TextTimelineReport {
        var part = self
        part.isPart = true
        part.texts.share(among: count)
        return part
    }

    /// Records whether a partial report used the mark that needs an explanation.
    public mutating func join(_ part: TextTimelineReport) { starsShown = starsShown || part.starsShown }

    /// Writes a block after the previous one.
    public mutating func merge(
        _ said: borrowing OutputBuffer, _ range: Range<Int>, number: UInt64, _ out: inout OutputBuffer
    ) {
        if hasWritten { out.newline() }
        hasWritten = true
        out.append(said, range)
    }

    /// True: retransmissions are labelled with their kind.
    public var readsStatistics: Bool { true }

    /// Records the names of the interfaces.
    public mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {
        learn(capture.interfaces)
    }

    /// Records the names of further interfaces.
    public mutating func learn(_ interfaces: [CaptureDescription.Interface]) {
        writer.interfaces = interfaces.map { $0.name }
    }

    /// Records a segment.
    public mutating func segment(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        guard isTold(event) else { return }
        open(event.connection, event.number)
        if event.isFirst { style.names?.prepare(event.segment.tuple) }
        texts.take(event, connections)
        noteReady(event.connection)
    }

    /// The octets of text and the link headers, if requested.
    public var excerpts: ExcerptNeeds { style.detail.excerpts }

    /// The memory limit for excerpts; a partial report has its share.
    public var excerptRoom: ExcerptRoom? { texts.excerptRoom }

    /// Records a segment with the excerpt of its frame.
    public mutating func segment(
        _ event: SegmentEvent, _ excerpt: FrameExcerpt?, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) {
        guard isTold(event) else { return }
        open(event.connection, event.number)
        texts.take(event, connections, excerpt)
        noteReady(event.connection)
    }

    /// Whether a segment is shown: not if it comes after the end of a connection that is not shown.
    private func isTold(_ event: SegmentEvent) -> Bool {
        !event.facts.contains(.reported) || texts.has(event.connection, event.number)
    }

    /// True: kernel events are shown as they come.
    public var readsKernelEvents: Bool { true }

    /// Records a kernel event.
    public mutating func kernel(
        _ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        guard texts.shows(event) else { return }
        open(event.connection, connections.number(of: event.connection))
        texts.take(event)
        noteReady(event.connection)
    }

    /// True: findings are shown below what they are about.
    public var wantsFindings: Bool { true }

    /// Records a finding: a live trace shows it soon, a replay below the closing line.
    public mutating func finding(
        _ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        open(finding.connection, connections.number(of: finding.connection))
        texts[finding.connection].findings.append(finding)
        noteReady(finding.connection)
    }

    /// Records an ICMP error.
    public mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    {
        open(event.connection, connections.number(of: event.connection))
        texts.take(event)
        noteReady(event.connection)
    }

    /// Records the address that the client called.
    public mutating func redirected(
        _ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) {
        open(id, connections.number(of: id))
        texts.redirected(id, from: called)
        noteReady(id)
    }

    /// Notes that frames were lost.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {
        out.append("... ")
        out.append(lostFrames: count)
        out.append(" ...\n")
    }

    /// Prints what is complete; with several active connections, in order of time.
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
            // Further knowledge of the kernel belongs above rows that may already be here.
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
            if !texts[id].items.isEmpty { print(id, connection, view, &out) }
            if texts[id].hasHead { writeFindings(id, connection, &out) }
            if texts[id].held != nil { waiting.append(slot) }
        }
        if isInterleaved { print(&turn, now, connections, kernel, &waiting, &out) }
    }

    /// Prints the items of several connections up to the first one that is still incomplete; later items wait.
    private mutating func print(
        _ turn: inout InterleavedTurn, _ now: Timestamp, _ connections: borrowing KnownConnections,
        _ kernel: KernelJoin?, _ waiting: inout [UInt32], _ out: inout OutputBuffer
    ) {
        for id in turn.connections {
            guard let held = texts[id].held, held.time < turn.latest else { continue }
            // If nothing is folded there is little to wait for, and excerpts take memory.
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
            if !texts[id].items.isEmpty {
                waiting.append(id.slot)
                continue
            }
            if texts[id].hasHead { writeFindings(id, connections[id], &out) }
            if texts[id].held != nil { waiting.append(id.slot) }
        }
    }

    /// Whether a local end still has no known process although the kernel is being queried.
    private static func lacksProcess(_ view: KernelView?) -> Bool {
        guard let view else { return false }
        return !view.originator.isRead
            || [view.originator, view.responder].contains { $0.isLocal && $0.process == nil && !$0.hasNoSocket }
    }

    /// Whether the name of a host may become known in a moment.
    private func lacksName(_ tuple: FourTuple) -> Bool {
        guard let names = style.names else { return false }
        return names.isPending(tuple.source) || names.isPending(tuple.destination)
    }

    /// Lets late rows of a connection be shown after its block.
    public mutating func keep(_ id: ConnectionID) { if texts.isUnfinished(id) { texts[id].isKept = true } }

    /// Prints the rest of a connection that is over, and its closing lines.
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

    /// Explains the mark, if it was used.
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

    /// The connection's number for the start of a line, while several connections are active.
    private func prefix(_ number: UInt64) -> UInt64? { isInterleaved ? number : nil }

    // MARK: Printing

    private mutating func print(
        _ id: ConnectionID, _ connection: Connection, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let items = texts.takeItems(id)
        let prefix = writeHeadOnce(id, connection, kernel, &out)
        for item in items { write(item, connection, kernel, id, prefix, &out) }
    }

    /// Writes a connection's head if that has not been done. Returns the number for its lines.
    private mutating func writeHeadOnce(
        _ id: ConnectionID, _ connection: Connection, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) -> UInt64? {
        // Lines after a connection's closing line need its number to be understood.
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
        texts[id].lastRowTime = row.lastTime
        writer.write(row, left: sides.left, right: sides.right, connection, prefix: prefix, &out)
        if style.detail.verbosity > 2 { writeReasons(row, prefix, &out) }
    }

    /// Records whether the mark is used that needs an explanation.
    private mutating func noted(_ sides: LadderSides) -> LadderSides {
        if sides.isConfirmed { starsShown = true }
        return sides
    }

    /// `-vvv`: writes why each endpoint changed its state.
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
        let time = writer.text { appendTime(of: note, connection, id, &$0) }
        if case .icmp(let event) = note {
            writer.writeICMP(event, time: time, left: sides.left, right: sides.right, prefix: prefix, &out)
        } else {
            writer.writeNote(
                noteWords(note, kernel, writer), time: time, left: sides.left, right: sides.right, prefix: prefix, &out)
        }
    }

    /// Appends when a note was: since the connection's first segment, or since the last row if the page has no column
    /// for that.
    private func appendTime(
        of note: TimelineNote, _ connection: Connection, _ id: ConnectionID, _ out: inout OutputBuffer
    ) {
        guard let moment = note.time else { return }
        if writer.layout.form != .narrow {
            let elapsed = moment.since(connection.firstTime)
            out.append(fixed: elapsed, decimals: 9, digits: elapsed > 60 * Span.second ? 1 : 6)
        } else if let last = texts[id].lastRowTime, moment >= last {
            out.append("+")
            out.append(span: moment.since(last), .compact)
        }
    }
}
