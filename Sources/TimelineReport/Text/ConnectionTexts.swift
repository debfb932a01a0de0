// The texts of all connections that are not printed yet, by slot: the material of ladders in any format.

import TCPModel
import TCPTimeline

/// Stores the texts within a memory limit.
struct ConnectionTexts {
    /// The item limit of a connection that gets another row while the total is at its limit.
    static let crowdedRowLimit = 40

    private let detail: TimelineDetail
    /// The maximum number of rows of one connection; beyond that, the middle is left out and counted.
    private let rowLimit: Int
    /// The texts by slot; `.none` where there is no connection.
    private var texts: [ConnectionText] = []
    /// The number of rows and notes in memory, for all connections, and the number from which on new ones are kept
    /// sparingly.
    private var itemCount = 0
    private var mostItems: Int
    /// The memory used by the excerpts of all connections, in octets. `excerptRoom` limits it: beyond the limit, new
    /// excerpts lose their text.
    private var excerptSize = 0
    private(set) var excerptRoom: ExcerptRoom?

    init(detail: TimelineDetail, rowLimit: Int, mostItems: Int, excerptRoom: ExcerptRoom? = nil) {
        self.excerptRoom = excerptRoom
        self.detail = detail
        self.rowLimit = rowLimit
        self.mostItems = mostItems
    }

    /// Reduces the memory limits to those of one of `count` partial reports.
    mutating func share(among count: Int) {
        mostItems /= count
        excerptRoom?.share(among: count)
    }

    /// The text of an opened connection. Change its items only with the functions below, which count them.
    subscript(id: ConnectionID) -> ConnectionText {
        _read { yield texts[Int(id.slot)] }
        _modify { yield &texts[Int(id.slot)] }
    }

    /// Whether the slot holds the text of the connection with this number.
    func has(_ id: ConnectionID, _ number: UInt64) -> Bool {
        Int(id.slot) < texts.count && texts[Int(id.slot)].number == number
    }

    /// Whether the slot holds a text whose end has not been reported.
    func isUnfinished(_ id: ConnectionID) -> Bool {
        Int(id.slot) < texts.count && !texts[Int(id.slot)].isFinished
    }

    /// Begins the text of a connection.
    mutating func open(_ id: ConnectionID, _ number: UInt64) {
        while texts.count <= Int(id.slot) { texts.append(.none) }
        let limit = rowLimit
        change(id) { $0 = ConnectionText(number: number, limit: limit) }
    }

    /// Begins the text of a connection unless it exists already.
    mutating func openOnce(_ id: ConnectionID, _ number: UInt64) {
        if !has(id, number) { open(id, number) }
    }

    /// Discards the text of a connection.
    mutating func forget(_ id: ConnectionID) { change(id) { $0 = .none } }

    /// Completes the row that is held back.
    mutating func seal(_ id: ConnectionID) { change(id) { $0.seal() } }

    /// Removes and returns the complete items.
    mutating func takeItems(_ id: ConnectionID) -> [TimelineItem] {
        var items: [TimelineItem] = []
        change(id) { items = $0.items.take() }
        return items
    }

    /// Removes and returns the complete items up to a point in time.
    mutating func takeItems(_ id: ConnectionID, until limit: Timestamp) -> [TimelineItem] {
        var items: [TimelineItem] = []
        change(id) { items = $0.items.take(until: limit) }
        return items
    }

    // MARK: What happens

    /// Adds a segment with the excerpt of its frame.
    mutating func take(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ excerpt: FrameExcerpt? = nil
    ) {
        if event.isFirst { noteRelatives(event.connection, connections) }
        let isCrowded = itemCount >= mostItems
        let detail = detail
        let kept = excerpt.flatMap { excerptRoom?.fit($0, beside: excerptSize) }
        change(event.connection) { text in
            if isCrowded { text.items.restrict(to: Self.crowdedRowLimit) }
            text.take(event, kept, detail)
        }
    }

    /// Notes which connection a new one is a translation or a subflow of.
    private mutating func noteRelatives(_ id: ConnectionID, _ connections: borrowing KnownConnections) {
        if let source = connections.translated(from: id) {
            change(id) { $0.keep(.translated(source.number)) }
        }
        if let subflow = connections.subflow(id) {
            let number = subflow.connection?.number ?? 0
            change(id) { $0.keep(.subflow(token: subflow.token, of: number)) }
        }
    }

    /// Whether a kernel event gets a line.
    func shows(_ event: KernelEvent) -> Bool {
        switch event.kind {
        case .state, .owner: false
        case .notAccepted, .accepted, .dropped, .contradiction, .uncaptured, .translated: true
        case .traced(let fact): fact.isWorthALine(detail.verbosity)
        }
    }

    /// Adds a kernel event.
    mutating func take(_ event: KernelEvent) {
        change(event.connection) {
            $0.seal()
            $0.keep(event)
        }
    }

    /// Adds the address that the client called.
    mutating func redirected(_ id: ConnectionID, from called: SocketAddress) {
        change(id) {
            $0.seal()
            $0.keep(.redirected(called))
        }
    }

    /// Adds an ICMP error.
    mutating func take(_ event: ICMPEvent) {
        change(event.connection) {
            $0.seal()
            $0.keep(.icmp(event))
        }
    }

    /// Changes one connection's text in place, and keeps count of its items.
    private mutating func change(_ id: ConnectionID, _ body: (inout ConnectionText) -> Void) {
        let slot = Int(id.slot)
        let before = (texts[slot].items.count, texts[slot].excerptSize)
        body(&texts[slot])
        itemCount += texts[slot].items.count - before.0
        excerptSize += texts[slot].excerptSize - before.1
    }
}
