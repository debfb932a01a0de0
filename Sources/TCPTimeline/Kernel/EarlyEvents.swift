// Kernel events that are ahead of the capture wait for segments that may still be on their way to the join.

import TCPModel

/// Events that are ahead of the capture, and those that follow them: their segments may still be on their way, from a
/// processor that was delayed while capturing them.
struct EarlyEvents {
    /// The most events that may wait.
    private static let limit = 65_536

    private var queue = Queue<(event: SocketEvent, of: EndpointReference, since: Timestamp)>()
    /// The number of waiting events, by connection.
    private var counts: [ConnectionID: Int] = [:]
    /// The same by the socket's address in memory, which another socket may have within microseconds:
    /// a file keeps their events in order.
    private var sockets: [UInt64: Int] = [:]
    /// The same by the packet's address: if that packet is dropped, its earlier answer shows whose it was.
    private var packets: [UInt64: Int] = [:]
    /// When the latest events were read.
    var now = Timestamp(nanoseconds: 0)
    /// How long each event waits, in nanoseconds; 0 = none waits.
    var patience: Int64 = 0

    var isEmpty: Bool { counts.isEmpty }

    /// Whether an event of this connection is waiting.
    func has(_ id: ConnectionID) -> Bool { !counts.isEmpty && counts[id] != nil }

    /// Whether an event of the socket that is, or was, at this address in memory is waiting.
    func has(socket: UInt64) -> Bool { !sockets.isEmpty && socket != 0 && sockets[socket] != nil }

    /// Whether an event of the packet that is, or was, at this address in memory is waiting.
    func has(packet: UInt64) -> Bool { !packets.isEmpty && packet != 0 && packets[packet] != nil }

    /// Makes an event wait; false if too many do.
    mutating func hold(_ event: SocketEvent, of end: EndpointReference) -> Bool {
        guard queue.count < Self.limit else { return false }
        queue.append((event, end, now))
        counts[end.id, default: 0] += 1
        sockets[event.socket, default: 0] += 1
        packets[event.packet, default: 0] += 1
        return true
    }

    /// The next event that has waited long enough.
    mutating func next() -> FoundEvent? {
        guard let item = queue.first, now.since(item.since) >= patience else { return nil }
        queue.popFirst()
        noteTaken(item.event, item.of)
        return (item.event, item.of)
    }

    /// Removes and returns all waiting events of these connections.
    mutating func take(of ids: [ConnectionID]) -> [FoundEvent] {
        let ids = Set(ids.filter(has))
        guard !ids.isEmpty else { return [] }
        var taken: [FoundEvent] = []
        var rest = Queue<(event: SocketEvent, of: EndpointReference, since: Timestamp)>()
        while let item = queue.popFirst() {
            if ids.contains(item.of.id) {
                noteTaken(item.event, item.of)
                taken.append((item.event, item.of))
            } else {
                rest.append(item)
            }
        }
        queue = rest
        return taken
    }

    private mutating func noteTaken(_ event: SocketEvent, _ end: EndpointReference) {
        Self.countDown(&counts, end.id)
        Self.countDown(&sockets, event.socket)
        Self.countDown(&packets, event.packet)
    }

    private static func countDown<Key>(_ counts: inout [Key: Int], _ key: Key) {
        let left = (counts[key] ?? 1) - 1
        counts[key] = left > 0 ? left : nil
    }
}

extension KernelJoin {
    /// How long an event waits that is ahead of the capture, in nanoseconds. A replay need not wait:
    /// its events were already joined late when live.
    public var leadPatience: Int64 {
        get { early.patience }
        set { early.patience = newValue }
    }

    /// Whether events that are ahead of the capture are waiting.
    public var holdsEvents: Bool { !early.isEmpty }

    /// Whether an event of this connection is waiting.
    public func holdsEvents(of id: ConnectionID) -> Bool { early.has(id) }
}
