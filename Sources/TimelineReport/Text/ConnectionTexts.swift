// The texts of all connections that are not on the page yet, by slot: what a ladder in any format is made of.

import TCPModel
import TCPTimeline

/// Keeps the texts, and no more of them than there is memory for.
struct ConnectionTexts {
    /// The most rows of a connection that gets another row while all together have as many as memory is there for.
    static let crowdedRowLimit = 40

    private let detail: TimelineDetail
    /// The most rows of one connection; the middle is left out and counted.
    private let rowLimit: Int
    /// By slot; `.none` where there is no connection.
    private var texts: [ConnectionText] = []
    /// Rows and notes in memory, of all connections, and how many there may be before new ones are kept sparingly.
    private var itemCount = 0
    private var mostItems: Int
    /// Octets that excerpts of all connections take in memory, and how many they may before new ones go without their texts.
    private var excerptSize = 0
    private(set) var excerptRoom: ExcerptRoom?

    init(detail: TimelineDetail, rowLimit: Int, mostItems: Int, excerptRoom: ExcerptRoom? = nil) {
        self.excerptRoom = excerptRoom
        self.detail = detail
        self.rowLimit = rowLimit
        self.mostItems = mostItems
    }

    /// This one's memory becomes that of one of `count` parts.
    mutating func share(among count: Int) {
        mostItems /= count
        excerptRoom?.share(among: count)
    }

    /// The text of a connection that was opened. Its items are changed by the functions below, which count them.
    subscript(id: ConnectionID) -> ConnectionText {
        _read { yield texts[Int(id.slot)] }
        _modify { yield &texts[Int(id.slot)] }
    }

    /// Whether the text at a connection's place is the one of the connection with this number.
    func has(_ id: ConnectionID, _ number: UInt64) -> Bool {
        Int(id.slot) < texts.count && texts[Int(id.slot)].number == number
    }

    /// Whether there is one at its place whose end has not been told.
    func isUnfinished(_ id: ConnectionID) -> Bool {
        Int(id.slot) < texts.count && !texts[Int(id.slot)].isFinished
    }

    /// Begins the text of a connection.
    mutating func open(_ id: ConnectionID, _ number: UInt64) {
        while texts.count <= Int(id.slot) { texts.append(.none) }
        let limit = rowLimit
        change(id) { $0 = ConnectionText(number: number, limit: limit) }
    }

    /// Begins it unless that has been done.
    mutating func openOnce(_ id: ConnectionID, _ number: UInt64) {
        if !has(id, number) { open(id, number) }
    }

    /// Nothing more is told of a connection.
    mutating func forget(_ id: ConnectionID) { change(id) { $0 = .none } }

    /// Completes the row that is held back.
    mutating func seal(_ id: ConnectionID) { change(id) { $0.seal() } }

    /// Hands over the complete items.
    mutating func takeItems(_ id: ConnectionID) -> [TimelineItem] {
        var items: [TimelineItem] = []
        change(id) { items = $0.takeItems() }
        return items
    }

    /// Hands over the complete ones up to a time.
    mutating func takeItems(_ id: ConnectionID, until limit: Timestamp) -> [TimelineItem] {
        var items: [TimelineItem] = []
        change(id) { items = $0.takeItems(until: limit) }
        return items
    }

    // MARK: What happens

    /// Takes in a segment, and what is shown of its frame.
    mutating func take(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ excerpt: FrameExcerpt? = nil
    ) {
        if event.isFirst { noteRelatives(event.connection, connections) }
        let isCrowded = itemCount >= mostItems
        let detail = detail
        let kept = excerpt.flatMap { excerptRoom?.fit($0, beside: excerptSize) }
        change(event.connection) { text in
            if isCrowded { text.restrict(to: Self.crowdedRowLimit) }
            text.take(event, kept, detail)
        }
    }

    /// Says what a new connection is the translation of, or joined.
    private mutating func noteRelatives(_ id: ConnectionID, _ connections: borrowing KnownConnections) {
        if let source = connections.translated(from: id) {
            change(id) { $0.keep(.note(.translated(source.number))) }
        }
        if let subflow = connections.subflow(id) {
            let number = subflow.connection?.number ?? 0
            change(id) { $0.keep(.note(.subflow(token: subflow.token, of: number))) }
        }
    }

    /// Whether what the kernel said is worth a line.
    func shows(_ event: KernelEvent) -> Bool {
        switch event.kind {
        case .state, .owner: false
        case .notAccepted, .accepted, .dropped, .contradiction, .uncaptured, .translated: true
        case .traced(let fact): fact.isWorthALine(detail.verbosity)
        }
    }

    /// Takes in what the kernel said.
    mutating func take(_ event: KernelEvent) {
        change(event.connection) {
            $0.seal()
            $0.keep(event)
        }
    }

    /// Takes in what the client called.
    mutating func redirected(_ id: ConnectionID, from called: SocketAddress) {
        change(id) {
            $0.seal()
            $0.keep(.note(.redirected(called)))
        }
    }

    /// Takes in an ICMP error.
    mutating func take(_ event: ICMPEvent) {
        change(event.connection) {
            $0.seal()
            $0.keep(.note(.icmp(event)))
        }
    }

    /// Changes one connection's text in place, and counts the items that come or go.
    private mutating func change(_ id: ConnectionID, _ body: (inout ConnectionText) -> Void) {
        let slot = Int(id.slot)
        let before = (texts[slot].itemCount, texts[slot].excerptSize)
        body(&texts[slot])
        itemCount += texts[slot].itemCount - before.0
        excerptSize += texts[slot].excerptSize - before.1
    }
}
