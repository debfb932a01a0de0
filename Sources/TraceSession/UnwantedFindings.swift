// `--fail-on`: which findings made the exit code 3. A table or a count of packets does not say it.

import TCPModel
import TCPTimeline

/// The findings that the user does not want: the first of them in words, in the order of their connections' ends.
struct UnwantedFindings: Sendable {
    /// How many are told one by one.
    static let most = 10

    private let codes: Set<FindingCode>
    private var told: [(place: UInt64, sentence: String)] = []
    private var count: UInt64 = 0
    /// What comes now is put in order by this: whoever notes findings in parts counts it up.
    var place: UInt64 = 0

    init(_ codes: Set<FindingCode>) { self.codes = codes }

    /// Whether a finding of this kind is one of them.
    func wants(_ code: FindingCode) -> Bool { codes.contains(code) }

    /// Takes in any finding.
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

    /// Takes over what a part has noted.
    mutating func add(_ part: UnwantedFindings) {
        count += part.count
        told = Array((told + part.told).sorted { $0.place < $1.place }.prefix(Self.most))
    }

    /// One line each, and how many more there are.
    var sentences: [String] {
        let rest = count - UInt64(told.count)
        return told.map(\.sentence)
            + (rest > 0 ? ["and \(counted(rest, "finding")) more of --fail-on"] : [])
    }
}
