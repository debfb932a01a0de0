// `tcptrace lab` as its user runs it: the whole tour, Ctrl-C, a taken port, the list. Nothing may be left running.

import Foundation
import Testing

/// A running `tcptrace` (or a lab program) with its output in files; ended when the test lets go of it.
private final class Program {
    private let process = Process()
    private let folder: URL

    /// Where the programs are built: in a directory above the test bundle's or this runner's file.
    private static let products: String = {
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

    init(_ name: String, _ arguments: [String]) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        process.executableURL = URL(fileURLWithPath: Self.products + "/" + name)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        for stream in ["out", "err"] {
            _ = FileManager.default.createFile(atPath: folder.path + "/" + stream, contents: nil)
        }
        process.standardOutput = FileHandle(forWritingAtPath: folder.path + "/out")
        process.standardError = FileHandle(forWritingAtPath: folder.path + "/err")
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: folder)
    }

    var pid: Int32 { process.processIdentifier }
    var output: String { (try? String(contentsOf: folder.appendingPathComponent("out"), encoding: .utf8)) ?? "" }
    var errors: String { (try? String(contentsOf: folder.appendingPathComponent("err"), encoding: .utf8)) ?? "" }

    func signal(_ number: Int32) { kill(pid, number) }

    /// Waits for the end; the exit code, or minus the signal's number; nil if it does not end in time.
    func end(within seconds: Double) -> Int32? {
        guard soon(seconds, { !process.isRunning }) else { return nil }
        return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    }

    /// Waits until the output holds a text.
    func says(_ text: String) -> Bool { soon(15) { output.contains(text) } }
}

/// Waits until a condition holds, at most so long; whether it does.
private func soon(_ seconds: Double, _ condition: () -> Bool) -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while !condition() {
        if Date() > deadline { return false }
        usleep(10000)
    }
    return true
}

/// A port that nobody listens on, below the range of clients' ports.
private func freePort() -> Int {
    for _ in 0..<100 {
        let port = Int.random(in: 20000..<30000)
        let hexadecimal = String(format: ":%04X ", port)
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map { try? String(contentsOfFile: $0, encoding: .utf8) }
        if !tables.contains(where: { $0?.contains(hexadecimal) == true }) { return port }
    }
    return 9500
}

/// The pids of the lab programs that an output names, as `name[pid]` or `pid/name`.
private func labPrograms(in output: String) -> Set<String> {
    var pids: Set<String> = []
    for match in output.matches(of: /lab-(?:server|client)\[(\d+)\]/) { pids.insert(String(match.1)) }
    for match in output.matches(of: /(\d+)\/lab-(?:server|client)/) { pids.insert(String(match.1)) }
    return pids
}

/// Whether a lab program with this pid is there (and not only waiting to be reaped).
private func isLabProgram(_ pid: String) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return false }
    return status.hasPrefix("Name:\tlab-") && !status.contains("State:\tZ")
}

/// What each scenario must have shown, apart from what depends on the run.
private let expectations: [(scenario: String, texts: [String])] = [
    ("one-client", ["LISTEN", "ESTABLISHED", "TIME_WAIT", "The client closed first", "closed (SF) by client"]),
    (
        "fin",
        ["FIN_WAIT_2 (no process)", "CLOSE_WAIT", "belongs to nobody", "ended after SIGTERM", "is now TIME_WAIT"]
    ),
    ("two-clients", ["(not accepted)", "Recv-Q 22", "kernel: not accepted", "Its answer came"]),
    ("threaded", ["Both connections were accepted at once", "Both clients had their answers"]),
    ("refused", ["(no socket)", "refused (REJ)", "ECONNREFUSED", "Nothing is left behind"]),
    ("reset", ["reset (by client)", "RST,ACK", "ECONNRESET", "Both ends were gone at once"]),
]

private let isRoot = geteuid() == 0

@Suite(.serialized) struct LabTests {
    @Test(.enabled(if: isRoot, "capturing needs root")) func playsEveryScenario() throws {
        let began = Date()
        let tour = try Program("tcptrace", ["lab", "--port", "\(freePort())", "--width", "100"])
        #expect(tour.end(within: 60) == 0)
        #expect(Date().timeIntervalSince(began) < 40)
        #expect(tour.errors == "")
        let output = tour.output
        #expect(!output.contains("\u{1b}"), "colours in a file")
        for (index, expectation) in expectations.enumerated() {
            let start = try #require(output.range(of: "=== \(expectation.scenario) "), "\(expectation.scenario)")
            var part = output[start.lowerBound...]
            if index + 1 < expectations.count,
                let end = part.range(of: "=== \(expectations[index + 1].scenario) ")
            {
                part = part[..<end.lowerBound]
            }
            for text in expectation.texts {
                #expect(part.contains(text), "\(expectation.scenario) lacks \(text):\n\(part)")
            }
            #expect(!part.contains("Expected "), "\(expectation.scenario) was not as expected:\n\(part)")
            if expectation.scenario != "refused" {
                #expect(part.contains(/lab-client\[\d+\] +lab-server\[\d+\]/), "no names in the head:\n\(part)")
            }
        }
        let programs = labPrograms(in: output)
        #expect(programs.count == 13)
        #expect(programs.filter(isLabProgram) == [])
    }

    @Test(.enabled(if: isRoot, "capturing needs root")) func endsItsProgramsOnInterruption() throws {
        let tour = try Program("tcptrace", ["lab", "--port", "\(freePort())"])
        #expect(tour.says("Sockets during"))
        tour.signal(SIGINT)
        #expect(tour.end(within: 3) == 0)
        let programs = labPrograms(in: tour.output)
        #expect(programs.count == 2)
        #expect(programs.filter(isLabProgram) == [])
    }

    @Test(.enabled(if: isRoot, "capturing needs root")) func itsProgramsDieWithIt() throws {
        let tour = try Program("tcptrace", ["lab", "--port", "\(freePort())"])
        #expect(tour.says("Sockets during"))
        tour.signal(SIGKILL)
        #expect(tour.end(within: 3) == -SIGKILL)
        let programs = labPrograms(in: tour.output)
        #expect(soon(3) { programs.filter(isLabProgram).isEmpty })
    }

    @Test(.enabled(if: isRoot, "capturing needs root")) func savesCaptures() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-" + UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tour = try Program("tcptrace", ["lab", "refused", "--port", "\(freePort())", "--save", folder])
        #expect(tour.end(within: 20) == 0)
        let replay = try Program("tcptrace", ["-r", folder + "/refused.pcapng"])
        #expect(replay.end(within: 20) == 0)
        #expect(replay.output.contains("refused (REJ)"))
    }

    @Test func namesTheHolderOfATakenPort() throws {
        let port = freePort()
        let server = try Program("lab-server", ["--port", "\(port)"])
        #expect(server.says("listening on "))
        let tour = try Program("tcptrace", ["lab", "--port", "\(port)"])
        #expect(tour.end(within: 10) == 1)
        #expect(tour.output == "")
        #expect(tour.errors.contains("port \(port) is taken by lab-server[\(server.pid)]"))
        #expect(tour.errors.contains("tcptrace kill port \(port)") && tour.errors.contains("--port \(port + 1)"))
    }

    @Test func listsItsScenarios() throws {
        let list = try Program("tcptrace", ["lab", "--list"])
        #expect(list.end(within: 10) == 0)
        let names = list.output.split(separator: "\n").compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(names == expectations.map(\.scenario))
        let wrong = try Program("tcptrace", ["lab", "nonsense"])
        #expect(wrong.end(within: 10) == 64)
        #expect(wrong.errors.contains("two-clients"))
    }
}
