// A thousand orderly connections at full speed: no findings, and both processes of each connection are known.

import Foundation
import Testing

/// Connects, exchanges and closes in order; the two sides take turns to close first. Prints the client's port and both
/// processes of each connection. Each segment is acknowledged at once by the next one, so that no tail loss probe is
/// due.
///
/// `one`: one server process. `prefork`: children of the listener's process, each of which accepts one connection and
/// exits with it. `fork`: the listener's process accepts, and a child for each connection does the rest.
private let load = """
    import ctypes, os, signal, socket, subprocess, sys
    n, port, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if ctypes.CDLL(None).unshare(0x40000000) != 0: sys.exit('unshare')
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); print('ready', flush=True); signal.sigwait([signal.SIGUSR1])
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('127.0.0.1', port)); l.listen(512)
    def serve(c, address, number):
        data = c.recv(100)
        if data[0] % 2:
            c.sendall(data); c.close()
        else:
            c.sendall(data); c.recv(1); c.close()
        os.write(1, b'server %d %d\\n' % (address[1], os.getpid()))
    child = os.fork()
    if child == 0:
        if kind == 'one':
            for number in range(n):
                serve(*l.accept(), number)
        elif kind == 'prefork':
            for first in range(4):
                if os.fork() == 0:
                    for number in range(n // 4):
                        if os.fork() == 0:
                            serve(*l.accept(), number); os._exit(0)
                        os.wait()
                    os._exit(0)
            for _ in range(4):
                os.wait()
        else:
            for number in range(n):
                c, address = l.accept()
                if os.fork() == 0:
                    serve(c, address, number); os._exit(0)
                c.close()
                while number > 8:
                    try:
                        if os.waitpid(-1, os.WNOHANG)[0] == 0: break
                    except ChildProcessError: break
            while True:
                try: os.wait()
                except ChildProcessError: break
        os._exit(0)
    print('acceptor 0 %d' % child, flush=True)
    l.close()
    for number in range(n):
        # Each its own port: the kernel would choose one again, and rightly be told of that.
        own = 20000 + number; c = socket.create_connection(('127.0.0.1', port), source_address=('127.0.0.1', own))
        c.sendall(bytes([number % 2]) + b'hello'); c.recv(100)
        if number % 2: c.recv(1)
        c.close()
        os.write(1, b'client %d %d\\n' % (own, os.getpid()))
    os.waitpid(child, 0)
    """

extension KernelTests {
    @Suite(.serialized, .enabled(if: isRoot, "live traces need root")) struct CleanTests {
        @Test(arguments: ["one", "prefork", "fork"])
        func nothingIsFoundAndBothOwnersAreNamed(_ kind: String) throws {
            var attempt = try run(kind)
            // On a busy machine the rings may overrun. Such a run proves nothing and is repeated.
            if !attempt.trace.errors.contains(" 0 lost, ") { attempt = try run(kind) }
            let all = try records(attempt.trace, "conn")
            #expect(all.count == 1000)
            #expect(attempt.trace.errors.contains("\n0 packets dropped by kernel"), "\(attempt.trace.errors)")
            let findings = try records(attempt.trace, "finding").map { "\($0["code"] ?? ""): \($0["message"] ?? "")" }
            // If a process gets no processor time for 200 ms, its peer's kernel retransmits and counts that: there is
            // no other traffic in this namespace.
            let counters = try records(attempt.trace, "host").first?["counters"] as? [String: Int] ?? [:]
            let timeouts = (counters["TcpExtTCPTimeouts"] ?? 0) + (counters["TcpExtTCPLossProbes"] ?? 0)
            let resent = findings.filter { text in
                ["retransmission", "spurious-retransmission", "tail-loss-probe"].contains { text.hasPrefix($0 + ":") }
            }
            #expect(findings.count == resent.count, "\(findings.prefix(5))")
            #expect(resent.count <= timeouts, "\(timeouts) timeouts: \(resent.prefix(5))")

            var owners: [String: Int] = [:]
            for line in attempt.load.lines {
                let words = line.split(separator: " ")
                if words.count == 3 { owners["\(words[0]) \(words[1])"] = Int(words[2]) }
            }
            #expect(owners.count == 2001, "\(attempt.load.errors)")
            var wrong: [String] = []
            let right = all.filter { conn in
                let port = conn["id.orig_p"] as? Int ?? 0
                let pids = ["orig_process", "resp_process"].map { (conn[$0] as? [String: Any])?["pid"] as? Int }
                let truth = [owners["client \(port)"], owners["server \(port)"]]
                // Two processes hold the socket after fork(): the last one to close it is named.
                let isRight = pids == truth || kind == "fork" && pids == [truth[0], owners["acceptor 0"]]
                if !isRight { wrong.append("\(port): \(pids), not \(truth)") }
                return isRight
            }
            print("\(kind): both owners of \(right.count) in \(all.count)")
            #expect(right.count >= 990, "\(wrong.prefix(5)) \(attempt.trace.errors)")
        }

        private func run(_ kind: String) throws -> (trace: Outcome, load: Outcome) {
            let load = try python(load, "1000", "9500", kind)
            try load.say("ready")
            let trace = try Program(
                Program.tcptrace, ["--netns", "\(load.pid)", "-i", "lo", "-v", "-T", "json", "tcp port 9500"])
            try trace.say("listening on lo")
            load.signal(SIGUSR1)
            let outcome = try load.end()
            Thread.sleep(forTimeInterval: 1)
            trace.signal(SIGINT)
            return (try trace.end(), outcome)
        }
    }
}
