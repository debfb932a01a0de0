// Simulated connections in rarer situations: forged segments, offload, Fast Open, late copies, and captures with large
// gaps.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import Simulator

@Suite("Simulated connections in rare situations") struct SituationTests {
    /// The same networks as in ConductTests, except for the worst.
    private static let networks = [
        SimulatedNetwork(), SimulatedNetwork(lossBehind: 8), SimulatedNetwork(jitter: 20_000),
        SimulatedNetwork(lossBefore: 8), SimulatedNetwork(lossBefore: 5, lossBehind: 5, jitter: 20_000),
    ]

    /// The conduct of both endpoints, what is compared, and how many of a hundred connections may differ in each
    /// network. Most differ because a last RST or ACK is lost behind the capture, or because the order of two FINs is
    /// unknown. Nil means that nothing is compared.
    struct Situation: CustomTestStringConvertible {
        let testDescription: String
        let conduct: SimulatedConduct
        var compared: Simulation.Comparison = .all
        let unknowable: [Int?]
    }

    private static let usual: SimulatedConduct = [.options, .windows, .halfClose]
    private static let situations = [
        Situation(
            testDescription: "E5: windows shrink", conduct: [.shrinking, .options, .repacking],
            unknowable: [0, 2, 1, 1, 3]),
        // A forged RST with the exact number is taken for real unless its supposed sender disproves it. A forged SYN
        // just after the end of a connection opens another one.
        Situation(
            testDescription: "E14 to E16, H37: forged RSTs and SYNs", conduct: usual.union(.forgery),
            unknowable: [1, 5, 2, 2, 4]),
        Situation(
            testDescription: "X8: large segments, cut behind the capture",
            conduct: .all.subtracting(.reuse).union(.offload), unknowable: [0, 2, 1, 3, 6]),
        // Most have no error. If a request is forgotten, its next answer has another sequence number.
        Situation(
            testDescription: "H4, E20: ICMP errors", conduct: usual.union([.errors, .repacking]),
            compared: [.states, .octets], unknowable: [0, 1, 1, 1, 2]),
        Situation(testDescription: "E19: urgent text", conduct: usual.union(.urgent), unknowable: [0, 1, 1, 1, 2]),
        Situation(
            testDescription: "H24 to H27: text in SYNs", conduct: usual.union([.fastOpen, .resets, .repacking]),
            unknowable: [0, 3, nil, 2, nil]),
        // If text overtakes the SYN-ACK, its numbers are unknown (see Limits).
        Situation(
            testDescription: "H24 to H27: states", conduct: usual.union([.fastOpen, .resets, .repacking]),
            compared: .states, unknowable: [0, 3, 1, 2, 3]),
        // With TCP_DEFER_ACCEPT, the capture does not show whether an ACK that was captured also arrived and counted.
        Situation(
            testDescription: "H20, H28: servers that keep nothing of a SYN, or wait for text",
            conduct: usual.union([.lazyServers, .repacking]), compared: [.states, .octets],
            unknowable: [0, 2, 2, 1, 3]),
    ]

    private static func check(
        _ seeds: Range<UInt64>, unknowable: Int, _ wanted: Simulation.Comparison = .all,
        _ make: (UInt64) -> Simulation
    ) {
        var compared = 0
        var others: [String] = []
        for seed in seeds {
            let simulation = make(seed)
            guard !simulation.gaveUp, !simulation.captured.isEmpty else { continue }
            compared += 1
            let differences = simulation.differences(wanted)
            if !differences.isEmpty { others.append("seed \(seed): \(differences.joined(separator: ", "))") }
        }
        #expect(compared > seeds.count * 4 / 5)
        #expect(others.count <= (compared * unknowable + 99) / 100, "\(others.joined(separator: "; "))")
    }

    @Test(arguments: situations, networks.indices)
    func states(_ situation: Situation, network: Int) {
        guard let unknowable = situation.unknowable[network] else { return }
        Self.check(0..<100, unknowable: unknowable, situation.compared) {
            Simulation(seed: $0, Self.networks[network], conduct: situation.conduct)
        }
    }

    @Test("a capture on a host knows that host's states", arguments: networks.indices)
    func onTheHost(network: Int) {
        var network = Self.networks[network]
        network.isAtClient = true
        let rest: SimulatedConduct = [.fastOpen, .lazyServers, .offload, .repacking, .simultaneousClose]
        for conduct in [.all, Self.usual.union(rest)] {
            Self.check(0..<100, unknowable: 0, .clientStates) { Simulation(seed: $0, network, conduct: conduct) }
        }
    }

    @Test("E12: transfers of more than half of the sequence space", arguments: [0, 2])
    func huge(network: Int) {
        Self.check(0..<60, unknowable: 0) {
            Simulation(seed: $0, Self.networks[network], conduct: [.huge, .options, .keepAlives])
        }
    }

