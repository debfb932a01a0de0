// A generated text that a person has reviewed. Tests compare it with a file, which only RECORD_GOLDEN=1 rewrites.

import Foundation
import Testing

struct GoldenFile {
    var url: URL

    /// `path` is relative to the root of the repository.
    init(_ path: String) {
        url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent(path)
    }

    /// Fails if the file's text differs. With RECORD_GOLDEN=1 the file is rewritten before the test fails.
    func compare(_ text: String) throws {
        let old = try? String(contentsOf: url, encoding: .utf8)
        if old == text { return }
        if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
            try text.write(to: url, atomically: true, encoding: .utf8)
            Issue.record("\(url.lastPathComponent) was recorded: read the change, then run without RECORD_GOLDEN")
            return
        }
        let new = text.split(separator: "\n", omittingEmptySubsequences: false)
        let difference = new.difference(
            from: (old ?? "").split(separator: "\n", omittingEmptySubsequences: false))
        let changes = difference.prefix(20).map { change in
            switch change {
            case .remove(let offset, let line, _): "-\(offset + 1): \(line)"
            case .insert(let offset, let line, _): "+\(offset + 1): \(line)"
            }
        }
        Issue.record("\(url.lastPathComponent) differs:\n\(changes.joined(separator: "\n"))")
    }
}
