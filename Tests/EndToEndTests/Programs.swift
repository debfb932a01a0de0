// Starts the built tcptrace, and Python peers on loopback; every wait is bounded, and every process is ended.

import Foundation
import Testing

/// A temporary directory, removed with the test.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/tcptrace-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    func write(_ bytes: [UInt8], as name: String) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }
}

/// The result of a program.
struct Outcome: Sendable {
    var code: Int32
    var output: [UInt8]
    var errors: String

    var text: String { String(decoding: output, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
}

/// A running program whose output goes to files; it is ended when the test releases it.
final class Program {
    private let process = Process()
    private let scratch: Scratch
    private let outPath: String
    private let errPath: String

    /// The directory of the built programs: beside the test bundle.
    static let products: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        for start in [CommandLine.arguments[0], own, Bundle.main.bundlePath] {
            var directory = URL(fileURLWithPath: start)
            while directory.path != "/" {
                directory.deleteLastPathComponent()
                if FileManager.default.isExecutableFile(atPath: directory.path + "/tcptrace") { return directory.path }
            }
        }
        return FileManager.default.currentDirectoryPath + "/.build/debug"
    }()

    static var tcptrace: String { products + "/tcptrace" }

    /// The path of one of the scripts that make traffic.
    static func traffic(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Traffic/" + name
    }

    /// Starts a program by path, in a pinned environment.
    init(_ path: String, _ arguments: [String], input: String? = nil) throws {
        scratch = try Scratch()
        outPath = scratch.file("out")
        errPath = scratch.file("err")
        for file in [outPath, errPath] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C",
            "HOME": "/nonexistent",
        ]
        process.standardOutput = FileHandle(forWritingAtPath: outPath)
        process.standardError = FileHandle(forWritingAtPath: errPath)
        process.standardInput = FileHandle(forReadingAtPath: input ?? "/dev/null")
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    var pid: Int32 { process.processIdentifier }
    var hasEnded: Bool { !process.isRunning }
    var output: String {
        String(decoding: (try? Data(contentsOf: URL(fileURLWithPath: outPath))) ?? Data(), as: UTF8.self)
    }
    var errors: String {
        String(decoding: (try? Data(contentsOf: URL(fileURLWithPath: errPath))) ?? Data(), as: UTF8.self)
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Waits for the end, for a limited time.
    func end(within seconds: Double = 30) throws -> Outcome {
        try #require(wait(seconds) { !process.isRunning }, "it does not end; \(errors)")
        let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
        let bytes = (try? Data(contentsOf: URL(fileURLWithPath: outPath))) ?? Data()
        return Outcome(code: code, output: Array(bytes), errors: errors)
    }

    /// Waits until the output or the errors contain a text.
    func say(_ text: String, _ seconds: Double = 15) throws {
        try #require(
            wait(seconds) { output.contains(text) || errors.contains(text) }, "no \(text) in \(output) \(errors)")
    }
}

/// Waits until a condition holds; false on timeout.
func wait(_ seconds: Double, _ condition: () -> Bool) -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while !condition() {
        if Date() > deadline { return false }
        usleep(5000)
    }
    return true
}

/// Runs the built tcptrace to its end.
func tcptrace(_ arguments: String..., input: String? = nil) throws -> Outcome {
    try Program(Program.tcptrace, arguments, input: input).end()
}

/// Runs a shell line, with the path of tcptrace as `$T`.
func shell(_ line: String, _ arguments: String...) throws -> Outcome {
    try Program("/bin/bash", ["-c", "T=$0; \(line)", Program.tcptrace] + arguments).end()
}

/// Runs a Python program. The test's threads block signals, and children inherit that, so the signal mask is cleared
/// first. Output is written line by line: unbuffered Python writes word by word, which would mix the lines of several
/// processes.
func python(_ program: String, _ arguments: String...) throws -> Program {
    let start = """
        import builtins, os, signal
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        def print(*words, end='\\n', file=None, flush=True):
            if file is not None: return builtins.print(*words, end=end, file=file)
            os.write(1, (' '.join(str(w) for w in words) + end).encode())

        """
    return try Program("/usr/bin/env", ["python3", "-u", "-c", start + program] + arguments)
}

/// A live trace of one port on lo, returned once it listens.
func trace(port: Int, _ arguments: String...) throws -> Program { try trace(port: port, arguments) }

func trace(port: Int, _ arguments: [String]) throws -> Program {
    let program = try Program(Program.tcptrace, ["-i", "lo"] + arguments + ["tcp port \(port)"])
    try program.say("listening on lo")
    return program
}

let isRoot = geteuid() == 0

/// An unused port of 127.0.0.1: the kernel chose it for a bind to port 0, and it was released.
func freePort() throws -> Int {
    let program = try python("import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])")
    let text = try program.end().text
    return try #require(Int(text.split(separator: "\n").first ?? ""))
}

/// The NDJSON records with this `_path`.
func records(_ outcome: Outcome, _ path: String) throws -> [[String: Any]] {
    try outcome.text.split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
    }.filter { $0["_path"] as? String == path }
}
