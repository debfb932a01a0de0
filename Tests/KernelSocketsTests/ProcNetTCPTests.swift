// /proc/net/tcp and tcp6: real lines, mapped addresses, garbage, cut lines, large tables.

import Foundation
import SeededRandom
import TCPModel
import Testing

@testable import KernelSockets

@Suite struct ProcNetTCPTests {
    // Lines of a real kernel (6.18): a listener, a connection with queues, a TIME_WAIT, a request.
    static let listener =
        "   0: 00000000:251C 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 12345 1"
        + " 00000000e3b8e0a6 100 0 0 10 0                       \n"
    static let established =
        "   1: 0100007F:251C 0100007F:8C54 01 00000010:00000A00 01:00000014 00000002  1000        0 777 1"
        + " 00000000e3b8e0a7 20 4 30 10 -1                      \n"
    static let timeWait =
        "   2: 0100007F:8C54 0100007F:251C 06 00000000:00000000 03:00001752 00000000     0        0 0 3"
        + " 00000000e3b8e0a8                                      \n"
    static let mapped =
        "   0: 0000000000000000FFFF00000100007F:251C 0000000000000000FFFF00000100007F:8C55 08"
        + " 00000000:00000001 00:00000000 00000000     0        0 888 1 00000000e3b8e0a9 20 0 0 10 -1\n"
    static let v6 =
        "   1: 00000000000000000000000001000000:251C 00000000000000000000000000000000:0000 0A"
        + " 00000000:00000000 00:00000000 00000000     0        0 889 1 00000000e3b8e0aa 100 0 0 10 0\n"
    static let linkLocal =
        "   2: 000080FE00000000FF005450C9B5FEFF:0016 000080FE00000000FF005450C9B5FE01:8C55 0C"
        + " 00000000:00000000 01:00000000 00000000     0        0 0 1 00000000e3b8e0aa 100 0 0 10 0\n"

    func read(_ tcp: String, tcp6: String? = nil, bufferSize: Int = 65_536, ports: [UInt16] = []) throws
        -> SocketSnapshot
    {
        let proc = try FakeProc()
        try proc.write("net/tcp", tcp)
        if let tcp6 { try proc.write("net/tcp6", tcp6) }
        var reader = ProcNetTCP(root: proc.root, bufferSize: bufferSize)
        return try reader.read(ports: ports)
    }

    @Test func realLines() throws {
        let snapshot = try read(
            title + Self.listener + Self.established + Self.timeWait,
            tcp6: title + Self.mapped + Self.v6 + Self.linkLocal)
        #expect(snapshot.malformedLines == 0 && snapshot.unknownStates == 0)
        try #require(snapshot.sockets.count == 6)
        let listener = snapshot.sockets[0]
        #expect(listener.local == SocketAddress(.anyV4, 9500) && listener.remote == SocketAddress(.anyV4, 0))
        #expect(listener.state == .listen && listener.receiveQueue == 3 && listener.inode == 12345)
        let open = snapshot.sockets[1]
        #expect(open.local == SocketAddress(.loopbackV4, 9500) && open.remote == SocketAddress(.loopbackV4, 35924))
        #expect(open.state == .established && open.transmitQueue == 16 && open.receiveQueue == 2560)
        #expect(open.timer == .retransmission && open.uid == 1000 && open.inode == 777 && !open.isIPv6)
        #expect(snapshot.sockets[2].state == .timeWait && snapshot.sockets[2].timer == .timeWait)
        #expect(snapshot.sockets[2].inode == 0)
        let mapped = snapshot.sockets[3]
        #expect(mapped.isIPv6 && mapped.local == SocketAddress(.loopbackV4, 9500) && mapped.state == .closeWait)
        #expect(snapshot.sockets[4].local == SocketAddress(.loopbackV6, 9500))
        #expect(snapshot.sockets[5].local.description == "[fe80::5054:ff:fffe:b5c9]:22")
        #expect(snapshot.sockets[5].state == .synReceived)
    }

    @Test func lookups() throws {
        let snapshot = try read(
            title + Self.listener + Self.established + Self.timeWait, tcp6: title + Self.mapped + Self.v6)
        let server = SocketAddress(.loopbackV4, 9500)
        let client = SocketAddress(.loopbackV4, 35924)
        #expect(snapshot.socket(local: server, remote: client)?.inode == 777)
        #expect(snapshot.socket(local: client, remote: server)?.state == .timeWait)
        #expect(snapshot.socket(local: client, remote: client) == nil)
        #expect(snapshot.socket(local: server, remote: SocketAddress(.loopbackV4, 35925))?.inode == 888)
        #expect(snapshot.listener(for: server)?.inode == 12345)
        #expect(snapshot.listener(for: SocketAddress(.loopbackV6, 9500))?.inode == 889)
        #expect(snapshot.listener(for: client) == nil)
        #expect(snapshot.listeners(for: server).count == 1)
    }

