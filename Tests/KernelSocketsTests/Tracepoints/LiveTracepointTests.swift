// Tests with the running kernel's tracepoints and sockets of this process. They need root.

import Foundation
import TCPModel
import Testing

@testable import KernelSockets

@Suite(.serialized, .enabled(if: geteuid() == 0, "tracepoints need root")) struct LiveTracepointTests {
    @Test func aConnectionOfThisProcess() throws {
        let listener = try TestSocket.listener()
        let server = listener.local()
        let source = try TracepointSource(ports: [server.port])
        let before = wallClockNow()
        var own = SocketAddress(.anyV4, 0)
        do {
            let client = try TestSocket.connection(to: server.port)
            own = client.local()
            _ = try listener.accepted()
        }
        let after = wallClockNow()
        let events = source.read()
        let client = events.filter { $0.local == own || $0.local.port == 0 }
        #expect(client.first?.kind == .transition(from: .closed, to: .synSent))
        #expect(client.first?.local.port == 0 && client.first?.remote == server)
        #expect(client.first?.process?.pid == getpid() && client.first?.isProcessContext == true)
        #expect(client.contains { $0.kind == .transition(from: .synSent, to: .established) })
        #expect(events.contains { $0.kind == .transition(from: .synReceived, to: .established) && $0.local == server })
        #expect(events.contains { $0.kind == .destroyed })
        #expect(events.allSatisfy { $0.time >= before && $0.time <= after }, "stamps are the wall clock's")
        #expect(events.map { $0.time } == events.map { $0.time }.sorted())
        #expect(source.counts.lost == 0 && source.counts.damaged == 0)
        #expect(source.counts.read == UInt64(events.count))
    }

    /// Each hit that the kernel counted was read, lost or withheld, whatever other processes on this host do meanwhile.
    @Test func everyHitThatTheKernelCountsIsAccountedFor() throws {
        let listener = try TestSocket.listener()
        let source = try TracepointSource(ports: [listener.local().port])
        #expect(source.counts.withheld == nil, "not known before the end")
        for turn in 0..<40 {
            let client = try TestSocket.connection(to: listener.local().port)
            let accepted = try listener.accepted()
            // Some events are read before the end, some after.
            if turn == 20 { #expect(source.read().count >= 100) }
            withExtendedLifetime((client, accepted)) {}
        }
        source.stop()
        let withheld = source.counts.withheld
        #expect(withheld != nil, "Linux tells it from 6.0 on")
        let rest = source.read()
        #expect(rest.count >= 100)
        source.stop()
        #expect(source.counts.withheld == withheld, "what waited to be read was not taken for withheld")
        // Events of this process's own system calls (connect, and close with the peer's answer) are never withheld.
        let connects = rest.filter {
            $0.kind == .transition(from: .closed, to: .synSent) && $0.process?.pid == getpid()
        }
        #expect(connects.count >= 19)
        _ = try TestSocket.connection(to: listener.local().port)
        #expect(source.read().isEmpty, "nothing comes after the end")
    }

    @Test func aRefusalTellsItsReasonAndErrno() throws {
        let source = try TracepointSource()
        // No process listens on port 1 of 127.0.0.1.
        #expect(try !TestSocket(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)).connects(to: 1))
        let events = source.read().filter { $0.remote.port == 1 || $0.local.port == 1 }
        #expect(events.contains { $0.kind == .resetSent(reason: "NO_SOCKET") && $0.local.port == 1 })
        #expect(events.contains { $0.kind == .resetReceived && $0.remote.port == 1 })
        #expect(events.contains { $0.kind == .socketError(errno: ECONNREFUSED) })
    }

    @Test func tracefsIsMountedNowhere() throws {
        let before = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        let source = try TracepointSource()
        #expect(try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8) == before)
        #expect(!source.descriptors.isEmpty)
    }
}
