// `--fail-on`: which findings made the exit code 3. A table or a count of packets does not say it.

import TCPModel
import TCPTimeline

/// The findings that the user does not want, as they were made: the first of them in words.
struct UnwantedFindings: Sendable {
    /// How many are told one by one.
    static let most = 10

    private let codes: Set<FindingCode>
    private var told: [String] = []
    private var count: UInt64 = 0

    init(_ codes: Set<FindingCode>) { self.codes = codes }

    /// Takes in any finding.
    mutating func note(_ finding: Finding, _ timeline: borrowing Timeline) {
        guard codes.contains(finding.code) else { return }
        count += 1
        guard told.count < Self.most else { return }
        let connection = timeline[finding.connection]
        let tuple = connection.tuple
        told.append(
            "\(finding.code.rawValue): connection \(connection.number), \(tuple.source) > \(tuple.destination): "
                + printable(finding.message))
    }

    /// One line each, and how many more there are.
    var sentences: [String] {
        let rest = count - UInt64(told.count)
        return told + (rest > 0 ? ["and \(rest) finding\(rest == 1 ? "" : "s") more of --fail-on"] : [])
    }
}
