// Compares the tool's results for a simulated connection's capture with the truth.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline

@testable import Simulator

extension Simulation {
    /// The results to compare.
    struct Comparison: OptionSet {
        let rawValue: UInt8
        static let states = Comparison(rawValue: 1)
        static let octets = Comparison(rawValue: 2)
        static let retransmissions = Comparison(rawValue: 4)
        /// The states of the client only.
        static let clientStates = Comparison(rawValue: 8)
        static let all: Comparison = [.states, .octets, .retransmissions]
    }

    /// The differences from the truth, one per line.
    func differences(_ wanted: Comparison = .all) -> [String] {
        let play = play()
        let truths = SimulatedTruth.connections(self)
        guard play.count == truths.count else { return ["\(play.count) connections, really \(truths.count)"] }
        let found = play.events.filter { $0.isFirst }.map { play.timeline[$0.connection] }
        var differences: [String] = []
        for (index, (connection, truth)) in zip(found, truths).enumerated() {
            func compare(_ what: String, _ found: some Equatable, _ real: some Equatable) {
                if "\(found)" != "\(real)" { differences.append("\(index) \(what): \(found), really \(real)") }
            }
            if wanted.contains(.octets) { compare("missed", connection.missedBytes, truth.missedOctets) }
            for end in 0..<2 {
                let side = (end == 0) == (connection.tuple.source == play.client) ? Side.originator : .responder
                let counters = connection.counters[Int(side.rawValue)]
                if wanted.contains(.octets) { compare("octets", counters.uniqueBytes, truth.sides[end].octets) }
                if wanted.contains(.retransmissions) {
                    compare("retransmissions", counters.retransmissions, truth.sides[end].retransmissions)
                }
                // Only the latest connection is certain to be finished, and nothing in a capture reveals a crash.
                guard wanted.contains(.states) || wanted.contains(.clientStates) && end == 0, index == truths.count - 1,
                    truth.sides[end].abort != .silent,
                    !truth.sides[end].isSlandered
                else { continue }
                compare("state", connection.endpoint(side).state.isNone, truth.sides[end].state.isNone)
                if !truth.sides[end].state.isNone {
                    compare("state", connection.endpoint(side).state, truth.sides[end].state)
                }
            }
            if wanted.contains(.states) && index == truths.count - 1 && truth.ending != .doubtful {
                // A connection whose SYN was not captured is called partial.
                let found = connection.outcome == .partial ? .open : connection.outcome
                compare("outcome", found, truth.ending)
            }
        }
        return differences
    }
}

extension TCPState {
    /// Whether there is no connection: the state of a host that has no socket for it, or only a listener.
    fileprivate var isNone: Bool { self == .unseen || self == .closed || self == .listen }
}
