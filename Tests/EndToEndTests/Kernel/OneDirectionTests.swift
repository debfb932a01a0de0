// Live: only one direction is captured (CASES X5), and the RSTs go the other way. The kernels report them, so the trace
// says of each connection what a trace of both directions says.

import Foundation
import Testing

/// Two hosts, traced at the server's: one trace sees both directions, the other only what comes in. The server aborts
/// with and without SO_LINGER 0, receives text after its close(), and refuses a call to a port without a listener; then
/// a client aborts.
private let script = #"""
    import ctypes, os, signal, socket, struct, subprocess, sys, time
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    tcptrace, out = sys.argv[1:]
    def run(words): subprocess.run(words.split(), check=True)
    def linger(s): s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close()
    def call(port): return socket.create_connection(('10.9.0.1', port))
    ready, go = os.pipe(), os.pipe()
    other = os.fork()
    if other == 0:
        ctypes.CDLL(None).unshare(0x40000000)
        os.write(ready[1], b'1'); os.read(go[0], 1)
        for words in ('ip link set lo up', 'ip addr add 10.9.0.2/24 dev vb', 'ip link set vb up'): run(words)
        os.write(ready[1], b'1'); os.read(go[0], 1)
        for port in 1, 2:
            c = call(port); c.sendall(b'hello'); c.recv(5)
            try: c.recv(5)
            except ConnectionResetError: print('reset')
        c = call(3); c.recv(1); time.sleep(0.1); c.sendall(b'late'); time.sleep(0.2)
        try: c.sendall(b'later')
        except BrokenPipeError: print('broken')
        try: call(4)
        except ConnectionRefusedError: print('refused')
        c = call(5); c.sendall(b'hello'); c.recv(5); linger(c); sys.stdout.flush()
        os._exit(0)
    os.read(ready[0], 1)
    for words in ('ip link set lo up', 'ip link add va type veth peer name vb netns %d' % other,
                  'ip addr add 10.9.0.1/24 dev va', 'ip link set va up'):
        run(words)
    listeners = {}
    for port in 1, 2, 3, 5:
        listeners[port] = socket.socket(); listeners[port].bind(('10.9.0.1', port)); listeners[port].listen(5)
    os.write(go[1], b'1'); os.read(ready[0], 1)
    tracers = []
    for name, options in ('both', []), ('in', ['-Q', 'in']):
        tracers.append(subprocess.Popen(
            [tcptrace, '-i', 'va', '-v', '-T', 'json', '-w', out + '/%s.pcapng' % name] + options,
            stdout=open(out + '/%s.json' % name, 'w'), stderr=open(out + '/%s.errors' % name, 'w')))
        for _ in range(1000):
            if 'listening on' in open(out + '/%s.errors' % name).read(): break
            time.sleep(0.01)
    os.write(go[1], b'1')
    s, _ = listeners[1].accept(); s.recv(2); s.sendall(b'world'); time.sleep(0.1); s.close()
    s, _ = listeners[2].accept(); s.recv(5); s.sendall(b'world'); time.sleep(0.1); linger(s)
    s, _ = listeners[3].accept(); s.close()
    s, _ = listeners[5].accept(); s.recv(5); s.sendall(b'world')
    os.waitpid(other, 0); time.sleep(0.3)
    for tracer in tracers: tracer.send_signal(signal.SIGINT); tracer.wait()
    """#

extension KernelTests {
    @Suite(.enabled(if: isRoot && canUnshare, "needs root, unshare and ip")) struct OneDirectionTests {
        @Test(.timeLimit(.minutes(1))) func X5_kernelsTellOfTheResetsThatAreNotCaptured() throws {
            let scratch = try Scratch()
            let made = try Program(
                "/usr/bin/unshare", ["-n", "python3", "-c", script, Program.tcptrace, scratch.path]
            ).end()
            #expect(made.code == 0 && made.text == "reset\nreset\nbroken\nrefused\n", "\(made)")
            func told(_ name: String, _ path: String) throws -> [[String: Any]] {
                try String(contentsOfFile: scratch.file("\(name).json"), encoding: .utf8).split(separator: "\n")
                    .compactMap { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
                    .filter { $0["_path"] as? String == path }
            }
            func connections(_ name: String) throws -> [[String: Any]] {
                try told(name, "conn").sorted { $0["id.resp_p"] as? Int ?? 0 < $1["id.resp_p"] as? Int ?? 0 }
            }
            let live = try String(contentsOfFile: scratch.file("in.json"), encoding: .utf8)
            let (both, half) = try (connections("both"), connections("in"))
            try #require(both.count == 5 && half.count == 5, "\(live)")
            for key in ["outcome", "closed_by", "orig_state", "resp_state"] {
                #expect(half.map { $0[key] as? String } == both.map { $0[key] as? String }, "\(key): \(live)")
            }
            #expect(half.map { $0["outcome"] as? String } == ["reset", "reset", "reset", "refused", "reset"])
            #expect(
                half.map { ($0["findings"] as? [String] ?? []).filter { $0 != "capture-gap" } }
                    == both.map { $0["findings"] as? [String] ?? [] })
            #expect(
                half.map { ($0["findings"] as? [String])?.last }
                    == ["reset-unread-data", "reset-linger", "reset-after-close", "refused", "reset-linger"], "\(live)")
            let messages = try told("in", "finding").filter { $0["code"] as? String != "capture-gap" }
                .compactMap { $0["message"] as? String }
            #expect(messages.count { $0.contains("; the RST was not captured") } == 3, "\(messages)")
            #expect(messages.count { $0.contains("; neither the FIN nor the RST was captured") } == 1, "\(messages)")
            let replay = try Program(Program.tcptrace, ["-r", scratch.file("in.pcapng"), "-v", "-T", "json"]).end()
            #expect(try differences(live: live, replay: replay.text) == [])
            let drawn = try Program(Program.tcptrace, ["-r", scratch.file("in.pcapng"), "--width", "100"]).end().text
            #expect(drawn.contains("kernel: server is CLOSED, RST not captured"), "\(drawn)")
            #expect(drawn.contains("=> refused* (S0)") && drawn.contains("=> reset* (S0) by server"), "\(drawn)")
        }
    }
}