    @Test func wildcardsAsLinuxChooses() {
        func listening(_ address: IPAddress, _ inode: UInt64) -> KernelSocket {
            KernelSocket(
                local: SocketAddress(address, 80), remote: SocketAddress(.anyV4, 0), state: .listen,
                isIPv6: !address.isV4, inode: inode)
        }
        var snapshot = SocketSnapshot()
        snapshot.append(listening(.anyV6, 1))
        #expect(snapshot.listener(for: SocketAddress(.loopbackV4, 80))?.inode == 1)
        snapshot.append(listening(.anyV4, 2))
        #expect(snapshot.listener(for: SocketAddress(.loopbackV4, 80))?.inode == 2)
        #expect(snapshot.listener(for: SocketAddress(.loopbackV6, 80))?.inode == 1)
        snapshot.append(listening(.loopbackV4, 3))
        #expect(snapshot.listener(for: SocketAddress(.loopbackV4, 80))?.inode == 3)
        #expect(snapshot.listeners(for: SocketAddress(.loopbackV4, 80)).count == 3)
        #expect(snapshot.listener(for: SocketAddress(.loopbackV4, 81)) == nil)
    }

    static func socket(_ state: TCPState, _ inode: UInt64, local: UInt16 = 1) -> KernelSocket {
        KernelSocket(
            local: SocketAddress(.loopbackV4, local), remote: SocketAddress(.loopbackV4, 2), state: state, inode: inode)
    }

    @Test func aLivingSocketWinsOverTimeWait() {
        let living = Self.socket(.established, 5)
        let timeWait = Self.socket(.timeWait, 0)
        for order in [[living, timeWait], [timeWait, living]] {
            var snapshot = SocketSnapshot()
            for socket in order { snapshot.append(socket) }
            #expect(snapshot.sockets.map(\.inode) == [5], "one connection, seen at two moments")
            #expect(snapshot.socket(local: living.local, remote: living.remote)?.inode == 5)
            #expect(snapshot.repeated == 1)
        }
    }

    /// The kernel lists a socket again if a new one is inserted before it in its hash chain while the table is read.
    @Test func whatTheKernelRepeatsIsThereOnce() throws {
        let repeated = title + Self.listener + Self.established + Self.timeWait
        let snapshot = try read(
            repeated + Self.listener + Self.timeWait + Self.established, tcp6: title + Self.mapped + Self.mapped)
        #expect(snapshot.sockets.map(\.inode) == [12345, 777, 0, 888], "in the order in which they came first")
        #expect(snapshot.repeated == 4)
        #expect(snapshot.listeners(for: SocketAddress(.loopbackV4, 9500)).count == 1)
    }

    @Test func theLatestWordOnASocketIsTaken() {
        var snapshot = SocketSnapshot()
        snapshot.append(Self.socket(.synReceived, 0))
        snapshot.append(Self.socket(.established, 7, local: 3))
        snapshot.append(Self.socket(.established, 5))
        #expect(snapshot.sockets.map(\.inode) == [5, 7] && snapshot.sockets[0].state == .established)
        // Two sockets may have the same endpoints: bound to different interfaces, or one succeeds the other.
        snapshot.append(Self.socket(.established, 6))
        #expect(snapshot.sockets.map(\.inode) == [5, 7, 6] && snapshot.repeated == 1)
        // Listeners that share a port are distinct sockets.
        for inode in [UInt64(11), 12, 11] { snapshot.append(Self.socket(.listen, inode)) }
        #expect(snapshot.sockets.map(\.inode) == [5, 7, 6, 11, 12] && snapshot.repeated == 2)
    }

    @Test func portFilter() throws {
        let text = title + Self.listener + Self.established
        #expect(try read(text, ports: [35924]).sockets.count == 1)
        #expect(try read(text, ports: [9500, 1]).sockets.count == 2)
        #expect(try read(text, ports: [1]).sockets.isEmpty)
    }

    @Test func garbageIsSkippedAndCounted() throws {
        let text = title + "garbage\n\n   \n" + Self.listener + "  7: ZZ\n" + "\u{0}\u{1b}[2J\n" + Self.established
        let snapshot = try read(text)
        #expect(snapshot.sockets.count == 2)
        #expect(snapshot.malformedLines == 3)
        let unknown = Self.listener.replacingOccurrences(of: " 0A ", with: " 0E ")
        #expect(try read(title + unknown).unknownStates == 1)
    }

