// The traced command does not run before the trace is ready.

import Foundation
import Testing

@testable import TraceSession

@Suite struct TracedCommandStartTests {
    private static func scratch() -> String { NSTemporaryDirectory() + "/command-" + UUID().uuidString }

    private static func status(of pid: Int32) -> Int32 {
        var status: Int32 = -1
        // waitpid(2) stores the status in the number that is passed.
        _ = unsafe waitpid(pid, &status, 0)
        return status
    }

    /// If dropping privileges fails, or the process cannot be watched, the command has not done anything yet.
    @Test func whatIsNotRunDoesNothing() throws {
        let file = Self.scratch()
        let plan = try PrivilegePlan.make(name: nil, kept: [])
        var pid: Int32 = 0
        do {
            let command = try TracedCommand(["touch", file], plan: plan)
            pid = command.pid
            usleep(200_000)
            #expect(kill(pid, 0) == 0)
        }
        #expect(kill(pid, 0) == -1 && errno == ESRCH, "neither there nor a zombie")
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    @Test func itRunsWhenItMay() throws {
        let file = Self.scratch()
        defer { try? FileManager.default.removeItem(atPath: file) }
        let plan = try PrivilegePlan.make(name: nil, kept: [])
        var command = try TracedCommand(["touch", file], plan: plan)
        try command.run()
        #expect(Self.status(of: command.pid) == 0)
        #expect(FileManager.default.fileExists(atPath: file))
    }

    @Test func whatCannotRunSaysSo() throws {
        let plan = try PrivilegePlan.make(name: nil, kept: [])
        var command = try TracedCommand(["/no/such/command"], plan: plan)
        #expect(throws: TraceError.self) { try command.run() }
        #expect(kill(command.pid, 0) == -1)
    }

    /// A signal that ends the process while it waits is the command's end, not a failure of the trace.
    @Test func aSignalMayComeBefore() throws {
        let file = Self.scratch()
        let plan = try PrivilegePlan.make(name: nil, kept: [])
        var command = try TracedCommand(["touch", file], plan: plan)
        kill(command.pid, SIGTERM)
        usleep(100_000)
        try command.run()
        #expect(Self.status(of: command.pid) == SIGTERM)
        #expect(!FileManager.default.fileExists(atPath: file))
    }
}
