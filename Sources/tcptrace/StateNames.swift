// The names of states, as arguments have them and as messages list them.

import ArgumentParser
import TCPModel

extension TCPState {
    /// Those that a user can ask for: what was not seen yet is no state.
    static let named = allCases.filter { $0 != .unseen }

    /// The states that the values of `--state` name, each of them one or several with commas between; or a usage error that lists what
    /// there is.
    static func states(namedIn values: [String]) throws -> [TCPState] {
        try values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map { name in
            guard let state = TCPState(named: String(name)) else {
                let all = named.map { "\($0.displayName)" }.joined(separator: ", ")
                throw ValidationError("--state \(name): there is no such state; there are \(all)")
            }
            return state
        }
    }
}
