// Which source a reading uses: look-ups, lists if these do not find a socket, /proc if there is no sock_diag.

import Glibc
import TCPModel
import Testing

@testable import KernelSockets

@Suite(.serialized) struct SocketTablesTests {
    @Test func lookUpsHoldNoMoreThanWasWanted() throws {
        let listener = try TestSocket.listener()
        let (one, other) = (
            try TestSocket.connection(to: listener.local().port), try TestSocket.connection(to: listener.local().port)
        )
        var tables = SocketTables()
        try #require(tables.usesSockDiag)
        var snapshot = SocketSnapshot()
        let tuple = FourTuple(source: one.local(), destination: listener.local())
        let ends = [WantedSocket(tuple, isExpected: true), WantedSocket(tuple.reversed, isExpected: true)]
        try tables.read(into: &snapshot, wanted: ends, ports: [listener.local().port])
        #expect(snapshot.sockets.count == 3)
        #expect(snapshot.socket(local: one.local(), remote: listener.local())?.inode == one.inode)
        #expect(snapshot.listener(for: listener.local())?.inode == listener.inode)
        #expect(snapshot.socket(local: other.local(), remote: listener.local()) == nil)
        // With nil, everything on the port is read.
        try tables.read(into: &snapshot, wanted: nil, ports: [listener.local().port])
        #expect(snapshot.sockets.count == 5)
    }

    /// SO_REUSEPORT: the kernel gives each SYN to one of the listeners, and a look-up with the SYN's endpoints names
    /// that one.
    @Test func allListenersOfAnAddress() throws {
        let first = try TestSocket.listener(isShared: true)
        let local = first.local()
        let second = try TestSocket.listener(port: local.port, isShared: true)
        let peers = (UInt16(40_000)..<40_016).map { SocketAddress(.loopbackV4, $0) }
        let ends = peers.map { WantedSocket(FourTuple(source: local, destination: $0), isExpected: false) }
        var tables = SocketTables()
        try #require(tables.usesSockDiag)
        var snapshot = SocketSnapshot()
        try tables.read(into: &snapshot, wanted: [ends[0]], ports: [], listening: [local.port])
        #expect(Set(snapshot.sockets.map(\.inode)) == [first.inode, second.inode] && snapshot.sockets.count == 2)
        #expect(snapshot.sockets.allSatisfy { $0.drops == 0 && $0.backlog == 8 })

        try tables.read(into: &snapshot, wanted: ends, ports: [], listening: [local.port])
        #expect(snapshot.sockets.count == 2 && snapshot.repeated == 0)
        var diag = try SockDiag()
        var chosen: Set<UInt64> = []
        for peer in peers {
            let listeners = snapshot.listeners(for: local, from: peer)
            let named = try diag.details(of: FourTuple(source: local, destination: peer))
            #expect(listeners.count == 2 && listeners.first?.inode == named?.socket.inode)
            if let inode = listeners.first?.inode { chosen.insert(inode) }
        }
        #expect(chosen.count == 2, "sixteen peers are not all one listener's")
    }

    /// A look-up finds a socket that is bound to an interface only if it names the interface; a list contains it
    /// anyway.
    @Test(.enabled(if: geteuid() == 0)) func aSocketThatIsBoundToAnInterface() throws {
        let listener = try TestSocket.listener()
        let name = "lo"
        #expect(unsafe setsockopt(listener.number, SOL_SOCKET, SO_BINDTODEVICE, name, 2) == 0)
        let client = try TestSocket.connection(to: listener.local().port)
        let server = try listener.accepted()
        let tuple = FourTuple(source: listener.local(), destination: client.local())
        var diag = try SockDiag()
        #expect(try diag.details(of: tuple) == nil)
        let listed = try diag.list(ports: [tuple.source.port]).first { $0.socket.inode == server.inode }
        #expect((listed?.details.interface ?? 0) > 0)
        var tables = SocketTables()
        var snapshot = SocketSnapshot()
        // A look-up with the interface's name finds it at once. No list is read: the client's socket, which was not
        // wanted, is absent.
        let addresses = try LocalAddresses.current()
        #expect(addresses.interfaces.contains(listed?.details.interface ?? 0))
        tables.interfaces = addresses.interfaces
        try tables.read(
            into: &snapshot, wanted: [WantedSocket(tuple, isExpected: false, isOpen: true)], ports: [tuple.source.port])
        #expect(snapshot.socket(local: tuple.source, remote: tuple.destination)?.inode == server.inode)
        #expect(snapshot.socket(local: tuple.destination, remote: tuple.source) == nil)
        let bound = listed?.details.interface ?? 0
        #expect(snapshot.socket(local: tuple.source, remote: tuple.destination)?.interface == bound)
        // It is found where it was before, although the interface is no longer listed, as after its removal.
        tables = SocketTables()
        try tables.read(
            into: &snapshot, wanted: [WantedSocket(tuple, isExpected: false, isOpen: true, interface: bound)],
            ports: [tuple.source.port])
        #expect(snapshot.socket(local: tuple.source, remote: tuple.destination)?.inode == server.inode)
        tables = SocketTables()
        tables.interfaces = []
        for isExpected in [true, false] {
            try tables.read(
                into: &snapshot, wanted: [WantedSocket(tuple, isExpected: isExpected)], ports: [tuple.source.port])
            #expect(snapshot.socket(local: tuple.source, remote: tuple.destination)?.inode == server.inode)
        }
    }

