// Live: two network namespaces have connections with the same ends at the same time (CASES X18). The fate of the other
// connection must not be reported for the captured one.

import Foundation
import Testing

/// Makes both ends of a connection in this namespace, and of a connection with the same ends in another namespace,
/// where the client aborts.
private let script = #"""
    import ctypes, os, signal, socket, struct, subprocess, sys, time
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    tcptrace, out = sys.argv[1:]
    def run(words): subprocess.run(words.split(), check=True)
    def connect():
        l = socket.socket(); l.bind(('127.0.0.1', 9000)); l.listen(1)
        c = socket.socket(); c.bind(('127.0.0.1', 40000)); c.connect(('127.0.0.1', 9000))
        s, _ = l.accept(); l.close(); c.sendall(b'hello'); s.recv(5)
        return c, s
    go = os.pipe()
    twin = os.fork()
    if twin == 0:
        ctypes.CDLL(None).unshare(0x40000000); run('ip link set lo up'); os.read(go[0], 1)
        c, s = connect(); time.sleep(0.1)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); c.close()
        try: s.recv(1)
        except ConnectionResetError: print('reset', flush=True)
        os._exit(0)
    run('ip link set lo up')
    tracer = subprocess.Popen([tcptrace, '-i', 'lo', '-v', '-T', 'json', '-w', out + '/trace.pcapng'],
                              stdout=open(out + '/json', 'w'), stderr=open(out + '/errors', 'w'))
    for _ in range(1000):
        if 'listening on lo' in open(out + '/errors').read(): break
        time.sleep(0.01)
    c, s = connect(); time.sleep(0.1); os.write(go[1], b'1'); os.waitpid(twin, 0); time.sleep(0.2)
    s.sendall(b'world'); c.recv(5); c.close(); s.recv(1); s.close()
    time.sleep(0.5); tracer.send_signal(signal.SIGINT); tracer.wait()
    """#

extension KernelTests {
    @Suite(.enabled(if: isRoot && canUnshare, "needs root, unshare and ip")) struct TwinTests {
        @Test(.timeLimit(.minutes(1))) func X18_anotherNamespacesResetEndsNothingHere() throws {
            let scratch = try Scratch()
            let made = try Program(
                "/usr/bin/unshare", ["-n", "python3", "-c", script, Program.tcptrace, scratch.path]
            ).end()
            #expect(made.code == 0 && made.text == "reset\n", "\(made)")
            let live = try String(contentsOfFile: scratch.file("json"), encoding: .utf8)
            let records = try live.split(separator: "\n").compactMap {
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
            }
            let connections = records.filter { $0["_path"] as? String == "conn" }
            try #require(connections.count == 1, "\(live)")
            #expect(connections[0]["outcome"] as? String == "closed" && connections[0]["findings"] == nil, "\(live)")
            #expect(connections[0]["orig_state"] as? String == "time_wait")
            func states(_ side: String) -> [String] {
                records.filter { $0["endpoint"] as? String == side && $0["event"] as? String == "transition" }
                    .compactMap { $0["to"] as? String }
            }
            #expect(states("orig") == ["syn_sent", "established", "fin_wait_1", "fin_wait_2", "closed"], "\(live)")
            #expect(states("resp") == ["syn_received", "established", "close_wait", "last_ack", "closed"], "\(live)")
            let ends = ["uncaptured", "reset_sent", "reset_received", "mismatch"]
            #expect(!records.contains { ends.contains($0["event"] as? String ?? "") }, "\(live)")
            let replay = try Program(Program.tcptrace, ["-r", scratch.file("trace.pcapng"), "-v", "-T", "json"]).end()
            #expect(try differences(live: live, replay: replay.text) == [])
        }
    }
}