    /// A SYN that arrives again after the end of its connection begins another one here, as it does at its server.
    @Test(
        "H19b: copies that come late, into the next connection too",
        arguments: [(50_000, 1), (1_000_000, 4), (20_000_000, 6)])
    func lateCopies(delay: Int64, unknowable: Int) {
        let network = SimulatedNetwork(duplicated: 5, duplicateDelay: delay)
        Self.check(0..<300, unknowable: unknowable, [.states, .octets]) {
            Simulation(seed: $0, network, conduct: .all)
        }
    }

    /// Ways of capturing, and how many of a hundred connections may differ from the truth.
    private static let ways: [(way: SimulatedCapture, compared: Simulation.Comparison, unknowable: Int)] = [
        // Without the opening, only states are compared.
        (.begins(after: 1), .states, 0), (.begins(after: 2), .states, 0), (.begins(after: 3), .states, 0),
        // A FIN that was not captured looks like an octet of text.
        (.missing(1, sparing: 6), .states, 1), (.missing(5, sparing: 6), .states, 2),
        // One direction is written before the other.
        (.queues(every: 100), .all, 0), (.queues(every: 2000), .all, 0), (.queues(every: 8000), .all, 0),
        // Without the window scale, it is unknown whether a SYN lies in the window.
        (.withoutOptions, .all, 1), (.joining(within: 100), .all, 0),
    ]

    @Test(arguments: ways.indices)
    func captures(index: Int) {
        let (way, compared, unknowable) = Self.ways[index]
        let conduct: SimulatedConduct = compared == .states ? .all.subtracting(.reuse) : .all
        Self.check(0..<200, unknowable: unknowable, compared) {
            Simulation(seed: $0, SimulatedNetwork(), conduct: conduct).captured(way, seed: $0)
        }
    }

    @Test("X12: options that are cut off make no anomalies")
    func optionsCutOff() {
        for seed in UInt64(0)..<100 {
            let simulation = Simulation(seed: seed, Self.networks[4], conduct: [.options, .windows])
            let events = simulation.captured(.withoutOptions, seed: seed).play().events
            #expect(!events.contains { $0.anomalies.contains(.beyondWindow) }, "seed \(seed)")
        }
    }

    @Test("X5, X6: of a capture of one side its octets and retransmissions are known", arguments: 0..<2)
    func oneSided(end: Int) {
        for seed in UInt64(0)..<100 {
            let both = Simulation(seed: seed, Self.networks[3], conduct: .all.subtracting([.reuse, .simultaneousOpen]))
            let play = both.captured(.only(end: end), seed: seed).play()
            guard let first = play.events.first, let truth = SimulatedTruth.connections(both).first else { continue }
            let side = first.sender
            #expect(play.count == 1, "seed \(seed)")
            let counters = play.connection.counters[Int(side.rawValue)]
            #expect(counters.retransmissions == truth.sides[end].retransmissions, "seed \(seed)")
            // No end of the connection is invented.
            let hasEnd = truth.ending != .open || truth.sides.contains { $0.hasFin || $0.abort != nil }
            if !hasEnd { #expect(play.connection.endpoint(side).state == truth.sides[end].state, "seed \(seed)") }
        }
    }

    @Test("X1: frames that were captured twice count once", arguments: [true, false])
    func twice(hasIdentification: Bool) {
        for seed in UInt64(0)..<60 {
            let simulation = Simulation(seed: seed, Self.networks[4], conduct: .all)
            let play = simulation.play()
            var timeline = Timeline(seed: 1)
            var frames: [(time: Timestamp, interface: UInt16, segment: Segment)] = []
            for event in play.events {
                var segment = event.segment
                if !hasIdentification { segment.ipIdentification = 0 }
                frames.append((event.time, 1, segment))
                frames.append((event.time.advanced(by: 3000), 2, segment))
            }
            frames.sort { ($0.time, $0.interface) < ($1.time, $1.interface) }
            var copies = 0
            for (index, frame) in frames.enumerated() {
                let event = timeline.observeOnce(
                    frame.segment, time: frame.time, frame: UInt64(index + 1), interface: frame.interface,
                    vantage: UInt32(frame.interface))
                if event.originalFrame != 0 { copies += 1 }
            }
            #expect(copies == play.events.count, "seed \(seed)")
            for id in play.events.filter({ $0.isFirst }).map({ $0.connection }) {
                let (here, there) = (timeline[id], play.timeline[id])
                #expect(here.originator == there.originator && here.responder == there.responder, "seed \(seed)")
                for side in 0..<2 {
                    let (own, other) = (here.counters[side], there.counters[side])
                    #expect(own.uniqueBytes == other.uniqueBytes && own.packets == other.packets, "seed \(seed)")
                }
            }
        }
    }
}
