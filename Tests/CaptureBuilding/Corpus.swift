// Captures that other projects test themselves with: where they are.

import Foundation

/// The corpus; tests that need it are skipped where it is not.
public enum Corpus {
    /// Where it is: TCPTRACE_CORPUS, or `../shared/corpus` seen from the package.
    public static let path: String? = {
        var package = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { package.deleteLastPathComponent() }
        let path =
            ProcessInfo.processInfo.environment["TCPTRACE_CORPUS"]
            ?? package.appendingPathComponent("../shared/corpus").standardized.path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()
}
