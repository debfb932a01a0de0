// `--netns`: tracing and listing in the network namespace of one of the test's own processes.

import Foundation
import Testing

/// Brings loopback up, listens, and connects to itself repeatedly for some seconds. The port is chargen's: it is free
/// in a new namespace and unused outside it, while an ephemeral port may be in use there. One end closes after the
/// other: the kernel may drop a FIN that arrives while close() is running (`explain TCP_CLOSE`), and a dropped packet
/// has no namespace.
private let inside = """
    import socket, subprocess, threading, time
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    s = socket.socket(); s.bind(('127.0.0.1', 19)); s.listen(5)
    port = s.getsockname()[1]
    def serve():
        while True:
            c, _ = s.accept(); c.recv(10); c.close()
    threading.Thread(target=serve, daemon=True).start()
    print('port', port, flush=True)
    for _ in range(100):
        c = socket.create_connection(('127.0.0.1', port)); time.sleep(0.2); c.send(b'x'); c.recv(1); time.sleep(0.02); c.close()
    """

/// Whether a test may make a network namespace of its own.
let canUnshare =
    isRoot && ["/usr/bin/unshare", "/usr/sbin/ip"].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }

@Suite(.serialized, .enabled(if: canUnshare, "needs root, unshare and ip")) struct NetworkNamespaceTests {
    /// The other namespace's loopback interface has the same addresses, and its sockets may have the same ports.
    @Test func theLoopbackOfAnotherNamespaceIsNotOurs() throws {
        let peer = try Program("/usr/bin/unshare", ["-n", "python3", "-u", "-c", inside])
        try peer.say("\n")
        let port = try #require(Int(peer.output.split(separator: " ").last?.dropLast() ?? ""))
        let inside = try tcptrace("--netns", "\(peer.pid)", "-i", "lo", "-v", "--duration", "2", "tcp port \(port)")
        let outside = try tcptrace("-i", "lo", "-v", "--duration", "2", "tcp port \(port)")
        peer.signal(SIGKILL)
        #expect(
            !inside.errors.contains("\n0 kernel events read,") && inside.errors.contains(" kernel events read, 0 lost"))
        #expect(outside.errors.contains("\n0 kernel events read,"), "\(outside.errors)")
    }

    @Test func aProcesssNamespace() throws {
        let peer = try Program("/usr/bin/unshare", ["-n", "python3", "-u", "-c", inside])
        try peer.say("\n")
        let port = try #require(Int(peer.output.split(separator: " ").last?.dropLast() ?? ""))
        let outcome = try tcptrace(
            "--netns", "\(peer.pid)", "-i", "lo", "-T", "json", "--connections", "3", "tcp port \(port)")
        #expect(outcome.code == 0)
        // The trace may have begun in the middle of the first connection.
        let whole = try #require(
            try records(outcome, "conn").first { $0["handshake"] != nil }, "\(outcome.text)")
        #expect(whole["id.resp_p"] as? Int == port)
        #expect((whole["resp_process"] as? [String: Any])?["pid"] as? Int == Int(peer.pid))
        #expect(try records(outcome, "kernel").contains { $0["to"] as? String == "established" })
        // In a namespace without other processes the counters count no foreign connections.
        let counters = try records(outcome, "host").first?["counters"] as? [String: Int]
        #expect((1...10).contains(counters?["TcpActiveOpens"] ?? 0), "\(counters ?? [:])")

        let listed = try tcptrace("sockets", "-a", "--netns", "/proc/\(peer.pid)/ns/net", "--format", "json")
        let listeners = try records(listed, "socket").filter { $0["state"] as? String == "listen" }
        #expect(listed.code == 0 && listeners.map { $0["local_p"] as? Int } == [port])
        // A look in the wrong namespace names the right one.
        let missed = try tcptrace("kill", "\(port)")
        #expect(missed.code == 1)
        #expect(
            missed.errors.contains(
                "there is no such socket; in another network namespace python3[\(peer.pid)] holds one: --netns \(peer.pid)"
            ),
            "\(missed.errors)")
        let silent = try tcptrace("-i", "lo", "-q", "--duration", "0.3", "port \(port)")
        #expect(
            silent.errors.contains(
                "nothing has port \(port) in this network namespace; in another one python3[\(peer.pid)] listens on it:"
                    + " --netns \(peer.pid) traces there"), "\(silent.errors)")
        let found = try tcptrace("kill", "\(port)", "--netns", "\(peer.pid)", "--dry-run")
        #expect(found.code == 0 && found.text.hasPrefix("python3[\(peer.pid)], user root, holds:"), "\(found.errors)")
        let devices = try tcptrace("--netns", "\(peer.pid)", "-D")
        #expect(devices.text.contains(".lo ") && !devices.text.contains("eth0"))
        peer.signal(SIGKILL)
    }

    /// A failover or a VPN may give the host an address while the trace runs.
    @Test func anAddressThatComesAfterTheStartIsTheHosts() throws {
        let outcome = try shell(
            """
            exec unshare -n bash -c 'ip link set lo up
            "$0" -i lo --connections 1 --duration 15 tcp & pid=$!
            sleep 2; ip addr add 10.9.9.9/32 dev lo
            python3 -c "$1"; wait $pid' $T "$1"
            """,
            """
            import socket, time
            s = socket.socket(); s.bind(("10.9.9.9", 0)); s.listen(5)
            c = socket.create_connection(s.getsockname()); a, _ = s.accept()
            time.sleep(1.5)
            c.close(); time.sleep(0.2); a.close()
            """)
        #expect(outcome.lines.contains { $0.hasSuffix("| LISTEN*") }, "\(outcome.text)\(outcome.errors)")
        #expect(outcome.lines.contains { $0.split(separator: "python3[").count == 3 }, "\(outcome.text)")
        #expect(outcome.lines.contains { $0.contains("ESTABLISHED* |") }, "\(outcome.text)")
    }

    @Test(arguments: [
        ("no-such-name", "--netns no-such-name: there is no such network namespace; there are: "),
        ("/nonexistent", "--netns /nonexistent: there is no such file"),
        ("/dev/null", "--netns /dev/null: /dev/null is not a network namespace"),
        ("2000000000", "--netns 2000000000: there is no such process"),
    ])
    func whatIsNoNamespace(_ name: String, _ message: String) throws {
        let outcome = try tcptrace("--netns", name, "-D")
        #expect(outcome.code == 1 && outcome.errors.hasPrefix("tcptrace: " + message), "\(outcome.errors)")
    }

    @Test func whereThereIsNoneAtAll() throws {
        // No process uses tcpmux (port 1), while a free ephemeral port may be taken at any moment.
        let outcome = try tcptrace("kill", "1")
        #expect(outcome.code == 1 && outcome.errors.contains("--netns looks into another one"), "\(outcome.errors)")
    }

    @Test func aFileHasNone() throws {
        #expect(try tcptrace("--netns", "1", "-r", "x.pcap").code == 64)
    }
}
