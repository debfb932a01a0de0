// The repository as the tests of its form see it: source files, pages, and the built programs' help.

import Foundation
import Testing

/// A text file of the repository.
struct TextFile {
    /// Its path below the repository.
    let path: String
    /// Its lines, without line ends.
    let lines: [Substring]
    /// The target that it is in: the folder below Sources.
    var module: String { String(path.split(separator: "/")[1]) }
}

enum Repository {
    /// The repository's folder: two above this file's.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Every file below Sources with one of these endings, in the order of paths.
    static func sources(_ endings: Set<String>) throws -> [TextFile] {
        let folder = root.appendingPathComponent("Sources").path
        let names = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
        let files = try names.filter { endings.contains(($0 as NSString).pathExtension) }.sorted().map {
            TextFile(
                path: "Sources/\($0)",
                lines: try text("Sources/\($0)").split(separator: "\n", omittingEmptySubsequences: false))
        }
        try #require(!files.isEmpty, "no files below \(folder)")
        return files
    }

    /// Where the programs are built: beside the test bundle.
    private static let products: URL? = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        for start in [CommandLine.arguments[0], own, Bundle.main.bundlePath] {
            var directory = URL(fileURLWithPath: start)
            while directory.path != "/" {
                directory.deleteLastPathComponent()
                let program = directory.appendingPathComponent("tcptrace").path
                // The folder of the sources has the same name.
                if FileManager.default.isExecutableFile(atPath: program),
                    (try? directory.appendingPathComponent("tcptrace").resourceValues(forKeys: [.isRegularFileKey]))?
                        .isRegularFile == true
                {
                    return directory
                }
            }
        }
        return nil
    }()

    /// What a program prints with these arguments.
    static func output(_ program: String, _ arguments: [String]) throws -> String {
        let folder = try #require(products, "the built programs were not found")
        let process = Process()
        let pipe = Pipe()
        process.executableURL = folder.appendingPathComponent(program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(program) \(arguments) failed")
        return String(decoding: data, as: UTF8.self)
    }
}
