// Live: a host that redirects its own connections to a local server, as in front of a service mesh's proxy (CASES X1).
// The address that the client called, the server's address, both processes and both sockets belong to one connection.

import Foundation
import Testing

/// In a network namespace of its own: two calls to another host are redirected to a proxy, and a third to a port
/// without a listener.
private let script = #"""
    import os, signal, socket, subprocess, sys, time
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    def run(words): subprocess.run(words.split(), check=True)
    for words in ('ip link set lo up', 'ip link add v0 type veth peer name v1', 'ip link set v0 up', 'ip link set v1 up',
                  'ip addr add 10.2.0.2/24 dev v0', 'ip route add 10.1.0.0/24 via 10.2.0.1',
                  'ip addr add fd02::2/64 dev v0 nodad', 'ip route add fd01::/64 via fd02::1'):
        run(words)
    subprocess.run(['nft', '-f', '-'], check=True, text=True, input='''
        table inet t {
            chain o {
                type nat hook output priority -100;
                ip daddr 10.1.0.2 tcp dport 80 redirect to :15001
                ip6 daddr fd01::2 tcp dport 80 redirect to :15001
                ip daddr 10.1.0.2 tcp dport 99 redirect to :7099
            }
        }
        ''')
    if len(sys.argv) == 1: sys.exit()
    tcptrace, out = sys.argv[1:]
    proxy = socket.socket(socket.AF_INET6); proxy.bind(('::', 15001)); proxy.listen(5)
    if os.fork() == 0:
        for _ in range(2):
            c, _ = proxy.accept(); c.sendall(b'answer' + c.recv(100)); c.recv(1); c.close()
        os._exit(0)
    proxy.close()
    tracer = subprocess.Popen([tcptrace, '-i', 'lo', '-v', '-T', 'json', '-w', out + '/trace.pcapng'],
                              stdout=open(out + '/json', 'w'), stderr=open(out + '/errors', 'w'))
    for _ in range(1000):
        if 'listening on lo' in open(out + '/errors').read(): break
        time.sleep(0.01)
    for address in '10.1.0.2', 'fd01::2':
        c = socket.create_connection((address, 80)); c.sendall(b'hello'); c.recv(100); time.sleep(0.3); c.close()
    try: socket.create_connection(('10.1.0.2', 99))
    except ConnectionRefusedError: print('refused')
    os.wait(); time.sleep(0.3); tracer.send_signal(signal.SIGINT); tracer.wait()
    """#

/// Two hosts. One calls a service address, which its rules translate to the address of the other host (as on Kubernetes
/// nodes). Calls from the other host are redirected on arrival (as in front of a proxy for outside traffic). Traced
/// between the two.
private let between = #"""
    import ctypes, os, signal, socket, subprocess, sys, time
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    tcptrace, out = sys.argv[1:]
    def run(words): subprocess.run(words.split(), check=True)
    def serve(address):
        l = socket.socket(); l.bind(address); l.listen(5)
        if os.fork() == 0:
            c, _ = l.accept(); c.sendall(b'answer' + c.recv(100)); c.recv(1); c.close(); os._exit(0)
        l.close()
    def call(address):
        c = socket.create_connection(address); c.sendall(b'hello'); c.recv(100); time.sleep(0.3); c.close()
    ready, go, made = os.pipe(), os.pipe(), os.pipe()
    other = os.fork()
    if other == 0:
        ctypes.CDLL(None).unshare(0x40000000)
        os.write(ready[1], b'1'); os.read(made[0], 1)
        for words in ('ip link set lo up', 'ip addr add 10.9.0.2/24 dev vb', 'ip link set vb up'): run(words)
        serve(('10.9.0.2', 8080)); os.write(ready[1], b'1'); os.read(go[0], 1)
        call(('10.9.0.1', 80)); os._exit(0)
    os.read(ready[0], 1)
    for words in ('ip link set lo up', 'ip link add va type veth peer name vb netns %d' % other,
                  'ip addr add 10.9.0.1/24 dev va', 'ip link set va up', 'ip route add 10.96.0.0/24 via 10.9.0.2'):
        run(words)
    subprocess.run(['nft', '-f', '-'], check=True, text=True, input='''
        table ip t {
            chain o {
                type nat hook output priority -100;
                ip daddr 10.96.0.10 tcp dport 80 dnat to 10.9.0.2:8080
            }
            chain p {
                type nat hook prerouting priority -100;
                tcp dport 80 redirect to :15006
            }
        }
        ''')
    os.write(made[1], b'1'); os.read(ready[0], 1); serve(('0.0.0.0', 15006))
    tracer = subprocess.Popen([tcptrace, '-i', 'va', '-v', '-T', 'json', '-w', out + '/trace.pcapng'],
                              stdout=open(out + '/json', 'w'), stderr=open(out + '/errors', 'w'))
    for _ in range(1000):
        if 'listening on va' in open(out + '/errors').read(): break
        time.sleep(0.01)
    call(('10.96.0.10', 80)); os.write(go[1], b'1'); os.waitpid(other, 0)
    time.sleep(0.3); tracer.send_signal(signal.SIGINT); tracer.wait()
    """#

/// A node whose container calls a server elsewhere: the container's address is translated to the node's, first with the
/// same port, then with another one. Traced on both sides of the node at once.
private let masquerade = #"""
    import ctypes, os, signal, socket, subprocess, sys, time
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    tcptrace, out = sys.argv[1:]
    def run(words): subprocess.run(words.split(), check=True)
    made, go = os.pipe(), os.pipe()
    def host(link, address, gateway, work):
        ready = os.pipe()
        pid = os.fork()
        if pid == 0:
            ctypes.CDLL(None).unshare(0x40000000)
            os.write(ready[1], b'1'); os.read(made[0], 1)
            for words in ('ip link set lo up', 'ip addr add %s/24 dev %s' % (address, link), 'ip link set %s up' % link,
                          'ip route add default via %s' % gateway):
                run(words)
            work(ready); os._exit(0)
        os.read(ready[0], 1)
        return pid, ready
    def serve(ready):
        l = socket.socket(); l.bind(('10.9.0.2', 8080)); l.listen(5); os.write(ready[1], b'1')
        for _ in range(2):
            c, _ = l.accept(); c.sendall(b'answer' + c.recv(100)); c.recv(1); c.close()
    def call(ready):
        os.write(ready[1], b'1')
        for port in 40001, 40002:
            os.read(go[0], 1)
            c = socket.socket(); c.bind(('172.17.0.2', port)); c.connect(('10.9.0.2', 8080))
            c.sendall(b'hello'); c.recv(100); time.sleep(0.3); c.close(); os.write(ready[1], b'1')
    server, served = host('s0', '10.9.0.2', '10.9.0.1', serve)
    client, called = host('c0', '172.17.0.2', '172.17.0.1', call)
    for words in ('ip link set lo up', 'ip link add vs type veth peer name s0 netns %d' % server,
                  'ip link add vc type veth peer name c0 netns %d' % client,
                  'ip addr add 10.9.0.1/24 dev vs', 'ip addr add 172.17.0.1/24 dev vc', 'ip link set vs up',
                  'ip link set vc up', 'sysctl -qw net.ipv4.ip_forward=1'):
        run(words)
    subprocess.run(['nft', '-f', '-'], check=True, text=True, input='''
        table ip t {
            chain p {
                type nat hook postrouting priority 100;
                tcp sport 40002 oifname vs masquerade to :50000-50099 random
                oifname vs masquerade
            }
        }
        ''')
    os.write(made[1], b'11'); os.read(served[0], 1); os.read(called[0], 1)
    tracers = []
    for link in 'vs', 'vc':
        tracers.append(subprocess.Popen(
            [tcptrace, '-i', link, '-v', '-T', 'json', '-w', out + '/%s.pcapng' % link],
            stdout=open(out + '/%s.json' % link, 'w'), stderr=open(out + '/%s.errors' % link, 'w')))
        for _ in range(1000):
            if 'listening on' in open(out + '/%s.errors' % link).read(): break
            time.sleep(0.01)
    for _ in range(2): os.write(go[1], b'1'); os.read(called[0], 1); time.sleep(0.1)
    os.waitpid(client, 0); os.waitpid(server, 0); time.sleep(0.3)
    for tracer in tracers: tracer.send_signal(signal.SIGINT); tracer.wait()
    """#

private let canRedirect: Bool = {
    guard isRoot, canUnshare, FileManager.default.isExecutableFile(atPath: "/usr/sbin/nft") else { return false }
    return (try? Program("/usr/bin/unshare", ["-n", "python3", "-c", script]).end().code) == 0
}()

extension KernelTests {
    @Suite(.enabled(if: canRedirect, "needs root, ip and nft with redirect")) struct RedirectedTests {
        /// The results of a trace: its output, its errors, all records, and the connection records in the order of the
        /// SYNs.
        private func told(
            _ scratch: Scratch, _ name: String = ""
        ) throws -> (live: String, errors: String, records: [[String: Any]], connections: [[String: Any]]) {
            let live = try String(contentsOfFile: scratch.file("\(name)json"), encoding: .utf8)
            let errors = try String(contentsOfFile: scratch.file("\(name)errors"), encoding: .utf8)
            let records = try live.split(separator: "\n").compactMap {
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            }
            let connections = records.filter { $0["_path"] as? String == "conn" }.sorted {
                $0["ts_ns"] as? Int ?? 0 < $1["ts_ns"] as? Int ?? 0
            }
            return (live, errors, records, connections)
        }

        @Test(.timeLimit(.minutes(1))) func X1_bothHalvesAreOneConnection() throws {
            let scratch = try Scratch()
            let made = try Program(
                "/usr/bin/unshare", ["-n", "python3", "-c", script, Program.tcptrace, scratch.path]
            ).end()
            #expect(made.code == 0 && made.text == "refused\n", "\(made)")
            let (live, errors, records, connections) = try told(scratch)
            #expect(connections.count == 3, "\(live)\n\(errors)")
            #expect(connections.map { $0["called_h"] as? String } == ["10.1.0.2", "fd01::2", "10.1.0.2"])
            #expect(connections.map { $0["called_p"] as? Int } == [80, 80, 99])
            #expect(connections.map { $0["id.resp_h"] as? String } == ["127.0.0.1", "::1", "127.0.0.1"])
            #expect(connections.map { $0["id.resp_p"] as? Int } == [15001, 15001, 7099])
            #expect(connections.map { $0["conn_state"] as? String } == ["SF", "SF", "REJ"])
            for connection in connections.prefix(2) {
                #expect(connection["orig_state"] as? String == "time_wait")
                #expect(connection["resp_state"] as? String == "closed")
                #expect(connection["orig_process"] != nil && connection["resp_process"] != nil, "\(connection)")
                let own = records.filter {
                    $0["_path"] as? String == "kernel" && $0["uid"] as? String == connection["uid"] as? String
                }
                func states(_ side: String) -> [String] {
                    own.filter { $0["endpoint"] as? String == side && $0["event"] as? String == "transition" }
                        .compactMap { $0["to"] as? String }
                }
                #expect(states("orig") == ["syn_sent", "established", "fin_wait_1", "fin_wait_2", "closed"])
                #expect(states("resp") == ["syn_received", "established", "close_wait", "last_ack", "closed"])
                #expect(!own.contains { $0["event"] as? String == "contradiction" }, "\(own)")
            }
            let findings = records.filter { $0["_path"] as? String == "finding" }
            #expect(findings.map { $0["code"] as? String } == ["refused"], "\(findings)")
            #expect((findings.first?["evidence"] as? [String: Any])?["called"] as? String == "10.1.0.2:99")
            #expect(!errors.contains("nothing of it was captured"), "\(errors)")

            let replay = try Program(Program.tcptrace, ["-r", scratch.file("trace.pcapng"), "-v", "-T", "json"]).end()
            #expect(try differences(live: live, replay: replay.text) == [])
            // The Zeek output has each half as a connection of its own.
            let zeek = try Program(Program.tcptrace, ["-r", scratch.file("trace.pcapng"), "-T", "zeek"]).end().text
            #expect(zeek.split(separator: "\n").count { !$0.hasPrefix("#") } == 6, "\(zeek)")
            let drawn = try Program(
                Program.tcptrace, ["-r", scratch.file("trace.pcapng"), "--width", "100"]
            ).end().text
            #expect(drawn.contains("|   client called 10.1.0.2:80 (redirected)   |"), "\(drawn)")
            #expect(
                drawn.contains("|    client called fd01::2.80 (redirected)   |") || drawn.contains("[fd01::2]:80"),
                "\(drawn)")
        }

        @Test(.timeLimit(.minutes(1))) func X1_socketsBehindTheCaptureAreFound() throws {
            let scratch = try Scratch()
            let made = try Program(
                "/usr/bin/unshare", ["-n", "python3", "-c", between, Program.tcptrace, scratch.path]
            ).end()
            #expect(made.code == 0, "\(made)")
            let (live, errors, records, connections) = try told(scratch)
            try #require(connections.count == 2, "\(live)\n\(errors)")
            #expect(connections.map { $0["conn_state"] as? String } == ["SF", "SF"])
            #expect(connections[0]["called_h"] as? String == "10.96.0.10" && connections[0]["called_p"] as? Int == 80)
            #expect(connections[1]["served_h"] as? String == "10.9.0.1" && connections[1]["served_p"] as? Int == 15006)
            for (connection, side) in zip(connections, ["orig", "resp"]) {
                #expect(connection["\(side)_process"] != nil, "\(connection)")
                let states = records.filter {
                    $0["event"] as? String == "transition" && $0["uid"] as? String == connection["uid"] as? String
                        && $0["endpoint"] as? String == side
                }.compactMap { $0["to"] as? String }
                let client = ["syn_sent", "established", "fin_wait_1", "fin_wait_2", "closed"]
                let server = ["syn_received", "established", "close_wait", "last_ack", "closed"]
                #expect(states == (side == "orig" ? client : server))
            }
            #expect(records.filter { $0["event"] as? String == "translated" }.count == 2)
            #expect(!records.contains { $0["_path"] as? String == "finding" }, "\(live)")
            #expect(!errors.contains("nothing of it was captured"), "\(errors)")
            let replay = try Program(
                Program.tcptrace, ["-r", scratch.file("trace.pcapng"), "-v", "-T", "json"]
            ).end()
            #expect(try differences(live: live, replay: replay.text) == [])
        }

        @Test(.timeLimit(.minutes(1))) func X1_aContainersSocketIsFoundBehindItsNode() throws {
            let scratch = try Scratch()
            let made = try Program(
                "/usr/bin/unshare", ["-n", "python3", "-c", masquerade, Program.tcptrace, scratch.path]
            ).end()
            #expect(made.code == 0, "\(made)")
            func states(_ records: [[String: Any]], _ connection: [String: Any], _ side: String) -> [String] {
                records.filter {
                    $0["event"] as? String == "transition" && $0["uid"] as? String == connection["uid"] as? String
                        && $0["endpoint"] as? String == side
                }.compactMap { $0["to"] as? String }
            }
            let client = ["syn_sent", "established", "fin_wait_1", "fin_wait_2", "closed"]
            let server = ["syn_received", "established", "close_wait", "last_ack", "closed"]
            // Beyond the node: both connections have the node's address, and the clients' sockets are the container's.
            let beyond = try told(scratch, "vs.")
            try #require(beyond.connections.count == 2, "\(beyond)")
            #expect(beyond.connections.map { $0["id.orig_h"] as? String } == ["10.9.0.1", "10.9.0.1"])
            #expect(beyond.connections.map { $0["client_h"] as? String } == ["172.17.0.2", "172.17.0.2"])
            #expect(beyond.connections.map { $0["client_p"] as? Int } == [40001, 40002])
            #expect(beyond.connections[0]["id.orig_p"] as? Int == 40001)
            #expect(50000...50099 ~= beyond.connections[1]["id.orig_p"] as? Int ?? 0)
            for connection in beyond.connections {
                #expect(connection["orig_process"] != nil && connection["resp_process"] != nil, "\(connection)")
                #expect(states(beyond.records, connection, "orig") == client)
                #expect(states(beyond.records, connection, "resp") == server)
            }
            // Before the node: the server's socket knows the node's address, which identifies the connection as long as
            // the port is the client's.
            let before = try told(scratch, "vc.")
            try #require(before.connections.count == 2, "\(before)")
            #expect(before.connections.map { $0["id.orig_h"] as? String } == ["172.17.0.2", "172.17.0.2"])
            #expect(before.connections.map { $0["caller_h"] as? String } == ["10.9.0.1", nil])
            #expect(before.connections.map { $0["caller_p"] as? Int } == [40001, nil])
            #expect(states(before.records, before.connections[0], "resp") == server)
            for (name, live) in [("vs", beyond), ("vc", before)] {
                #expect(!live.records.contains { $0["_path"] as? String == "finding" }, "\(live)")
                let replay = try Program(
                    Program.tcptrace, ["-r", scratch.file("\(name).pcapng"), "-v", "-T", "json"]
                ).end()
                #expect(try differences(live: live.live, replay: replay.text) == [])
            }
        }
    }
}
