// `--fail-on`: the findings that made the exit code 3, which a table or a packet count does not show.

import TCPModel
import TCPTimeline

/// The findings named by `--fail-on`; the first of them as sentences, in the order in which their connections ended.
struct UnwantedFindings: Sendable {
    /// Findings to list one by one.
    static let most = 10

    private let codes: Set<FindingCode>
    private var told: [(place: UInt64, sentence: String)] = []
    private var count: UInt64 = 0
    /// The sort key of findings noted next; parts of a replay advance it.
    var place: UInt64 = 0

    init(_ codes: Set<FindingCode>) { self.codes = codes }

    /// Whether `--fail-on` names this kind of finding.
    func wants(_ code: FindingCode) -> Bool { codes.contains(code) }

    /// Takes in any finding; only the unwanted ones are noted.
    mutating func note(_ finding: Finding, _ connection: ConnectionName) {
        guard codes.contains(finding.code) else { return }
        count += 1
        guard told.count < Self.most else { return }
        let tuple = connection.tuple
        told.append(
            (
                place,
                "\(finding.code.rawValue): connection \(connection.number), \(tuple.source) > \(tuple.destination): "
                    + printable(finding.message)
            ))
    }

    /// Merges the notes of a part of the replay.
    mutating func add(_ part: UnwantedFindings) {
        count += part.count
        told = Array((told + part.told).sorted { $0.place < $1.place }.prefix(Self.most))
    }

    /// One line for each, and how many more there are.
    var sentences: [String] {
        let rest = count - UInt64(told.count)
        return told.map(\.sentence)
            + (rest > 0 ? ["and \(counted(rest, "finding")) more of --fail-on"] : [])
    }
}
