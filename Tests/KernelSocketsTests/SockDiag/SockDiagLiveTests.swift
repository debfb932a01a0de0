// sock_diag against the running kernel: the same sockets as in /proc/net/tcp, in every state that a test can produce.

import Foundation
import Glibc
import TCPModel
import Testing

@testable import KernelSockets

/// One socket as both sources should report it. The time left on a running timer is excluded, since it differs between
/// readings.
private func row(_ socket: KernelSocket) -> String {
    "\(socket.state) \(socket.local) \(socket.remote) v6 \(socket.isIPv6) timer \(socket.timer) "
        + "queues \(socket.receiveQueue) \(socket.transmitQueue) uid \(socket.uid) inode \(socket.inode)"
}

@Suite(.serialized) struct SockDiagLiveTests {
    /// Sockets on the port of one listener, in many states.
    private static func everyState() throws -> (keep: [TestSocket], port: UInt16) {
        let listener = try TestSocket.listener()
        let port = listener.local().port
        var keep = [listener]
        func pair() throws -> (TestSocket, TestSocket) {
            let client = try TestSocket.connection(to: port)
            let server = try listener.accepted()
            return (client, server)
        }
        // ESTABLISHED with unread data, and CLOSE_WAIT with FIN_WAIT_2.
        let (open, accepted) = try pair()
        #expect(unsafe write(open.number, "hello", 5) == 5)
        let (half, waiting) = try pair()
        #expect(shutdown(half.number, Int32(SHUT_WR)) == 0)
        keep += [open, accepted, half, waiting]
        // TIME_WAIT: the client closes first, then the server.
        do {
            var (first, second): (TestSocket?, TestSocket?) = try pair()
            first = nil
            second = nil
            #expect(first == nil && second == nil)
        }
        // FIN_WAIT_2 without a process: an orphan.
        do {
            let (gone, left) = try pair()
            _ = gone
            keep.append(left)
        }
        // A connection that is not accepted.
        keep.append(try TestSocket.connection(to: port))
        return (keep, port)
    }

    @Test func theSameAnswerAsProc() throws {
        let (keep, port) = try Self.everyState()
        var proc = ProcNetTCP()
        var diag = try SockDiag()
        var snapshot = SocketSnapshot()
        var difference: Set<String> = ["not tried"]
        var states: Set<TCPState> = []
        // Delayed ACKs may still be in flight at first, so one of several tries must agree.
        for _ in 0..<40 where !difference.isEmpty {
            usleep(50_000)
            let before = try proc.read(ports: [port])
            try diag.read(into: &snapshot, ports: [port])
            let after = try proc.read(ports: [port])
            guard Set(before.sockets.map(row)) == Set(after.sockets.map(row)) else { continue }
            states = Set(after.sockets.map(\.state))
            difference = Set(after.sockets.map(row)).symmetricDifference(snapshot.sockets.map(row))
            #expect(snapshot.malformedLines == 0 && snapshot.sockets.count == after.sockets.count)
        }
        #expect(difference.isEmpty)
        #expect(states.isSuperset(of: [.listen, .established, .finWait2, .closeWait, .timeWait]))
        #expect(keep.count == 7)
    }

    @Test func singleLookUpsAreTheSameToo() throws {
        let (keep, port) = try Self.everyState()
        usleep(300_000)
        var proc = ProcNetTCP()
        var diag = try SockDiag()
        let all = try proc.read(ports: [port])
        let tuples = all.sockets.filter { $0.state != .listen }.map {
            FourTuple(source: $0.local, destination: $0.remote)
        }
        var found = SocketSnapshot()
        try diag.read(into: &found, tuples: tuples)
        #expect(Set(found.sockets.map(row)) == Set(all.sockets.map(row)))
        #expect(found.listener(for: SocketAddress(.loopbackV4, port))?.inode == keep[0].inode)
        #expect(found.readBegan <= found.readEnded)

        // No such connection exists: the kernel returns the listener for the server's side, and nothing for the
        // client's.
        let server = SocketAddress(.loopbackV4, port)
        let nobody = SocketAddress(.loopbackV4, 1)
        let answer = try diag.details(of: FourTuple(source: server, destination: nobody))
        #expect(answer?.socket.state == .listen && answer?.details.backlog == 8 && answer?.socket.receiveQueue == 1)
        #expect(try diag.details(of: FourTuple(source: nobody, destination: nobody)) == nil)
    }

