// Which connections are others seen behind address translation (NAT), or parts of others (MPTCP).

import TCPModel

/// How connections belong to others, by their numbers. Empty if a capture has neither NAT nor MPTCP.
struct ConnectionRelatives {
    /// The most links of each kind that are kept, so that a flood of SYNs does not fill the memory.
    private static let most = 65_536
    /// From a connection to the one that it is a translation of.
    private var sources: [UInt64: ConnectionName] = [:]
    /// From a connection to the ends of its sockets, if its packets have others.
    private var ends: [UInt64: SocketEnds] = [:]
    private var subflows: [UInt64: MultipathSubflow] = [:]

    func source(of number: UInt64) -> ConnectionName? { sources.isEmpty ? nil : sources[number] }

    func ends(_ number: UInt64) -> SocketEnds { ends.isEmpty ? SocketEnds() : ends[number] ?? SocketEnds() }

    func subflow(_ number: UInt64) -> MultipathSubflow? { subflows.isEmpty ? nil : subflows[number] }

    mutating func note(_ number: UInt64, translationOf source: ConnectionName) {
        guard sources.count < Self.most else { return }
        // A third copy is linked to the first connection, too.
        sources[number] = sources[source.number] ?? source
    }

    mutating func note(_ number: UInt64, _ end: TranslatedEnd) {
        guard ends.count < Self.most else { return }
        ends[number, default: SocketEnds()].note(end)
    }

    mutating func set(_ number: UInt64, _ all: SocketEnds) {
        guard ends.count < Self.most else { return }
        ends[number] = all
    }

    mutating func note(_ number: UInt64, joined subflow: MultipathSubflow) {
        guard subflows.count < Self.most else { return }
        subflows[number] = subflow
    }

    /// Whether any connection is known to have sockets with other ends than its packets.
    var knowsSocketEnds: Bool { !ends.isEmpty }

    /// A connection gets its final number; before that, only the address that its client called is known of it.
    mutating func renumber(_ provisional: UInt64, to number: UInt64) {
        if let all = ends.removeValue(forKey: provisional) { ends[number] = all }
    }

    mutating func forget(_ number: UInt64) {
        if !sources.isEmpty { sources[number] = nil }
        if !ends.isEmpty { ends[number] = nil }
        if !subflows.isEmpty { subflows[number] = nil }
    }
}
