// The repository as these tests see it: source files, pages, and the help of the built programs.

import Foundation
import Testing

/// A text file of the repository.
struct TextFile {
    /// Its path relative to the repository.
    let path: String
    /// Its lines, without line endings.
    let lines: [Substring]
    /// The target that contains the file: the folder below Sources.
    var module: String { String(path.split(separator: "/")[1]) }
}

enum Repository {
    /// The root folder of the repository, two levels above this file's folder.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Every file below Sources with one of these extensions, sorted by path.
    static func sources(_ endings: Set<String>) throws -> [TextFile] { try files(below: "Sources", endings) }

    /// Every file below a folder of the root with one of these extensions, sorted by path.
    static func files(below top: String, _ endings: Set<String>) throws -> [TextFile] {
        let folder = root.appendingPathComponent(top).path
        let names = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
        let files = try names.filter { endings.contains(($0 as NSString).pathExtension) }.sorted().map {
            TextFile(
                path: "\(top)/\($0)",
                lines: try text("\(top)/\($0)").split(separator: "\n", omittingEmptySubsequences: false))
        }
        try #require(!files.isEmpty, "no files below \(folder)")
        return files
    }

    /// The folder of the built programs, next to the test bundle.
    private static let products: URL? = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        for start in [CommandLine.arguments[0], own, Bundle.main.bundlePath] {
            var directory = URL(fileURLWithPath: start)
            while directory.path != "/" {
                directory.deleteLastPathComponent()
                let program = directory.appendingPathComponent("tcptrace").path
                // The source folder has the same name, so only a regular file counts.
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

    /// The output of a program that runs with these arguments.
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
