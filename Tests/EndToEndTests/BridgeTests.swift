// Live copies of frames: two hosts at a real bridge, captured at every port of the bridge at once (CASES X1, X18).
// Everything that the tests create lives in network namespaces of their own processes, and disappears with them.

import Foundation
import Testing

private let tools = ["/usr/bin/unshare", "/usr/sbin/ip"]
private let canBridge: Bool = {
    guard isRoot, tools.allSatisfy({ FileManager.default.isExecutableFile(atPath: $0) }) else { return false }
    let attempt = "unshare -n ip link add br0 type bridge && unshare -n ip link add v1 type veth peer name e1"
    return (try? shell(attempt).code) == 0
}()
/// Whether nft can drop a few segments after the capture point and before a host sees them.
private let canDrop = FileManager.default.isExecutableFile(atPath: "/usr/sbin/nft")

@Suite("Copies of frames, at a bridge", .serialized, .enabled(if: canBridge, "needs root, ip, veth pairs and bridges"))
struct BridgeTests {
    /// One host, in a namespace of its own: a server, or a client that reports what its kernel counted.
    private static let host = #"""
        import socket, struct, subprocess, sys, time
        def ip(*words): subprocess.run(['ip', *words], check=True)
        def info(s):
            b = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
            return '%d %d' % (struct.unpack_from('I', b, 100)[0], struct.unpack_from('I', b, 136)[0])
        print('here', flush=True)
        name, own, other, stamps, drops = sys.stdin.readline().split()
        open('/proc/sys/net/ipv4/tcp_timestamps', 'w').write(stamps)
        if drops == '1':
            # No SYN: a timer and a repeated SYN may make two SYN-ACKs within a millisecond, which look like copies.
            some = 'tcp flags & syn == 0 tcp %s 9500 numgen inc mod %s drop; '
            rules = some % ('dport', '41 7') + some % ('sport', '37 11')
            table = 'table inet t { chain c { type filter hook input priority 0; %s }; }' % rules
            subprocess.run(['nft', '-f', '-'], input=table, text=True, check=True)
        def other_family(a): return a.replace('10.9.0.', 'fd09::')
        ip('addr', 'add', own + '/24', 'dev', name)
        ip('addr', 'add', other_family(own) + '/64', 'dev', name, 'nodad')
        ip('link', 'set', name, 'up')
        ends = [(socket.AF_INET, own, other), (socket.AF_INET6, other_family(own), other_family(other))]
        def serve():
            listeners = []
            for family, me, peer in ends:
                s = socket.socket(family); s.bind((me, 9500)); s.listen(5); listeners.append(s)
            print('listens', flush=True)
            while True:
                c, _ = listeners[int(sys.stdin.readline())].accept()
                while c.recv(10000): c.sendall(b'x' * 100)
                c.shutdown(socket.SHUT_WR); time.sleep(0.5); print(info(c), flush=True); c.close()
        def call():
            while True:
                which, rounds = [int(x) for x in sys.stdin.readline().split()]
                c = socket.socket(ends[which][0]); c.connect((ends[which][2], 9500))
                for _ in range(rounds):
                    c.sendall(b'y' * 200); c.recv(10000); time.sleep(0.005)
                c.shutdown(socket.SHUT_WR)
                while c.recv(10000): pass
                time.sleep(0.5); print(info(c), flush=True); c.close()
        try: serve() if own.endswith('.2') else call()
        except ValueError: pass
        """#

    /// The bridge and its two hosts. Each line on standard input orders one connection: family and rounds. The answer
    /// has retransmissions and segments as counted by the client's kernel, then by the server's.
    private static let bridge = #"""
        import subprocess, sys
        def ip(*words): subprocess.run(['ip', *words], check=True)
        def say(h, text): h.stdin.write(text + '\n'); h.stdin.flush()
        host, stamps, drops = sys.argv[1:]
        ip('link', 'set', 'lo', 'up')
        ip('link', 'add', 'br0', 'type', 'bridge'); ip('link', 'set', 'br0', 'up')
        hosts = []
        for n in (1, 2):
            h = subprocess.Popen(['unshare', '-n', sys.executable, '-u', '-c', host], text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            hosts.append(h)
            h.stdout.readline()
            ip('link', 'add', 'v%d' % n, 'type', 'veth', 'peer', 'name', 'e%d' % n, 'netns', str(h.pid))
            ip('link', 'set', 'v%d' % n, 'master', 'br0', 'up')
            say(h, 'e%d 10.9.0.%d 10.9.0.%d %s %s' % (n, n, 3 - n, stamps, drops))
        client, server = hosts
        server.stdout.readline()
        print('ready', flush=True)
        for line in sys.stdin:
            say(server, line.split()[0]); say(client, line.strip())
            print(client.stdout.readline().strip(), server.stdout.readline().strip(), flush=True)
        for h in hosts: h.stdin.close(); h.kill()
        """#

    /// The facts that must be the same wherever a connection is captured.
    private struct Facts: Equatable, CustomStringConvertible {
        var description: String
        static func == (left: Facts, right: Facts) -> Bool { left.description == right.description }

        init(_ record: [String: Any], states: [String]) {
            let keys = [
                "id.orig_h", "id.orig_p", "outcome", "conn_state", "orig_pkts", "resp_pkts", "orig_bytes",
                "resp_bytes", "orig_ip_bytes", "resp_ip_bytes", "retransmissions", "missed_bytes", "completeness",
            ]
            // Segments that cross on the way pass two ports in different orders, so each side's letters are compared
            // separately.
            let letters = record["history"] as? String ?? "-"
            let sides = "\(letters.filter(\.isUppercase)) \(letters.filter(\.isLowercase))"
            description =
                keys.map { "\($0)=\(record[$0] ?? "-")" }.joined(separator: " ") + " history=\(sides) \(states)"
        }
    }

    private static func facts(_ program: Program) throws -> (all: [Facts], records: [[String: Any]]) {
        program.signal(SIGINT)
        let outcome = try program.end()
        #expect(outcome.errors.contains("0 packets dropped by kernel"), "\(outcome.errors)")
        let connections = try records(outcome, "conn").sorted {
            ($0["id.orig_h"] as? String ?? "") < ($1["id.orig_h"] as? String ?? "")
        }
        let states = try records(outcome, "state")
        return (
            connections.map { connection in
                let own = states.filter { $0["uid"] as? String == connection["uid"] as? String }
                return Facts(
                    connection, states: own.map { "\($0["endpoint"] ?? "")-\($0["to"] ?? "")-\($0["rule"] ?? "")" })
            }, connections
        )
    }

    @Test(
        "each segment is captured at several ports, and counts once: as many, and the same, as at one port",
        arguments: ["1", "0"])
    func copies(timestamps: String) throws {
        let scratch = try Scratch()
        let orders = scratch.file("orders")
        #expect(try shell(#"mkfifo "$1""#, orders).code == 0)
        // Opened for reading and writing, so that opening does not wait for the reader.
        let writer = try #require(FileHandle(forUpdatingAtPath: orders))
        defer { try? writer.close() }
        let arguments = ["-n", "python3", "-u", "-c", Self.bridge, Self.host, timestamps, canDrop ? "1" : "0"]
        let bridge = try Program("/usr/bin/unshare", arguments, input: orders)
        try bridge.say("ready", 20)

        let place = ["--netns", "\(bridge.pid)", "--no-kernel", "-T", "json"]
        let captures = [["-i", "v1"], ["-i", "any"], ["-i", "v1", "-i", "v2", "-i", "br0"]]
        let traces = try captures.map { try Program(Program.tcptrace, place + $0 + ["tcp port 9500"]) }
        for (trace, capture) in zip(traces, captures) { try trace.say("listening on \(capture[capture.count - 1])") }
        // Each direction comes in by another port, so each of these two captures sees half of every connection.
        let halves = try Program(
            Program.tcptrace, place + ["-Q", "in", "-i", "v1", "-i", "v2", "tcp port 9500"])
        try halves.say("listening on v2")

        var counted: [[Int]] = []
        for family in 0...1 {
            try writer.write(contentsOf: Data("\(family) 40\n".utf8))
            var answer: [String] = []
            #expect(
                wait(30) {
                    answer = bridge.output.split(separator: "\n").map(String.init)
                    return answer.count == family + 2 && bridge.output.hasSuffix("\n")
                }, "\(bridge.output) \(bridge.errors)")
            counted.append(answer.last?.split(separator: " ").compactMap { Int($0) } ?? [])
        }
        try #require(counted.allSatisfy { $0.count == 4 }, "\(counted)")
        usleep(300_000)

        let (one, plain) = try Self.facts(traces[0])
        #expect(one.count == 2)
        for record in plain {
            #expect(record["duplicate_frames"] == nil && record["outcome"] as? String == "closed", "\(record)")
        }
        for (record, numbers) in zip(plain, counted) {
            // The retransmissions that the two kernels counted, and the client's segments.
            #expect(record["retransmissions"] as? Int == numbers[0] + numbers[2], "\(record) \(numbers)")
            // The socket does not count what TIME_WAIT sends in answer to a repeated FIN.
            let sent = record["orig_pkts"] as? Int ?? 0
            #expect((numbers[1]...numbers[1] + 2).contains(sent), "\(record) \(numbers)")
            #expect(!canDrop || numbers[0] + numbers[2] > 0)
        }
        for (trace, copies) in zip(traces.dropFirst(), [2, 3]) {
            let (found, records) = try Self.facts(trace)
            #expect(found == one)
            for record in records {
                let packets = (record["orig_pkts"] as? Int ?? 0) + (record["resp_pkts"] as? Int ?? 0)
                #expect(record["duplicate_frames"] as? Int ?? 0 >= packets * (copies - 1))
            }
        }
        let (merged, _) = try Self.facts(halves)
        #expect(merged == one, "two interfaces, one direction each, in the order of their times")
    }
}
