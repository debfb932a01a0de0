// /proc/net/snmp and netstat: counters by name, with columns missing or too many, and against the running kernel.

import Foundation
import Glibc
import TCPModel
import Testing

@testable import KernelSockets

@Suite(.serialized) struct HostCounterTests {
    static func read(snmp: String?, netstat: String?) throws -> HostCounters? {
        let proc = try FakeProc()
        if let snmp { try proc.write("net/snmp", snmp) }
        if let netstat { try proc.write("net/netstat", netstat) }
        return HostCounterReader(root: proc.root).read()
    }

    static let snmp = """
        Ip: Forwarding DefaultTTL
        Ip: 1 64
        Tcp: RtoAlgorithm MaxConn ActiveOpens CurrEstab RetransSegs
        Tcp: 1 -1 7 3 18446744073709551615
        Udp: InDatagrams
        Udp: 5

        """

    /// The file has one line of hexadecimal numbers for each processor; the lines are added up.
    @Test func whatConnectionTrackingDropped() throws {
        let proc = try FakeProc()
        try proc.write("net/snmp", Self.snmp)
        try proc.write(
            "net/stat/nf_conntrack", "entries  found drop early_drop\n00000003 0 0000000a 1\n00000003 0 6 1\n")
        #expect(HostCounterReader(root: proc.root).read()?["ConntrackDrop"] == 16)
        #expect(HostCounterReader.sum("drop", in: Array("entries\n1\n".utf8)) == nil)
        #expect(HostCounterReader.sum("drop", in: Array("entries drop\n1\n1 x\n1 2\n".utf8)) == 2)
    }

    /// When connect() finds no route, these counters are its only trace.
    @Test func whatFoundNoRoute() throws {
        let proc = try FakeProc()
        try proc.write("net/snmp", "Ip: Forwarding OutNoRoutes InReceives\nIp: 1 5 9\nTcp: ActiveOpens\nTcp: 1\n")
        try proc.write("net/snmp6", "Ip6InReceives                   \t9\nIp6OutNoRoutes                  \t7\n")
        let counters = try #require(HostCounterReader(root: proc.root).read())
        #expect(counters.values == ["IpOutNoRoutes": 5, "Ip6OutNoRoutes": 7, "TcpActiveOpens": 1])
        #expect(
            HostCounterReader.value(of: "Ip6OutNoRoutes", in: Array("Ip6OutNoRoutes\nIp6OutNoRoutes x\n".utf8)) == nil)
    }

    @Test func byName() throws {
        let counters = try #require(
            try Self.read(snmp: Self.snmp, netstat: "TcpExt: ListenOverflows TW\nTcpExt: 2 9\n"))
        #expect(
            counters.values == [
                "TcpRtoAlgorithm": 1, "TcpActiveOpens": 7, "TcpCurrEstab": 3, "TcpRetransSegs": .max,
                "TcpExtListenOverflows": 2, "TcpExtTW": 9,
            ])
    }

    @Test(
        arguments: [
            ("TcpExt: A B C\nTcpExt: 1 2\n", ["TcpExtA": 1, "TcpExtB": 2]),
            ("TcpExt: A\nTcpExt: 1 2 3\n", ["TcpExtA": 1]),
            ("TcpExt: A B\nTcpExt: x 2\n", ["TcpExtB": 2]),
            ("TcpExt: A\u{1b}[2J B\nTcpExt: 1 2\n", ["TcpExtB": 2]),
            ("TcpExt: A\n", [:]), ("TcpExt: A\nTcp: 1\n", [:]), ("", [:]), ("TcpExt:\nTcpExt:\n", [:]), (":\n:\n", [:]),
            ("junk\nTcpExt: A\nTcpExt: 4\njunk", ["TcpExtA": 4]),
            ("TcpExt: A\nTcpExt: 99999999999999999999999\n", [:]),
        ] as [(String, [String: UInt64])])
    func oddFiles(_ text: String, _ expected: [String: UInt64]) throws {
        #expect(HostCounterReader.parse(Array(text.utf8)) == expected)
        #expect(try Self.read(snmp: nil, netstat: text)?.values ?? [:] == expected)
    }

    @Test func noFilesAtAll() throws {
        #expect(try Self.read(snmp: nil, netstat: nil) == nil)
        #expect(HostCounterReader(root: "/nonexistent").read() == nil)
    }

    @Test func whatMoved() {
        func at(_ time: Int64, _ values: [String: UInt64]) -> HostCounters {
            HostCounters(time: Timestamp(nanoseconds: time), values: values)
        }
        let before = at(1, ["TcpRetransSegs": 5, "TcpCurrEstab": 1, "TcpExtA": 9, "TcpExtGone": 1, "TcpOutRsts": 3])
        let after = at(
            3, ["TcpRetransSegs": 7, "TcpCurrEstab": 9, "TcpExtA": 8, "TcpExtNew": 1, "TcpOutRsts": 3, "TcpExtB": 2])
        let change = after.change(since: before)
        #expect(change.increases == [.init(name: "TcpRetransSegs", count: 2)])
        #expect(change["TcpRetransSegs"] == 2 && change["TcpOutRsts"] == 0 && change["nonsense"] == 0)
        #expect(change.troubles.map(\.name) == ["TcpRetransSegs"])
        #expect(after.change(since: after).increases.isEmpty)
    }

    /// A refused connection is a failed attempt and a RST, and the kernel counts both. Other processes may add to the
    /// counts meanwhile.
    @Test func aRefusalIsCounted() throws {
        let reader = HostCounterReader()
        let before = try #require(reader.read())
        let listener = try TestSocket.listener()
        let port = listener.local().port
        shutdown(listener.number, Int32(SHUT_RDWR))
        let client = try TestSocket(Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(client.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(connected == -1 && errno == ECONNREFUSED)
        let change = try #require(reader.read()).change(since: before)
        #expect(change["TcpAttemptFails"] >= 1 && change["TcpOutRsts"] >= 1)
        #expect(change.increases.map(\.name) == change.increases.map(\.name).sorted())
        #expect(change.troubles.allSatisfy { !($0.trouble ?? "").isEmpty })
    }
}
