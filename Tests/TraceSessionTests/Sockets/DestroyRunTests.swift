// `tcptrace kill --connection`: what it announces is what happens. The sockets belong to this process, on loopback.

import Foundation
import Glibc
import KernelSockets
import TCPModel
import Testing
import TimelineReport

@testable import TraceSession

/// A listener, a client and (if accepted) the server's socket.
private final class Trio {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    private(set) var client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    private(set) var server: Int32 = -1
    private(set) var port: UInt16 = 0
    private(set) var clientPort: UInt16 = 0

    init(accepts: Bool = true) throws {
        try #require(listen(listener, 4) == 0)  // Bound to a free port by listen(2).
        port = Self.port(of: listener)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        clientPort = Self.port(of: client)
        if accepts { server = accept(listener, nil, nil) }
        var patience = timeval(tv_sec: 5, tv_usec: 0)
        for descriptor in [client, server] where descriptor >= 0 {
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit { for descriptor in [listener, client, server] where descriptor >= 0 { close(descriptor) } }

    func closeClient() {
        close(client)
        client = -1
    }

    private static func port(of descriptor: Int32) -> UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    var clientEnd: String { "src port \(clientPort) and dst port \(port)" }
    var serverEnd: String { "src port \(port) and dst port \(clientPort)" }

    /// The result of read(2): the number of octets, or the negated errno.
    static func read(_ descriptor: Int32) -> Int {
        var octets = [UInt8](repeating: 0, count: 64)
        let count = unsafe Glibc.read(descriptor, &octets, 64)
        return count < 0 ? -Int(errno) : count
    }

    static func write(_ descriptor: Int32, _ text: String = "hello") -> Int {
        let count = unsafe send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
        return count < 0 ? -Int(errno) : count
    }
}

@Suite(.serialized, .enabled(if: geteuid() == 0, "SOCK_DESTROY needs root")) struct DestroyRunTests {
    private func run(
        _ words: String, change: (inout KillRequest) -> Void = { _ in }
    ) throws -> (code: Int32, output: String, errors: [String]) {
        var request = KillRequest(filter: try SocketFilter(words: [words], portsAreLocal: true), subject: words)
        request.endsConnections = true
        request.assumeYes = true
        change(&request)
        let path = NSTemporaryDirectory() + "destroy-" + UUID().uuidString
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let file = try #require(FileHandle(forWritingAtPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        final class Lines { var lines: [String] = [] }
        let lines = Lines()
        let code = KillRun.run(request, to: file.fileDescriptor, ask: { _ in nil }) { lines.lines.append($0) }
        return (code, try String(contentsOfFile: path, encoding: .utf8), lines.lines)
    }

    @Test func openConnection() throws {
        let trio = try Trio()
        #expect(Trio.write(trio.client) == 5)
        let said = try run(trio.serverEnd)
        #expect(said.code == 0 && said.errors.isEmpty, "\(said)")
        #expect(said.output.contains("the socket: from ESTABLISHED to CLOSED at once; a RST is sent"))
        #expect(said.output.contains("data: 5 octets not read stay readable"))
        #expect(said.output.contains("]: the next read() or write() fails with ECONNABORTED"))
        #expect(said.output.contains("]: the next read() or write() fails with ECONNRESET"))
        #expect(said.output.contains("TcpOutRsts rose by "))
        #expect(said.output.split(separator: "\n").count { $0.contains("ESTABLISHED gone") } == 2, "\(said.output)")
        #expect(Trio.read(trio.server) == 5 && Trio.read(trio.server) == -Int(ECONNABORTED))
        #expect(Trio.read(trio.client) == -Int(ECONNRESET))
    }

    @Test func halfClosedByThisEnd() throws {
        let trio = try Trio()
        shutdown(trio.client, Int32(SHUT_WR))
        usleep(100_000)
        let said = try run(trio.clientEnd)
        #expect(said.output.contains("from FIN_WAIT_2 to CLOSED at once; a RST is sent"), "\(said)")
        #expect(said.output.contains("]: read() returns 0 (end of file), write() fails with EPIPE"))
        #expect(Trio.read(trio.client) == -Int(ECONNABORTED))
        #expect(Trio.read(trio.server) == 0 && Trio.write(trio.server) == -Int(EPIPE))
    }

    @Test func halfClosedByThePeer() throws {
        let trio = try Trio()
        shutdown(trio.client, Int32(SHUT_WR))
        usleep(100_000)
        let said = try run(trio.serverEnd)
        #expect(said.output.contains("]: read() returns 0 (end of file), write() fails with ECONNABORTED"), "\(said)")
        #expect(said.output.contains("data: nothing is lost"))
        #expect(Trio.read(trio.server) == 0 && Trio.write(trio.server) == -Int(ECONNABORTED))
        #expect(Trio.read(trio.client) == -Int(ECONNRESET))
    }

    @Test func aPeerThatHasClosedHasNoProcessToTell() throws {
        let trio = try Trio()
        trio.closeClient()
        usleep(100_000)
        let said = try run(trio.serverEnd)
        #expect(said.output.contains("the peer: its FIN_WAIT_2 ends, too; no process learns of it"), "\(said)")
        #expect(said.output.contains("FIN_WAIT_2 gone") && !said.output.contains("ECONNRESET"), "\(said)")
    }

    @Test func notAccepted() throws {
        let trio = try Trio(accepts: false)
        let said = try run(trio.serverEnd)
        #expect(said.output.contains("accept() still returns it, and the next call on it fails with ECONNABORTED"))
        let late = accept(trio.listener, nil, nil)
        #expect(late >= 0 && Trio.read(late) == -Int(ECONNABORTED))
        close(late)
    }

    @Test func timeWaitGoesSilently() throws {
        var trio: Trio? = try Trio()
        let words = try #require(trio).clientEnd
        shutdown(try #require(trio).client, Int32(SHUT_WR))
        usleep(100_000)
        shutdown(try #require(trio).server, Int32(SHUT_WR))
        usleep(100_000)
        trio = nil
        #expect(trio == nil)
        let said = try run(words)
        #expect(said.code == 0, "\(said)")
        #expect(said.output.contains("the socket: disappears silently; no RST is sent"))
        #expect(said.output.contains("its owner: none; no process learns of it"))
        #expect(said.output.contains("TIME_WAIT gone"))
        let elsewhere = " in this network namespace; --netns looks into another one, such as a container's"
        #expect(try run(words).errors == ["\(words): there is no such connection\(elsewhere)"])
    }

    @Test func nothingIsEndedWithoutAYes() throws {
        let trio = try Trio()
        let dry = try run(trio.serverEnd) { $0.isDryRun = true }
        #expect(dry.code == 0 && dry.output.contains("ending 127.0.0.1:\(trio.port) > "))
        let nobody = try run(trio.serverEnd) { $0.assumeYes = false }
        #expect(nobody.code == 1 && nobody.errors.first?.contains("--yes skips the question") == true)
        let many = try run("(\(trio.serverEnd)) or (\(trio.clientEnd))")
        #expect(many.code == 1 && many.errors.first?.contains("2 sockets match") == true, "\(many)")
        let listener = try run("port \(trio.port) and not dst port \(trio.clientPort)")
        #expect(listener.code == 1 && listener.errors.first?.contains("it is a listening socket") == true)
        #expect(Trio.write(trio.client) == 5 && Trio.read(trio.server) == 5)
    }

    @Test func remnantsAndStatesWithoutAReset() {
        func fate(_ state: TCPState, full: Bool, _ holder: SocketRow.Holder) -> DestroyFate {
            var details = SocketDetails()
            if full { details.info = TCPInfo([UInt8](repeating: 0, count: 248)) }
            let socket = KernelSocket(
                local: SocketAddress(.loopbackV4, 1), remote: SocketAddress(.loopbackV4, 2), state: state,
                transmitQueue: 12, receiveQueue: 4)
            return DestroyFate(
                target: DetailedSocket(socket: socket, details: details), holder: holder, peer: nil)
        }
        #expect(!fate(.finWait2, full: false, .noProcess).sendsReset && fate(.finWait2, full: true, .none).sendsReset)
        for state: TCPState in [.synSent, .closing, .lastAck] {
            #expect(!fate(state, full: true, .unknown).sendsReset)
            #expect(fate(state, full: true, .unknown).lines.last?.contains("learns nothing") == true)
        }
        #expect(
            fate(.synSent, full: true, .unknown).lines.contains { $0.contains("connect() fails with ECONNABORTED") })
        #expect(fate(.established, full: true, .unknown).lines[1].contains("12 octets not acknowledged are lost"))
        // A SYN or FIN counts as an octet in the kernel's queue, but is not the program's data.
        #expect(fate(.finWait1, full: true, .unknown).lines[1].contains("11 octets not acknowledged are lost"))
        #expect(fate(.lastAck, full: true, .noProcess).lines[1].hasPrefix("data: 3 octets not read are lost"))
        #expect(fate(.finWait2, full: true, .unknown).lines.last?.contains("EPIPE") == true)
    }
}
