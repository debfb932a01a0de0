// Tests against the running kernel: sockets of this process, and the same tables as ss shows them.

import Foundation
import TCPModel
import Testing

@testable import KernelSockets

@Suite(.serialized) struct LiveKernelTests {
    @Test func acceptedAndNotAccepted() throws {
        let listener = try TestSocket.listener()
        let server = listener.local()
        let client = try TestSocket.connection(to: server.port)
        var reader = ProcNetTCP()
        var snapshot = try reader.read(ports: [server.port])
        #expect(snapshot.listener(for: server)?.inode == listener.inode)
        #expect(snapshot.listener(for: server)?.receiveQueue == 1)
        #expect(snapshot.socket(local: client.local(), remote: server)?.inode == client.inode)
        let queued = try #require(snapshot.socket(local: server, remote: client.local()))
        #expect(queued.state == .established && queued.inode == 0)

        let accepted = try listener.accepted()
        try reader.read(into: &snapshot, ports: [server.port])
        #expect(snapshot.socket(local: server, remote: client.local())?.inode == accepted.inode)
        #expect(snapshot.sockets.count == 3)
        #expect(snapshot.readBegan < snapshot.readEnded && snapshot.readNanoseconds > 0)
        #expect(abs(snapshot.readEnded.since(snapshot.readBegan) - snapshot.readNanoseconds) < Span.second)
    }

    @Test func thisProcessIsTheOwner() throws {
        let listener = try TestSocket.listener()
        var owners = ProcessOwners()
        let owner = try #require(owners.owners(of: [listener.inode])[listener.inode])
        #expect(owner.process.pid == getpid() && owner.process.uid == getuid())
        #expect(owner.descriptor == listener.number)
        let comm = try String(contentsOfFile: "/proc/self/comm", encoding: .utf8)
        #expect(owner.process.command + "\n" == comm)
        #expect(owners.holds(owner, inode: listener.inode) && owners.isPresent(owner))
        #expect(owners.allOwners()[listener.inode]?.contains(owner) == true)
        #expect(owners.lineage(of: getpid()).starts(with: [getpid(), getppid()]))
    }

    @Test func ownAddresses() throws {
        let here = try LocalAddresses.current()
        #expect(here.contains(.loopbackV4) && here.contains(IPAddress(127, 1, 2, 3)) && here.contains(.loopbackV6))
        #expect(!here.contains(IPAddress(192, 0, 2, 1)))
        #expect(LocalAddresses([IPAddress(192, 0, 2, 1)]).contains(IPAddress(192, 0, 2, 1)))
    }

    /// The set of (state, local, remote) equals the one that ss lists. The host may be busy, so one of several tries
    /// must agree.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/ss"))) func sameAsSS() throws {
        let listener = try TestSocket.listener()
        let client = try TestSocket.connection(to: listener.local().port)
        var reader = ProcNetTCP()
        var difference: Set<String> = ["not tried"]
        // The connection must exist throughout.
        try withExtendedLifetime(client) {
            for _ in 0..<20 where !difference.isEmpty {
                let before = Set(try reader.read().sockets.map(Self.ssForm))
                let listed = try Self.ss()
                let after = Set(try reader.read().sockets.map(Self.ssForm))
                difference = before == after ? listed.symmetricDifference(before) : ["changed meanwhile"]
            }
        }
        #expect(difference.isEmpty)
    }

    private static func ss() throws -> Set<String> {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/ss")
        process.arguments = ["-tanH"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Set(
            text.split(separator: "\n").map { line in
                let fields = line.split(separator: " ")
                let state = TCPState(named: String(fields[0]))
                // ss lists a socket that is bound to an interface with its name: `127.0.0.1%lo:80`.
                let ends = fields[3...4].map {
                    $0.replacing(/%[^:\]]*/, with: "").replacingOccurrences(of: "*:", with: "[::]:")
                }
                return ([state.map { "\($0)" } ?? "?"] + ends).joined(separator: " ")
                    .replacingOccurrences(of: "[::ffff:", with: "").replacingOccurrences(of: "]:", with: ":")
                    .replacingOccurrences(of: "[", with: "")
            })
    }

    private static func ssForm(_ socket: KernelSocket) -> String {
        let remote = socket.state == .listen ? "\(socket.remote)".dropLast() + "*" : "\(socket.remote)"
        return "\(socket.state) \(socket.local) \(remote)".replacingOccurrences(of: "]:", with: ":")
            .replacingOccurrences(of: "[", with: "")
    }
}
