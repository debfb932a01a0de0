// Random connections over bad networks: the final states equal the real ones of both endpoints.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@testable import Simulator

@Suite("Simulated connections, whose states are known") struct SimulationTests {
    /// Networks, and how many of a hundred connections may end in other states than the real ones. If segments are lost
    /// or overtaken before the capture, the order in which both sides closed may leave no trace in it.
    private static let networks: [(network: SimulatedNetwork, unknowable: Int)] = [
        (SimulatedNetwork(), 0), (SimulatedNetwork(lossBehind: 8), 0), (SimulatedNetwork(jitter: 20_000), 1),
        (SimulatedNetwork(lossBefore: 8), 1), (SimulatedNetwork(lossBefore: 5, lossBehind: 5, jitter: 20_000), 1),
        (SimulatedNetwork(lossBefore: 15, lossBehind: 15, jitter: 2000), 2),
    ]

    @Test(arguments: networks.indices, [false, true])
    func statesAndOctets(index: Int, isSimultaneous: Bool) {
        let (network, unknowable) = Self.networks[index]
        var compared = 0
        var others: [String] = []
        for seed in 0..<UInt64(400) {
            let simulation = Simulation(seed: seed, network, isSimultaneous: isSimultaneous)
            guard !simulation.gaveUp, !simulation.captured.isEmpty else { continue }
            compared += 1
            let play = simulation.play()
            let connection = play.connection
            #expect(play.count == 1 && connection.missedBytes == 0, "seed \(seed)")
            for end in 0..<2 {
                let side = (end == 0) == (connection.tuple.source == play.client) ? Side.originator : .responder
                let truth = simulation.ends[end]
                #expect(connection.counters[Int(side.rawValue)].uniqueBytes == UInt64(truth.sent), "seed \(seed)")
                let state = connection.endpoint(side).state
                if state != truth.state { others.append("seed \(seed): \(state), really \(truth.state)") }
            }
        }
        #expect(compared > 300)
        #expect(others.count <= compared * unknowable / 100, "\(others.joined(separator: "; "))")
    }
}
