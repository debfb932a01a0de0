// Which connections are others, seen behind a translation of addresses, or parts of others (MPTCP).

import TCPModel

/// Which connections belong to others, by their numbers. Empty where there is neither NAT nor MPTCP in a capture.
struct ConnectionRelatives {
    /// Links of each kind that are kept, so that a flood of SYNs makes no heap of them.
    private static let most = 65_536
    /// From a connection to the one that it is the translation of.
    private var sources: [UInt64: ConnectionName] = [:]
    /// From a connection to what its client called, where its host redirected it.
    private var called: [UInt64: SocketAddress] = [:]
    /// From a connection to where its server's socket is, where its packets are translated on their way there.
    private var served: [UInt64: SocketAddress] = [:]
    private var subflows: [UInt64: MultipathSubflow] = [:]

    func source(of number: UInt64) -> ConnectionName? { sources.isEmpty ? nil : sources[number] }

    func served(_ number: UInt64) -> SocketAddress? { served.isEmpty ? nil : served[number] }

    func called(by number: UInt64) -> SocketAddress? { called.isEmpty ? nil : called[number] }

    func subflow(_ number: UInt64) -> MultipathSubflow? { subflows.isEmpty ? nil : subflows[number] }

    mutating func note(_ number: UInt64, translationOf source: ConnectionName) {
        guard sources.count < Self.most else { return }
        // A third copy is linked to the first connection too.
        sources[number] = sources[source.number] ?? source
    }

    mutating func note(_ number: UInt64, called address: SocketAddress) {
        guard called.count < Self.most else { return }
        called[number] = address
    }

    mutating func note(_ number: UInt64, served address: SocketAddress) {
        guard served.count < Self.most else { return }
        served[number] = address
    }

    mutating func note(_ number: UInt64, joined subflow: MultipathSubflow) {
        guard subflows.count < Self.most else { return }
        subflows[number] = subflow
    }

    /// Whether it is known of any connection what its client called.
    var knowsCalled: Bool { !called.isEmpty }

    /// A connection has its number now: before, only what its client called is known of it.
    mutating func renumber(_ provisional: UInt64, to number: UInt64) {
        if let address = called.removeValue(forKey: provisional) { called[number] = address }
    }

    mutating func forget(_ number: UInt64) {
        if !sources.isEmpty { sources[number] = nil }
        if !called.isEmpty { called[number] = nil }
        if !served.isEmpty { served[number] = nil }
        if !subflows.isEmpty { subflows[number] = nil }
    }
}
