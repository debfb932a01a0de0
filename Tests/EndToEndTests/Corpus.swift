// What is known of the captures that other projects test themselves with.

import CaptureBuilding
import Foundation

extension Corpus {
    /// Lines of tab-separated values under a line of names.
    static func table(_ name: String) throws -> [[String: String]] {
        let text = try String(contentsOfFile: (path ?? "") + "/" + name, encoding: .utf8)
        let lines = text.split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
        guard let names = lines.first else { return [] }
        return lines.dropFirst().map { Dictionary(zip(names, $0)) { first, _ in first } }
    }
}