    @Test func cutAtEveryLength() throws {
        for (line, isIPv6) in [(Self.listener, false), (Self.established, false), (Self.mapped, true)] {
            let bytes = Array(line.utf8.dropLast())
            let inodeEnd = try #require(line.range(of: isIPv6 ? " 888 " : line == Self.listener ? " 12345 " : " 777 "))
            let whole = line.utf8.distance(from: line.startIndex, to: inodeEnd.upperBound)
            for length in 0...bytes.count {
                let cut = Array(bytes[..<length])
                switch ProcNetTCPLine.parse(cut.span, 0..<length, isIPv6: isIPv6) {
                case .socket(let socket): #expect(length >= whole && [12345, 777, 888].contains(socket.inode))
                case .title: #expect(cut.allSatisfy { $0 == 0x20 })
                case .malformed, .unknownState: #expect(length < whole)
                }
            }
            // As the end of a file without a final line feed, the line counts as cut.
            if !isIPv6 {
                let snapshot = try read(title + line.dropLast(20))
                #expect(snapshot.sockets.isEmpty && snapshot.malformedLines == 1)
            }
        }
    }

    @Test func everySingleByteDamaged() {
        let bytes = Array(Self.established.utf8.dropLast())
        var generator = SplitMix(seed: 793)
        var sockets = 0
        var malformed = 0
        for position in bytes.indices {
            for _ in 0..<8 {
                var damaged = bytes
                damaged[position] = UInt8.random(in: 0...255, using: &generator)
                switch ProcNetTCPLine.parse(damaged.span, 0..<damaged.count, isIPv6: false) {
                case .socket: sockets += 1
                case .malformed: malformed += 1
                case .title, .unknownState: break
                }
                // Damage of one octet makes no IPv6 address.
                if case .socket = ProcNetTCPLine.parse(damaged.span, 0..<damaged.count, isIPv6: true) {
                    Issue.record("an IPv6 socket from \(damaged)")
                }
            }
        }
        // Octets that matter were hit, and some that do not.
        #expect(sockets > 100 && malformed > 100, "\(sockets) sockets, \(malformed) malformed")
    }

    @Test func linesAcrossTheBufferAndTooLongOnes() throws {
        let many = (0..<50).map { Self.established.replacingOccurrences(of: ":8C54 ", with: ":8C\($0 + 10) ") }.joined()
        for size in [256, 257, 300, 511, 1024] {
            #expect(try read(title + many, bufferSize: size).sockets.count == 50)
        }
        let long = String(repeating: "x", count: 5000) + "\n"
        let snapshot = try read(title + long + Self.listener, bufferSize: 256)
        #expect(snapshot.sockets.count == 1 && snapshot.malformedLines == 1)
    }

    @Test func missingTables() throws {
        let proc = try FakeProc()
        var reader = ProcNetTCP(root: proc.root)
        let error = #expect(throws: KernelViewError.self) { try reader.read() }
        #expect(error?.description == "\(proc.root)/net/tcp: No such file or directory")
        try proc.write("net/tcp", title)
        #expect(try reader.read().isEmpty)
    }

    @Test func aHundredThousandLines() throws {
        var text = title
        for number in 0..<100_000 {
            text += "\(number): 0100007F:" + String(number % 60_000 + 1024, radix: 16).leftPadded
            text += " 0\(number / 60_000 + 1)00007F:251C 01 00000000:00000000 00:00000000 00000000  1000        0"
            text += " \(number + 1) 1 00000000e3b8e0a7 20 4 30 10 -1                      \n"
        }
        let proc = try FakeProc()
        try proc.write("net/tcp", text)
        var reader = ProcNetTCP(root: proc.root)
        var snapshot = SocketSnapshot()
        try reader.read(into: &snapshot)
        try reader.read(into: &snapshot)
        #expect(snapshot.sockets.count == 100_000 && snapshot.malformedLines == 0)
        let last = snapshot.sockets[99_999]
        #expect(snapshot.socket(local: last.local, remote: last.remote)?.inode == 100_000)
        print("100,000 lines: \(snapshot.readNanoseconds / 1_000_000) ms")
        #expect(snapshot.readNanoseconds < 10 * Span.second)
    }
}

extension String {
    /// Padded with zeros to four upper-case hexadecimal digits.
    fileprivate var leftPadded: String { String(repeating: "0", count: 4 - count) + uppercased() }
}
