// The facts known about the corpus, the captures that other projects use in their own tests.

import CaptureBuilding
import Foundation

extension Corpus {
    /// The rows of a tab-separated table, keyed by the names in its first line.
    static func table(_ name: String) throws -> [[String: String]] {
        let text = try String(contentsOfFile: (path ?? "") + "/" + name, encoding: .utf8)
        let lines = text.split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        guard let names = lines.first else { return [] }
        return lines.dropFirst().map { Dictionary(zip(names, $0)) { first, _ in first } }
    }
}
