// The reports that draw each connection when it is over: HTML and Mermaid.

public import TCPModel
public import TCPTimeline

/// How ladders are drawn: one at a time, into one document.
public protocol LadderDrawing: Sendable {
    /// A drawing in this style.
    init(style: TextStyle)
    /// The document begins.
    func begin(_ capture: CaptureDescription, _ out: inout OutputBuffer)
    /// A connection.
    func draw(_ block: LadderBlock, _ out: inout OutputBuffer)
    /// The capture lost frames.
    func gap(_ count: UInt64, _ out: inout OutputBuffer)
    /// The document ends: so many connections were drawn, and so many segments came after theirs had been.
    func end(_ counts: CaptureCounts, drawn: UInt64, late: UInt64, _ out: inout OutputBuffer)
}

/// A document of ladders.
public struct DrawnReport<Drawing: LadderDrawing>: TraceReport {
    /// The most rows of one connection; the middle is left out and counted.
    static var rowLimit: Int { 400 }

    private let drawing: Drawing
    private let selection: ConnectionSelection
    private let names: (any NameBook)?
    private var texts: ConnectionTexts
    private var interfaces: [String] = []
    private var drawn: UInt64 = 0
    /// By slot: the number of the connection that was drawn there last.
    private var drawnNumbers: [UInt64] = []
    /// Segments of connections that had been drawn: those of a live trace, which draws what is over.
    private var late: UInt64 = 0

    /// A document of the selected connections, with no more than `mostRows` rows of those that are not over in memory, and a few for
    /// each.
    public init(style: TextStyle, selection: ConnectionSelection = ConnectionSelection(), mostRows: Int = .max) {
        drawing = Drawing(style: style)
        self.selection = selection
        names = style.names
        texts = ConnectionTexts(detail: style.detail, rowLimit: Self.rowLimit, mostItems: mostRows)
    }

    /// The ladders of some connections.
    public func part(of count: Int) -> DrawnReport {
        var part = self
        part.texts.share(among: count)
        return part
    }

    /// Takes over how many a part has drawn.
    public mutating func join(_ part: DrawnReport) {
        drawn += part.drawn
        late += part.late
    }

    /// Retransmissions are named by their kind.
    public var readsStatistics: Bool { true }
    /// What the kernel says has rows.
    public var readsKernelEvents: Bool { true }
    /// Findings stand under their connection.
    public var wantsFindings: Bool { true }

    /// Begins the document.
    public mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {
        learn(capture.interfaces)
        drawing.begin(capture, &out)
    }

    /// Takes down the names of interfaces.
    public mutating func learn(_ interfaces: [CaptureDescription.Interface]) {
        self.interfaces = interfaces.map { $0.name }
    }

    /// Takes in a segment.
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

    /// Whether a connection has been drawn: what comes now is not shown any more.
    private func isDrawn(_ id: ConnectionID, _ number: UInt64) -> Bool {
        Int(id.slot) < drawnNumbers.count && drawnNumbers[Int(id.slot)] == number
    }

    /// Takes in what the kernel said.
    public mutating func kernel(
        _ event: KernelEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        guard texts.shows(event), !isDrawn(event.connection, connections.number(of: event.connection)) else { return }
        texts.openOnce(event.connection, connections.number(of: event.connection))
        texts.take(event)
    }

    /// Takes in a finding.
    public mutating func finding(
        _ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        guard !isDrawn(finding.connection, connections.number(of: finding.connection)) else { return }
        texts.openOnce(finding.connection, connections.number(of: finding.connection))
        texts[finding.connection].findings.append(finding)
    }

    /// Takes in an ICMP error.
    public mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    {
        guard !isDrawn(event.connection, connections.number(of: event.connection)) else { return }
        texts.openOnce(event.connection, connections.number(of: event.connection))
        texts.take(event)
    }

    /// Says what the client called.
    public mutating func redirected(
        _ id: ConnectionID, from called: SocketAddress, _ connections: borrowing KnownConnections,
        _ out: inout OutputBuffer
    ) {
        guard !isDrawn(id, connections.number(of: id)) else { return }
        texts.openOnce(id, connections.number(of: id))
        texts.redirected(id, from: called)
    }

    /// Says that frames were lost.
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
