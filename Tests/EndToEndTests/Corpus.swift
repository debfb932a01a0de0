// Captures that other projects test themselves with: where they are, and what is known of them.

import Foundation

/// The corpus; tests that need it are skipped where it is not.
enum Corpus {
    /// Where it is: TCPTRACE_CORPUS, or `../shared/corpus` seen from the package.
    static let path: String? = {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path =
            ProcessInfo.processInfo.environment["TCPTRACE_CORPUS"]
            ?? package.appendingPathComponent("../shared/corpus").standardized.path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

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
