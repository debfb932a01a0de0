// The reports that draw each connection when it is over: HTML and Mermaid.

public import TCPModel
public import TCPTimeline

/// A style of drawing ladders, one at a time, into one document.
public protocol LadderDrawing: Sendable {
    /// A drawing in this style.
    init(style: TextStyle)
    /// Begins the document.
    func begin(_ capture: CaptureDescription, _ out: inout OutputBuffer)
    /// Draws a connection.
    func draw(_ block: LadderBlock, _ out: inout OutputBuffer)
    /// Notes that the capture lost frames.
    func gap(_ count: UInt64, _ out: inout OutputBuffer)
    /// Ends the document, given the numbers of connections drawn and of segments that came after their connection had
    /// been drawn.
    func end(_ counts: CaptureCounts, drawn: UInt64, late: UInt64, _ out: inout OutputBuffer)
}

/// A document of ladders.
public struct DrawnReport<Drawing: LadderDrawing>: TraceReport {
    /// The maximum number of rows for one connection; beyond that, the middle is left out and counted.
    static var rowLimit: Int { 400 }

    private let drawing: Drawing
    private let selection: ConnectionSelection
    private let names: (any NameBook)?
    private var texts: ConnectionTexts
    private var interfaces: [String] = []
    private var drawn: UInt64 = 0
    /// The number of the connection most recently drawn, by slot.
    private var drawnNumbers: [UInt64] = []
    /// Segments that came after their connection had been drawn: in a live trace, a connection is drawn once it is
    /// over.
    private var late: UInt64 = 0

    /// A document of the selected connections. At most `mostRows` rows of connections that are not over stay in memory,
    /// plus a few for each connection.
    public init(style: TextStyle, selection: ConnectionSelection = ConnectionSelection(), mostRows: Int = .max) {
        drawing = Drawing(style: style)
        self.selection = selection
        names = style.names
        texts = ConnectionTexts(detail: style.detail, rowLimit: Self.rowLimit, mostItems: mostRows)
    }

    /// A report for a share of the connections.
    public func part(of count: Int) -> DrawnReport {
        var part = self
        part.texts.share(among: count)
        return part
    }

    /// Adds the counts of a partial report.
    public mutating func join(_ part: DrawnReport) {
        drawn += part.drawn
        late += part.late
    }

    /// True: retransmissions are labelled with their kind.
    public var readsStatistics: Bool { true }
    /// True: kernel events have rows.
    public var readsKernelEvents: Bool { true }
    /// True: findings are listed below their connection.
    public var wantsFindings: Bool { true }

    /// Begins the document.
    public mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {
        learn(capture.interfaces)
        drawing.begin(capture, &out)
    }

    /// Records the names of the interfaces.
    public mutating func learn(_ interfaces: [CaptureDescription.Interface]) {
        self.interfaces = interfaces.map { $0.name }
    }

    /// Records a segment.
    public mutating func segment(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        guard !isDrawn(event.connection, event.number) else {
            late += 1
            return
        }
        texts.openOnce(event.connection, event.number)
        if event.isFirst { names?.prepare(event.segment.tuple) }
        texts.take(event, connections)
    }

    /// Whether a connection has been drawn, so that later events are not shown.
    private func isDrawn(_ id: ConnectionID, _ number: UInt64) -> Bool {
        Int(id.slot) < drawnNumbers.count && drawnNumbers[Int(id.slot)] == number
    }

    /// Records a kernel event.
    public mutating func kernel(
        _ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        guard texts.shows(event), !isDrawn(event.connection, connections.number(of: event.connection)) else { return }
        texts.openOnce(event.connection, connections.number(of: event.connection))
        texts.take(event)
    }

    /// Records a finding.
    public mutating func finding(
        _ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        guard !isDrawn(finding.connection, connections.number(of: finding.connection)) else { return }
        texts.openOnce(finding.connection, connections.number(of: finding.connection))
        texts[finding.connection].findings.append(finding)
    }

    /// Records an ICMP error.
    public mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    {
        guard !isDrawn(event.connection, connections.number(of: event.connection)) else { return }
        texts.openOnce(event.connection, connections.number(of: event.connection))
        texts.take(event)
    }

    /// Records the address that the client called.
    public mutating func redirected(
        _ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) {
        guard !isDrawn(id, connections.number(of: id)) else { return }
        texts.openOnce(id, connections.number(of: id))
        texts.redirected(id, from: called)
    }

    /// Notes that frames were lost.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {
        drawing.gap(count, &out)
    }

    /// Draws a connection that is over.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let connection = connections[id]
        guard texts.has(id, connection.number) else { return }
        defer { texts.forget(id) }
        while drawnNumbers.count <= Int(id.slot) { drawnNumbers.append(0) }
        drawnNumbers[Int(id.slot)] = connection.number
        guard selection.shows(connection, kernel) else { return }
        texts.seal(id)
        let items = texts.takeItems(id)
        let interface = Int(connection.interface)
        drawn += 1
        drawing.draw(
            LadderBlock(
                connection: connection, kernel: kernel,
                steps: texts[id].takeSteps(items, connection, kernel), findings: texts[id].findings,
                statistics: connections.statistics(of: id), copies: connections.duplicateFrames(of: id),
                showsAnswers: connections.showsAnswers,
                interface: interfaces.indices.contains(interface) ? interfaces[interface] : ""),
            &out)
    }

    /// Ends the document.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) { drawing.end(counts, drawn: drawn, late: late, &out) }
}
