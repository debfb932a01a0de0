// Which connections are others, seen behind a translation of addresses, or parts of others (MPTCP).

/// Which connections belong to others, by their numbers. Empty where there is neither NAT nor MPTCP in a capture.
struct ConnectionRelatives {
    /// Links of each kind that are kept, so that a flood of SYNs makes no heap of them.
    private static let most = 65_536
    /// From a connection to the one that it is the translation of.
    private var sources: [UInt64: ConnectionName] = [:]
    /// From a connection to the one that has the answer to its SYN.
    private var answers: [UInt64: ConnectionName] = [:]
    private var subflows: [UInt64: MultipathSubflow] = [:]

    func source(of number: UInt64) -> ConnectionName? { sources.isEmpty ? nil : sources[number] }

    func answer(to number: UInt64) -> ConnectionName? { answers.isEmpty ? nil : answers[number] }

    func subflow(_ number: UInt64) -> MultipathSubflow? { subflows.isEmpty ? nil : subflows[number] }

    mutating func note(_ number: UInt64, translationOf source: ConnectionName) {
        guard sources.count < Self.most else { return }
        // A third copy is linked to the first connection too.
        sources[number] = sources[source.number] ?? source
    }

    mutating func note(_ number: UInt64, answeredBy answer: ConnectionName) {
        guard answers.count < Self.most else { return }
        answers[number] = answer
    }

    mutating func note(_ number: UInt64, joined subflow: MultipathSubflow) {
        guard subflows.count < Self.most else { return }
        subflows[number] = subflow
    }

    mutating func forget(_ number: UInt64) {
        if !sources.isEmpty { sources[number] = nil }
        if !answers.isEmpty { answers[number] = nil }
        if !subflows.isEmpty { subflows[number] = nil }
    }
}
