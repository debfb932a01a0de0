// The kernel's view in a live trace: what it reads, and what happens after readings fail.

import Foundation
import TCPModel
import TCPTimeline
import Testing

@testable import KernelSockets
@testable import TraceSession

@Suite(.serialized) struct KernelWatcherTests {
    /// A reading fails as if memory or descriptors, which both sock_diag and /proc need, were short for a moment.
    @Test func aReadingThatFailedIsTriedAgain() throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("watcher-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        var watcher = KernelWatcher(
            usesProcesses: false, filter: "port 1", tables: SocketTables(procOnly: root.path))
        let timeline = Timeline(seed: 1)
        func isDue(_ now: Int64) -> Bool { watcher.isDue(now, hasNewStates: true, timeline) }
        let start = monotonicNow()
        #expect(isDue(start))
        watcher.read(timeline, hasNewStates: true)
        #expect(watcher.hasFailed)
        #expect(watcher.complaintOfReading()?.hasPrefix("the kernel's view is missing: ") == true)
        #expect(!isDue(monotonicNow()))
        #expect(watcher.isReadingFarOff(monotonicNow()), "reports do not wait for it")
        #expect(isDue(start + 2 * Span.second))
        watcher.read(timeline, hasNewStates: true)
        #expect(watcher.complaintOfReading() == nil, "said once")
        #expect(!isDue(start + 2 * Span.second), "a longer pause")

        try FileManager.default.createDirectory(
            at: root.appendingPathComponent("net"), withIntermediateDirectories: true)
        try Data("  sl  local_address rem_address   st\n".utf8).write(to: root.appendingPathComponent("net/tcp"))
        watcher.read(timeline, hasNewStates: true)
        #expect(!watcher.hasFailed && watcher.complaintOfReading() == nil)
    }

    /// With `--no-process` no process name is read, and no event has one.
    @Test(.enabled(if: geteuid() == 0), arguments: [true, false])
    func whoActedIsLookedUpOnlyWhereItIsAsked(usesProcesses: Bool) throws {
        let trace = KernelTrace(filter: "port 1", usesProcesses: usesProcesses)
        try #require(trace.isRunning)
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(1).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        // No process listens there. `address` has the size that the call passes.
        let refused = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe connect(socket, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(refused == -1)
        usleep(100_000)
        trace.collect()
        var events: [SocketEvent] = []
        trace.read(into: &events)
        let own = events.filter { $0.isProcessContext && $0.pid == getpid() }
        #expect(!own.isEmpty)
        #expect(own.allSatisfy { ($0.process != nil) == usesProcesses })
    }
}
