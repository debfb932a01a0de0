// Locates the captures that other projects use for their own tests.

import Foundation

/// The corpus of captures. Tests that need it are skipped if it is absent.
public enum Corpus {
    /// The path of its folder: TCPTRACE_CORPUS, or else `../shared/corpus` relative to
    /// the package; nil if it does not exist.
    public static let path: String? = {
        var package = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { package.deleteLastPathComponent() }
        let path =
            ProcessInfo.processInfo.environment["TCPTRACE_CORPUS"]
            ?? package.appendingPathComponent("../shared/corpus").standardized.path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()
}
