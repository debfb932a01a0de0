// The names of states in arguments and messages.

import ArgumentParser
import TCPModel

extension TCPState {
    /// The states that a user can name: `unseen` is not a TCP state.
    static let named = allCases.filter { $0 != .unseen }

    /// The states named by the values of `--state`, each of which is a name or several separated by commas; throws a
    /// usage error that lists all states.
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
