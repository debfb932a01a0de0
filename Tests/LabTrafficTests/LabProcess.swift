// Runs the built programs (and Python and Java) from a test. Every wait is bounded, and every process is ended.

import Foundation
import Testing

/// A directory that is removed when the test ends.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/lab-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    func write(_ text: String, as name: String) throws -> String {
        try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
        return "\(path)/\(name)"
    }
}

/// A running program whose output goes to files. It is killed when the test releases it.
final class LabProcess {
    static let patience = 15.0

    private let process = Process()
    private let scratch: Scratch
    private let input = Pipe()
    private let outPath: String
    private let errPath: String

    /// The folder of the built programs, next to the test bundle.
    static let products: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        for start in [CommandLine.arguments[0], own, Bundle.main.bundlePath] {
            var directory = URL(fileURLWithPath: start)
            while directory.path != "/" {
                directory.deleteLastPathComponent()
                if FileManager.default.isExecutableFile(atPath: directory.path + "/lab-server") {
                    return directory.path
                }
            }
        }
        return FileManager.default.currentDirectoryPath + "/.build/debug"
    }()

    /// Starts a program by path. `input` is written to its standard input, which is then closed unless `keepsInput` is
    /// set.
    init(path: String, _ arguments: [String], input text: [UInt8] = [], keepsInput: Bool = false) throws {
        scratch = try Scratch()
        outPath = scratch.path + "/out"
        errPath = scratch.path + "/err"
        for file in [outPath, errPath] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardOutput = FileHandle(forWritingAtPath: outPath)
        process.standardError = FileHandle(forWritingAtPath: errPath)
        if keepsInput {
            process.standardInput = input
            try process.run()
            try input.fileHandleForWriting.write(contentsOf: Data(text))
        } else {
            let file = scratch.path + "/in"
            try Data(text).write(to: URL(fileURLWithPath: file))
            process.standardInput = FileHandle(forReadingAtPath: file)
            try process.run()
        }
    }

    /// A lab server on a free port, returned once it listens.
    static func server(_ arguments: [String] = []) throws -> (server: LabProcess, port: Int) {
        let server = try LabProcess(path: products + "/lab-server", ["--port", "0"] + arguments)
        let line = try server.line(beginning: "listening on ")
        let address = try #require(line.split(separator: " ").dropFirst(2).first)
        return (server, try #require(address.split(separator: ":").last.flatMap { Int($0) }))
    }

    /// A lab client with this text as its keyboard input.
    static func client(_ arguments: [String], _ text: String = "", keepsInput: Bool = false) throws -> LabProcess {
        try LabProcess(path: products + "/lab-client", arguments, input: Array(text.utf8), keepsInput: keepsInput)
    }

    /// Python running this program.
    static func python(_ program: String, _ arguments: String...) throws -> LabProcess {
        try LabProcess(path: "/usr/bin/env", ["python3", "-u", "-c", program] + arguments)
    }

    deinit {
        try? input.fileHandleForWriting.close()
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    var pid: Int32 { process.processIdentifier }
    var output: String { (try? String(contentsOfFile: outPath, encoding: .utf8)) ?? "" }
    var errors: String { (try? String(contentsOfFile: errPath, encoding: .utf8)) ?? "" }
    var lines: [String] { output.split(separator: "\n").map(String.init) }

    var hasEnded: Bool { !process.isRunning }

    /// The peak of its resident memory in kB; 0 after it has ended.
    var peakKilobytes: Int {
        let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }

    /// Types on the keyboard of a process started with `keepsInput`.
    func type(_ text: String) throws { try input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }

    /// Closes the keyboard input of a process started with `keepsInput`.
    func closeInput() throws { try input.fileHandleForWriting.close() }

    /// Kills the process now; the call also keeps it alive up to this point of the test.
    func stop() {
        signal(SIGKILL)
        process.waitUntilExit()
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Waits for a complete line that begins like this.
    @discardableResult
    func line(beginning start: String) throws -> String {
        var found: String?
        _ = wait {
            let text = output
            let whole = text[..<(text.lastIndex(of: "\n") ?? text.startIndex)]
            found = whole.split(separator: "\n").first { $0.hasPrefix(start) }.map(String.init)
            return found != nil
        }
        return try #require(found, "no line \(start)... in: \(output) \(errors)")
    }

    /// Waits for the process to end. Returns its exit code, or the negated signal number; nil if it does not end in
    /// time.
    func end() -> Int32? {
        guard wait({ !process.isRunning }) else { return nil }
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }
}

/// Waits until a condition holds; false if it does not hold in time.
func wait(_ condition: () -> Bool) -> Bool {
    let deadline = Date().addingTimeInterval(LabProcess.patience)
    while !condition() {
        if Date() > deadline { return false }
        usleep(10000)
    }
    return true
}

/// The kernel's state of the socket with these two ports: 01 ESTABLISHED, 05 FIN_WAIT2, 08 CLOSE_WAIT; nil if there is
/// none.
///
/// Both ports matter: a port that is free to listen on may still have a connection of an earlier test in TIME_WAIT.
func kernelState(from local: Int, to remote: Int) -> String? {
    kernelRow(from: local, to: remote).map { String($0[3]) }
}

/// The number of unread octets in the socket with these two ports.
func kernelReceiveQueue(from local: Int, to remote: Int) -> Int? {
    // `tx_queue:rx_queue`
    kernelRow(from: local, to: remote)?[4].split(separator: ":").last.flatMap { Int($0, radix: 16) }
}

/// The running timer of the socket with these two ports: 02 is the keep-alive timer, 00 none.
func kernelTimer(from local: Int, to remote: Int) -> String? {
    // `tr:tm->when`
    kernelRow(from: local, to: remote)?[5].split(separator: ":").first.map(String.init)
}

private func kernelRow(from local: Int, to remote: Int) -> [Substring]? {
    let table = readToEnd("/proc/net/tcp")
    func port(_ field: Substring) -> Int? { field.split(separator: ":").last.flatMap { Int($0, radix: 16) } }
    for row in table.split(separator: "\n").dropFirst() {
        let fields = row.split(separator: " ")
        if fields.count > 5, port(fields[1]) == local, port(fields[2]) == remote { return fields }
    }
    return nil
}

/// The number of sockets in SYN_SENT (02) towards this port.
func socketsConnecting(to port: Int) -> Int {
    readToEnd("/proc/net/tcp").split(separator: "\n").dropFirst().count { row in
        let fields = row.split(separator: " ")
        return fields.count > 3 && fields[3] == "02"
            && fields[2].split(separator: ":").last.flatMap { Int($0, radix: 16) } == port
    }
}

/// The whole of a procfs file. Its reads are short (a page at a time), and `String(contentsOfFile:)` mistakes that for
/// the end.
private func readToEnd(_ path: String) -> String {
    guard let file = FileHandle(forReadingAtPath: path) else { return "" }
    var text = Data()
    while let piece = try? file.read(upToCount: 4096), !piece.isEmpty { text += piece }
    return String(decoding: text, as: UTF8.self)
}