    @Test func detailsOfALivingSocket() throws {
        let listener = try TestSocket.listener()
        let client = try TestSocket.connection(to: listener.local().port)
        let server = try listener.accepted()
        #expect(unsafe write(client.number, "hello", 5) == 5)
        var diag = try SockDiag()
        let tuple = FourTuple(source: client.local(), destination: listener.local())
        let found = try #require(try diag.details(of: tuple))
        #expect(found.socket.inode == client.inode && found.details.cookie != 0)
        let info = try #require(found.details.info)
        #expect(info.length >= 104 && (info.roundTrip ?? 0) > 0 && (info.congestionWindow ?? 0) > 0)
        #expect(info.totalRetransmissions == 0 && info.bytesSent ?? 5 == 5)
        #expect((found.details.memory?.receiveLimit ?? 0) > 0 && found.details.memory?.drops ?? 0 == 0)
        #expect(found.details.isSendShutDown == false)
        #expect(shutdown(client.number, Int32(SHUT_WR)) == 0)
        let shut = try #require(try diag.details(of: tuple))
        #expect(shut.details.isSendShutDown == true && shut.details.cookie == found.details.cookie)
        // Keep the server until now: closing it with unread data would reset the connection.
        withExtendedLifetime(server) {}
    }

    @Test func sixAndDualStack() throws {
        let six = try TestSocket(Glibc.socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0))
        #expect(listen(six.number, 4) == 0)
        var port: UInt16 = 0
        var own = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        unsafe withUnsafeMutablePointer(to: &own) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = unsafe getsockname(six.number, $0, &length)
            }
        }
        port = UInt16(bigEndian: own.sin6_port)
        let client = try TestSocket.connection(to: port)
        let server = try six.accepted()
        var diag = try SockDiag()
        let here = SocketAddress(.loopbackV4, port)
        let found = try #require(try diag.details(of: FourTuple(source: here, destination: client.local())))
        #expect(found.socket.inode == server.inode && found.socket.isIPv6)
        let listener = try diag.details(
            of: FourTuple(source: here, destination: SocketAddress(.anyV4, 0)))
        #expect(listener?.socket.inode == six.inode && listener?.socket.state == .listen)
        let all = try diag.list(states: SockDiag.listening, ports: [port])
        #expect(all.map(\.socket.inode) == [six.inode])
    }

    @Test(.enabled(if: geteuid() == 0)) func destroy() throws {
        let listener = try TestSocket.listener()
        let client = try TestSocket.connection(to: listener.local().port)
        let server = try listener.accepted()
        var diag = try SockDiag()
        let tuple = FourTuple(source: client.local(), destination: listener.local())
        var target = try #require(try diag.details(of: tuple))
        // With the cookie of another socket, this one is not touched.
        target.details.cookie += 1 << 40
        #expect(diag.destroy(target) == ESTALE || diag.destroy(target) == ENOENT)
        #expect(try diag.details(of: tuple)?.socket.state == .established)
        target.details.cookie -= 1 << 40
        #expect(diag.destroy(target) == 0)
        #expect(try diag.details(of: tuple) == nil)
        var octet: UInt8 = 0
        #expect(unsafe read(client.number, &octet, 1) == -1 && errno == ECONNABORTED)
        #expect(unsafe read(server.number, &octet, 1) == -1 && errno == ECONNRESET)
        #expect(diag.destroy(target) == ENOENT)
    }

    /// Prints the cost of looking up one open connection through either source, and bounds it by the cost of /proc.
    @Test func aLookUpIsCheap() throws {
        let listener = try TestSocket.listener()
        let client = try TestSocket.connection(to: listener.local().port)
        var diag = try SockDiag()
        var snapshot = SocketSnapshot()
        let ends = FourTuple(source: client.local(), destination: listener.local())
        let rounds = 200
        let start = monotonicNow()
        for _ in 0..<rounds { try diag.read(into: &snapshot, tuples: [ends, ends.reversed]) }
        let each = (monotonicNow() - start) / Int64(rounds)
        let dump = monotonicNow()
        try diag.read(into: &snapshot, ports: [ends.destination.port])
        let whole = monotonicNow() - dump
        print("sock_diag: both ends of a connection and the listener \(each) ns, all by port \(whole) ns")
        #expect(each < 2 * Span.millisecond)
    }
}
