// Thousands of simulated connections: the findings about each match what happened to it.

import Testing

@testable import Simulator

@Suite("Findings of simulated connections, whose causes are known") struct FindingTruthTests {
    /// Networks, and how many of a hundred connections may have a finding too many or too few. If nothing is lost or
    /// overtaken, none may. Otherwise a RST, a FIN or an ACK that leaves no other trace may be lost behind the capture
    /// (a side that aborted seems to wait in CLOSE-WAIT, a RST seems to be ignored), or before it (an abort looks like
    /// a refusal or like a restarted host). And if a sender retransmits several segments after losses on both sides of
    /// the capture, some of them look needless.
    private static let networks: [(network: SimulatedNetwork, unknowable: Int)] = [
        (SimulatedNetwork(), 0), (SimulatedNetwork(lossBehind: 8), 1), (SimulatedNetwork(jitter: 20_000), 1),
        (SimulatedNetwork(lossBefore: 8), 1), (SimulatedNetwork(lossBefore: 5, lossBehind: 5, jitter: 20_000), 2),
        (SimulatedNetwork(lossBefore: 15, lossBehind: 15, jitter: 2000), 3), (SimulatedNetwork(notCaptured: 5), 2),
        (SimulatedNetwork(lossBehind: 4, delay: 500), 1),
    ]

    /// The conduct of both endpoints, by case.
    struct Situation: CustomTestStringConvertible {
        let testDescription: String
        let conduct: SimulatedConduct
        /// The networks in which it is not played.
        var excluded: Set<Int> = []
    }

    private static let base: SimulatedConduct = [.options, .windows, .halfClose]
    private static let most = SimulatedConduct.all.subtracting(.simultaneousOpen)
    private static let usualSituations = [
        Situation(testDescription: "E1, T1: no more than text and FINs", conduct: []),
        Situation(testDescription: "E6 to E9: timers as they should be", conduct: .timers),
        Situation(testDescription: "E6 to E9: with SACK and time stamps", conduct: [.timers, .options]),
        Situation(testDescription: "E4: windows", conduct: .windows),
        Situation(testDescription: "E5: windows that shrink", conduct: [.shrinking, .options]),
        Situation(testDescription: "H3, E13, T12 to T17: resets", conduct: .resets),
        Situation(testDescription: "E2, E3: keep-alives", conduct: .keepAlives),
        Situation(testDescription: "T5: half-closes", conduct: .halfClose),
        Situation(testDescription: "T4: simultaneous closes", conduct: .simultaneousClose),
        Situation(testDescription: "H12: simultaneous opens", conduct: .simultaneousOpen),
    ]
    private static let mixtures = [
        // If a capture lacks frames, it is unknown where one connection ends and the next begins.
        Situation(testDescription: "H18, H19, T24: ports used again", conduct: .reuse, excluded: [6]),
        Situation(testDescription: "all at once", conduct: most, excluded: [6]),
        Situation(testDescription: "all at once, and timers", conduct: most.union(.timers), excluded: [6]),
    ]
    private static let rareSituations = [
        Situation(testDescription: "E14 to E16, H37: forgeries", conduct: base.union(.forgery)),
        Situation(
            testDescription: "X8: large segments", conduct: most.subtracting(.reuse).union(.offload)),
        // The numbers of text that overtakes the SYN-ACK are unknown, and so are those after a server that forgets a
        // SYN with text.
        Situation(
            testDescription: "H24 to H27: text in SYNs", conduct: base.union([.fastOpen, .resets]),
            excluded: [1, 2, 4, 5, 6]),
        Situation(testDescription: "H20, H28: lazy servers", conduct: base.union(.lazyServers)),
        Situation(testDescription: "H4, E20: ICMP errors", conduct: base.union(.errors), excluded: [6]),
    ]

    @Test(arguments: usualSituations, networks.indices)
    func usual(_ situation: Situation, index: Int) { compare(situation, index) }

    @Test(arguments: mixtures, networks.indices)
    func mixture(_ situation: Situation, index: Int) { compare(situation, index) }

    @Test(arguments: rareSituations, networks.indices)
    func rare(_ situation: Situation, index: Int) { compare(situation, index) }

    private func compare(_ situation: Situation, _ index: Int) {
        guard !situation.excluded.contains(index) else { return }
        let (network, unknowable) = Self.networks[index]
        var compared = 0
        var others: [String] = []
        for seed in UInt64(0)..<40 {
            let simulation = Simulation(seed: seed, network, conduct: situation.conduct)
            guard !simulation.captured.isEmpty, let faults = simulation.findingFaults() else { continue }
            compared += 1
            if !faults.isEmpty { others.append("seed \(seed): \(faults.joined(separator: ", "))") }
        }
        #expect(compared >= 36)
        #expect(others.count <= (compared * unknowable + 99) / 100, "\(others.joined(separator: "; "))")
    }
}
