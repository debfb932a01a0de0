// Gaps in readings are counted: rows that are not understood, tables that cannot be read, processes that deny access.

import Foundation
import TCPModel
import Testing

@testable import KernelSockets

@Suite struct ReadingFaultsTests {
    @Test func rowsOfAllReadingsAreAddedUp() throws {
        let proc = try FakeProc()
        let strange = ProcNetTCPTests.listener.replacingOccurrences(of: " 0A ", with: " 0E ")
        try proc.write("net/tcp", "  sl\n" + "garbage\n" + strange + ProcNetTCPTests.established)
        var tables = SocketTables(procOnly: proc.root)
        #expect(tables.faults.isEmpty)
        var snapshot = SocketSnapshot()
        for _ in 0..<3 { try tables.read(into: &snapshot, wanted: nil, ports: []) }
        #expect(snapshot.sockets.count == 1)
        #expect(tables.faults.malformedRows == 3 && tables.faults.unknownStates == 3)
        #expect(tables.faults.failedReadings == 0)
    }

    @Test func tablesThatCannotBeRead() throws {
        var tables = SocketTables(procOnly: "/nonexistent")
        var snapshot = SocketSnapshot()
        #expect(throws: KernelViewError.self) { try tables.read(into: &snapshot, wanted: nil, ports: []) }
        #expect(tables.faults.failedReadings == 1)
    }

    @Test func whatThisKernelSaysIsUnderstood() throws {
        let listener = try TestSocket.listener()
        let client = try TestSocket.connection(to: listener.local().port)
        var tables = SocketTables()
        var snapshot = SocketSnapshot()
        let tuple = FourTuple(source: client.local(), destination: listener.local())
        for wanted in [nil, [WantedSocket(tuple, isExpected: true)]] {
            try tables.read(into: &snapshot, wanted: wanted, ports: [listener.local().port])
        }
        #expect(tables.faults.malformedRows == 0 && tables.faults.unknownStates == 0)
        #expect(tables.faults.failedReadings == 0)
    }

    /// Processes that deny access matter only if the owner was not found among the others.
    @Test func processesThatRefuse() throws {
        let proc = try FakeProc()
        try proc.process(200, comm: "a", start: 5, sockets: [3: 50])
        // Folders that exist but cannot be opened.
        for pid in [100, 101] {
            try FileManager.default.createSymbolicLink(atPath: "\(proc.root)/\(pid)", withDestinationPath: "\(pid)")
        }
        var owners = ProcessOwners(root: proc.root)
        #expect(owners.owners(of: [50]).count == 1 && owners.counts.mostDenied == 0)
        #expect(owners.owners(of: [99]).isEmpty && owners.counts.mostDenied == 2)
        #expect(owners.owners(of: [98]).isEmpty && owners.counts.mostDenied == 2, "not added up")
    }
}
