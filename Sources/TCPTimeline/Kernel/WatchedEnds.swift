// The incarnations of each four-tuple that are watched for events.

import TCPModel

/// One incarnation of a four-tuple.
struct WatchedEnd: BitwiseCopyable {
    var id: ConnectionID
    var number: UInt64
    var firstTime: Timestamp
    /// How long before its first segment an event may belong to it, in nanoseconds.
    var lead: Int64
    var originator: SocketAddress
    var responder: SocketAddress
}

/// Incarnations by four-tuple: nearly always there is only one.
struct WatchedEnds {
    /// A flow key that hashes as one word: it is hashed for every connection and for many events.
    private struct Key: Hashable {
        let flow: FlowKey

        init(_ source: SocketAddress, _ destination: SocketAddress) {
            flow = FlowKey(FourTuple(source: source, destination: destination))
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(Self.flowHash.hash(FourTuple(source: flow.first, destination: flow.second)))
        }

        private static let flowHash = FlowHash(seed: .random(in: .min ... .max))
    }

    private var latest: [Key: WatchedEnd] = [:]
    /// Earlier incarnations of the same four-tuples.
    private var earlier: [Key: [WatchedEnd]] = [:]

    mutating func add(_ end: WatchedEnd, _ tuple: FourTuple) {
        let key = Key(tuple.source, tuple.destination)
        if let before = latest.updateValue(end, forKey: key) { earlier[key, default: []].append(before) }
    }

    mutating func remove(_ number: UInt64, _ tuple: FourTuple) {
        let key = Key(tuple.source, tuple.destination)
        if latest[key]?.number == number {
            latest[key] = nil
            guard !earlier.isEmpty, var before = earlier[key] else { return }
            latest[key] = before.popLast()
            earlier[key] = before.isEmpty ? nil : before
        } else if !earlier.isEmpty {
            earlier[key]?.removeAll { $0.number == number }
            if earlier[key]?.isEmpty == true { earlier[key] = nil }
        }
    }

    /// The latest incarnation of each four-tuple.
    func forEach(_ body: (WatchedEnd) -> Void) { latest.values.forEach(body) }

    /// The incarnations of this four-tuple before the one with this number, and which of their sides `local` is.
    func predecessors(of number: UInt64, _ local: SocketAddress, _ remote: SocketAddress) -> [EndpointReference] {
        guard !earlier.isEmpty, let before = earlier[Key(local, remote)] else { return [] }
        return before.filter { $0.number < number }.map { Self.reference($0, local) }
    }

    private static func reference(_ end: WatchedEnd, _ local: SocketAddress) -> EndpointReference {
        EndpointReference(id: end.id, number: end.number, side: local == end.originator ? .originator : .responder)
    }

    /// The first of the qualifying incarnations in the order of `before`, and which of its sides `local` is. Changes
    /// nothing; see `SocketTracks` for why it is `mutating`.
    mutating func find(
        _ local: SocketAddress, _ remote: SocketAddress, among qualifies: (WatchedEnd) -> Bool,
        before: (WatchedEnd, WatchedEnd) -> Bool
    ) -> EndpointReference? {
        let key = Key(local, remote)
        guard let last = latest[key] else { return nil }
        var best = qualifies(last) ? last : nil
        if !earlier.isEmpty {
            for end in earlier[key] ?? [] where qualifies(end) {
                if let chosen = best, !before(end, chosen) { continue }
                best = end
            }
        }
        return best.map { Self.reference($0, local) }
    }
}
