// Simulated connections with windows, RSTs, options, keep-alives, half-closes and reused four-tuples.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import Simulator

@Suite("Simulated connections in all sorts of situations") struct ConductTests {
    /// Compares connections with these seeds. At most `unknowable` of a hundred may differ from the truth.
    private func compare(
        _ seeds: Range<UInt64>, _ network: SimulatedNetwork, _ conduct: SimulatedConduct, unknowable: Int
    ) {
        var compared = 0
        var others: [String] = []
        for seed in seeds {
            let simulation = Simulation(seed: seed, network, conduct: conduct)
            guard !simulation.gaveUp, !simulation.captured.isEmpty else { continue }
            compared += 1
            let differences = simulation.differences()
            if !differences.isEmpty { others.append("seed \(seed): \(differences.joined(separator: ", "))") }
        }
        #expect(compared > seeds.count * 9 / 10)
        #expect(others.count <= compared * unknowable / 100, "\(others.joined(separator: "; "))")
    }

    @Test("where nothing gets lost, all is known", arguments: 0..<9)
    func lossless(_ bit: UInt32) {
        compare(0..<100, SimulatedNetwork(), SimulatedConduct(rawValue: 1 << bit), unknowable: 0)
    }

    /// Networks, and how many of a hundred connections may differ from the truth, for the reasons given in Limits.
    private static let networks: [(network: SimulatedNetwork, unknowable: Int)] = [
        (SimulatedNetwork(), 0), (SimulatedNetwork(lossBehind: 8), 3), (SimulatedNetwork(jitter: 20_000), 1),
        (SimulatedNetwork(lossBefore: 8), 1), (SimulatedNetwork(lossBefore: 5, lossBehind: 5, jitter: 20_000), 3),
        (SimulatedNetwork(lossBefore: 15, lossBehind: 15, jitter: 2000), 7),
    ]

    @Test(arguments: networks.indices)
    func allAtOnce(index: Int) {
        compare(0..<300, Self.networks[index].network, .all, unknowable: Self.networks[index].unknowable)
    }
}

extension ConductTests {
    @Test("octets that the capture does not have are counted, if it has SYNs and FINs", arguments: [3, 10])
    func framesMissing(_ notCaptured: UInt32) {
        var compared = 0
        var others: [String] = []
        for seed in UInt64(0)..<250 {
            let simulation = Simulation(seed: seed, SimulatedNetwork(notCaptured: notCaptured), conduct: [])
            guard simulation.hasEveryControl else { continue }
            compared += 1
            let differences = simulation.differences([.octets, .retransmissions])
            if !differences.isEmpty { others.append("seed \(seed): \(differences.joined(separator: ", "))") }
        }
        #expect(compared > 150 && others.isEmpty, "\(others.joined(separator: "; "))")
    }

    @Test("the fast paths make the same of a capture", arguments: networks.indices)
    func shortWays(index: Int) {
        for seed in UInt64(0)..<40 {
            let simulation = Simulation(seed: seed, Self.networks[index].network, conduct: .all)
            let play = simulation.play()
            var timeline = Timeline(seed: 1)
            for event in play.events {
                let other = timeline.observeOnce(event.segment, time: event.time, frame: event.frame, vantage: 0)
                #expect(other.sent == event.sent && other.arrived == event.arrived, "seed \(seed)")
                #expect(other.notes == event.notes && other.ended == event.ended, "seed \(seed)")
            }
            for id in play.events.filter({ $0.isFirst }).map({ $0.connection }) {
                let (here, there) = (timeline[id], play.timeline[id])
                #expect(here.originator == there.originator && here.responder == there.responder, "seed \(seed)")
                #expect(here.historyText == there.historyText && here.facts == there.facts, "seed \(seed)")
                for side in 0..<2 {
                    let (own, other) = (here.counters[side], there.counters[side])
                    #expect(own.uniqueBytes == other.uniqueBytes && own.packets == other.packets, "seed \(seed)")
                }
            }
        }
    }
}