    @Test func procWhereThereIsNothingElse() throws {
        let listener = try TestSocket.listener()
        let client = try TestSocket.connection(to: listener.local().port)
        var tables = SocketTables(procOnly: "/proc")
        #expect(!tables.usesSockDiag)
        var snapshot = SocketSnapshot()
        let tuple = FourTuple(source: client.local(), destination: listener.local())
        try tables.read(
            into: &snapshot, wanted: [WantedSocket(tuple, isExpected: true)], ports: [listener.local().port])
        #expect(snapshot.socket(local: client.local(), remote: listener.local())?.inode == client.inode)
        var none = SocketTables(procOnly: "/nonexistent")
        #expect(throws: KernelViewError.self) { try none.read(into: &snapshot, wanted: nil, ports: []) }
    }

    /// A failure of sock_diag is reported and counted, and sock_diag is tried again, each time after a longer pause.
    @Test func sockDiagThatBreaksIsTriedAgain() throws {
        final class Kernel {
            var now: Int64 = 0
            var opened = 0
            var isBroken = true
        }
        let kernel = Kernel()
        let listener = try TestSocket.listener()
        var tables = SocketTables(proc: ProcNetTCP(), clock: { kernel.now }) { () throws(KernelViewError) in
            kernel.opened += 1
            // The descriptor is no netlink socket, so the request itself fails.
            return try kernel.isBroken ? SockDiag(NetlinkSocket(owning: unsafe open("/dev/null", O_RDWR))) : SockDiag()
        }
        #expect(!tables.usesSockDiag && tables.failures == 1)
        #expect(tables.firstFailure == .sockDiag(code: ENOTSOCK))
        var snapshot = SocketSnapshot()
        func look() throws {
            try tables.read(into: &snapshot, wanted: nil, ports: [listener.local().port])
            #expect(snapshot.listener(for: listener.local())?.inode == listener.inode)
        }
        for _ in 0..<3 { try look() }
        #expect(kernel.opened == 1, "not before the pause is over")
        kernel.now = Span.second
        try look()
        try look()
        #expect(kernel.opened == 2 && tables.failures == 2)
        kernel.now = 3 * Span.second
        kernel.isBroken = false
        try look()
        #expect(tables.usesSockDiag && kernel.opened == 3 && tables.failures == 2)
        #expect(snapshot.listener(for: listener.local())?.inode == listener.inode)
    }

    @Test func pausesBetweenAttempts() {
        var pace = RetryPace()
        #expect(pace.isDue(0))
        var now: Int64 = 0
        var pauses: [Int64] = []
        for _ in 0..<9 {
            pace.note(now)
            var pause: Int64 = 0
            while !pace.isDue(now + pause) { pause += Span.second }
            pauses.append(pause / Span.second)
            now += pause
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60])
        pace.noteSuccess()
        pace.note(now)
        #expect(!pace.isDue(now) && pace.isDue(now + Span.second), "the first failure again")
    }

    @Test func descendantsOfAProcess() throws {
        let proc = try FakeProc()
        try proc.write("10/task/10/children", "11 12 ")
        try proc.write("12/task/12/children", "13 x 10 11")
        try proc.write("13/task/13/children", "")
        let owners = ProcessOwners(root: proc.root)
        #expect(Set(owners.descendants(of: 10)) == [11, 12, 13] && owners.descendants(of: 99) == [])
        #expect(owners.descendants(of: 10, limit: 2).count == 2)
    }

    @Test func theExpectedAreAskedFirst() throws {
        let proc = try FakeProc()
        try proc.process(200, comm: "first", start: 5, sockets: [3: 50])
        try proc.process(300, comm: "expected", start: 9, sockets: [3: 50])
        var owners = ProcessOwners(root: proc.root)
        owners.expect([300])
        #expect(owners.owners(of: [50])[50]?.process.pid == 300 && owners.counts.fullScans == 0)
    }
}
