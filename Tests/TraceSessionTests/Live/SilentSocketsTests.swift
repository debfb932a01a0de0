// What the end of a live trace says about sockets whose segments were not captured.

import Foundation
import Testing

@testable import TraceSession

@Suite struct SilentSocketsTests {
    /// The sentences for a /proc whose net/tcp has these lines.
    private static func sentences(
        _ lines: [String], filter: String, interfaces: [String] = []
    ) throws -> [String] {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("silent-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        try FileManager.default.createDirectory(
            at: root.appendingPathComponent("net"), withIntermediateDirectories: true)
        let text = (["  sl  local_address rem_address   st"] + lines).joined(separator: "\n") + "\n"
        try text.write(to: root.appendingPathComponent("net/tcp"), atomically: true, encoding: .utf8)
        return SilentSockets.sentences(filter: filter, interfaces: interfaces, root: root.path)
    }

    private static func line(_ ports: String, state: String, inode: Int) -> String {
        let (local, remote) = (ports.prefix(4), ports.suffix(4))
        return
            "   0: 0100007F:\(local) 0100007F:\(remote) \(state) 00000000:00000000 00:00000000 00000000     0        0"
            + " \(inode) 1 00000000e3b8e0a7 20 4 30 10 -1"
    }

    @Test func whatStandsStillIsCounted() throws {
        let lines = [
            Self.line("251C>0000", state: "0A", inode: 1), Self.line("251C>8C54", state: "08", inode: 2),
            Self.line("8C54>251C", state: "05", inode: 0), Self.line("251C>8C55", state: "08", inode: 3),
            Self.line("8C56>251C", state: "06", inode: 0),
        ]
        let said = try Self.sentences(lines, filter: "port 9500")
        #expect(
            said == [
                "no segment was captured, but there are 3 sockets (1 FIN_WAIT_2, 2 CLOSE_WAIT): tcptrace sockets port 9500"
                    + " shows them"
            ])
        #expect(try Self.sentences(Array(lines[...0]), filter: "port 9500").isEmpty, "a listener only waits")
        #expect(
            try Self.sentences(lines, filter: "port 80 or port 443") == [
                "nothing listens on port 80, 443 in this network namespace, and no process here connects to it: tcptrace sockets -a shows"
                    + " what listens"
            ])
        #expect(try Self.sentences(lines, filter: "").isEmpty, "of all ports there are always some")
    }

    @Test func whatAServerThatHasEndedLeftIsNobodys() throws {
        let left = Self.line("251C>8C54", state: "06", inode: 0)
        #expect(
            try Self.sentences([left], filter: "port 9500").first?.hasPrefix("nothing listens on port 9500 ") == true)
        let called = Self.line("8C54>251C", state: "06", inode: 0)
        #expect(try Self.sentences([called], filter: "port 9500").isEmpty, "somebody listened where it called")
    }

    @Test func whatGoesOverLoopbackIsNotSeenElsewhere() throws {
        let listener = Self.line("251C>0000", state: "0A", inode: 1)
        let lines = [listener, Self.line("8C56>251C", state: "06", inode: 0)]
        let open = Self.line("8C56>251C", state: "01", inode: 2)
        #expect(
            try Self.sentences(lines + [open], filter: "port 9500", interfaces: ["eth0"]) == [
                "a socket has both ends on this host, such as 127.0.0.1:35926 and 127.0.0.1:9500: what they send goes over lo, and"
                    + " only eth0 is traced: use -i lo or -i any"
            ])
        // A connection in TIME_WAIT sends nothing, so it is not mentioned.
        #expect(try Self.sentences(Array(lines[1...]), filter: "port 9500", interfaces: ["eth0"]).isEmpty)
        let said = try Self.sentences([listener], filter: "port 9500", interfaces: ["eth0", "tun0"])
        #expect(
            said == [
                "the listener on 127.0.0.1:9500 is reached only over lo, and only eth0, tun0 are traced: use -i lo or -i any"
            ])
        for interfaces in [["lo"], ["any"], ["eth0", "lo"], []] {
            #expect(try Self.sentences(lines, filter: "port 9500", interfaces: interfaces).isEmpty)
        }
    }

    @Test func aCallWhoseSynWasNotSeen() throws {
        let said = try Self.sentences([Self.line("8C54>251C", state: "02", inode: 9)], filter: "port 9500")
        #expect(
            said.count == 1 && said[0].hasPrefix("a process is in SYN_SENT to 127.0.0.1:9500, and its SYN was not seen")
        )
    }
}
