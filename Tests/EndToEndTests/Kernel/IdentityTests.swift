// The complete list of processes that held the sockets, and the time a connection waited for accept(): checked against
// the processes' own reports.

import Foundation
import Testing

/// Two processes that report their identity; the server takes its time to accept. Prints a line for each process (name,
/// pid, descriptor, uid, executable, control groups), and a line with the time when the connection was open or had been
/// accepted.
private let pair = """
    import os, socket, sys, time
    port = int(sys.argv[1])
    def say(name, s):
        groups = open('/proc/self/cgroup').read().split()
        print(name, os.getpid(), s.fileno(), os.getuid(), os.readlink('/proc/self/exe'), *[g.split(':', 2)[2] for g in groups], flush=True)
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('127.0.0.1', port)); l.listen(5)
    child = os.fork()
    if child == 0:
        time.sleep(0.4); c, _ = l.accept(); print('accepted', time.time(), flush=True); say('server', c); c.recv(1); c.close(); os._exit(0)
    l.close(); os.dup2(1, 57)
    spare = [os.open('/dev/null', os.O_RDONLY) for _ in range(5)]
    c = socket.create_connection(('127.0.0.1', port)); print('open', time.time(), flush=True); say('client', c); time.sleep(1.2); c.close(); os.waitpid(child, 0)
    """

/// A server that forks after accepting and closes its own copy of the socket; a client that forks after connecting, and
/// whose child keeps its copy to the end. Both report the holder of the connection: pid and descriptor.
private let forking = """
    import os, socket, sys, time
    port = int(sys.argv[1])
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('127.0.0.1', port)); l.listen(5)
    def say(word, s): print(word, os.getpid(), s.fileno(), flush=True)
    server = os.fork()
    if server == 0:
        c, _ = l.accept()
        child = os.fork()
        if child == 0: say('server', c); c.recv(1); c.close(); os._exit(0)
        c.close(); os.waitpid(child, 0); os._exit(0)
    l.close()
    c = socket.create_connection(('127.0.0.1', port)); say('client', c)
    child = os.fork()
    if child == 0: say('sharer', c); time.sleep(1.3); os._exit(0)
    time.sleep(1); c.shutdown(socket.SHUT_WR); c.close(); os.waitpid(child, 0); os.waitpid(server, 0)
    """

/// A client that goes to the background after connecting: it forks and exits, and its child holds the socket.
private let departing = """
    import os, socket, sys, time
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('127.0.0.1', int(sys.argv[1]))); l.listen(5)
    parent = os.fork()
    if parent == 0:
        l.close()
        c = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); print('parent', os.getpid(), flush=True)
        time.sleep(0.5)
        if os.fork() != 0: os._exit(0)
        print('child', os.getpid(), c.fileno(), flush=True); time.sleep(1.5); c.send(b'x'); c.close(); os._exit(0)
    a, _ = l.accept(); os.waitpid(parent, 0)
    while a.recv(9): pass
    a.close()
    """

extension KernelTests {
    @Suite(.enabled(if: isRoot, "live traces need root")) struct IdentityTests {
        @Test func theWholeIdentityOfBothProcessesAndTheWaitForAccept() throws {
            let port = try freePort()
            let trace = try trace(port: port, "-T", "json")
            let said = try python(pair, "\(port)").end()
            Thread.sleep(forTimeInterval: 0.6)
            trace.signal(SIGINT)
            let conn = try #require(try records(try trace.end(), "conn").first)
            for (word, key) in [("client", "orig_process"), ("server", "resp_process")] {
                let truth = try #require(
                    said.lines.first { $0.hasPrefix(word + " ") }?.split(separator: " ").map(String.init),
                    "\(said.errors)")
                let process = try #require(conn[key] as? [String: Any], "\(conn)")
                #expect(process["pid"] as? Int == Int(truth[1]))
                #expect(process["fd"] as? Int == Int(truth[2]), "\(word): \(process)")
                #expect(process["uid"] as? Int == Int(truth[3]))
                #expect(process["exe"] as? String == truth[4])
                #expect(truth[5...].contains(process["cgroup"] as? String ?? "none"))
            }
            let accept = try #require(conn["accept"] as? [String: Double], "\(conn)")
            let (least, most) = (accept["min_s"] ?? -1, accept["max_s"] ?? -1)
            let times = ["open", "accepted"].map { word in
                said.lines.first { $0.hasPrefix(word + " ") }.flatMap { Double($0.dropFirst(word.count + 1)) } ?? 0
            }
            // Both processes may be scheduled late, after the event that they report; the readings bracket what the
            // server did.
            let waited = times[1] - times[0]
            #expect(waited > 0.1 && least > 0 && least <= waited + 0.1 && most >= waited - 0.1, "\(waited): \(accept)")
            #expect(most - least < 1, "\(accept)")
        }

        /// The server forks for its connection and closes its own copy; the client has a child that never closes its
        /// copy.
        @Test func allWhoHoldASocket() throws {
            let port = try freePort()
            let (json, text) = (try trace(port: port, "-T", "json"), try trace(port: port, "-v"))
            let said = try python(forking, "\(port)").end()
            Thread.sleep(forTimeInterval: 0.6)
            json.signal(SIGINT)
            text.signal(SIGINT)
            let conn = try #require(try records(try json.end(), "conn").first)
            func truth(_ word: String) throws -> [Int] {
                let line = try #require(said.lines.first { $0.hasPrefix(word + " ") }, "\(said.errors)")
                return line.split(separator: " ").compactMap { Int($0) }
            }
            let client = try #require(conn["orig_process"] as? [String: Any], "\(conn)")
            #expect(try client["pid"] as? Int == truth("client")[0] && client["shared_by"] as? Int == 1)
            let sharer = try #require((client["sharers"] as? [[String: Any]])?.first, "\(client)")
            #expect(try [sharer["pid"] as? Int, sharer["fd"] as? Int] == truth("sharer"))
            let server = try #require(conn["resp_process"] as? [String: Any], "\(conn)")
            #expect(try [server["pid"] as? Int, server["fd"] as? Int] == truth("server"))
            #expect(server["shared_by"] == nil)
            let lines = try text.end().text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            let (pid, descriptor) = (try truth("sharer")[0], try truth("sharer")[1])
            #expect(lines.contains(", shared with python3[\(pid)] (fd \(descriptor))"), "\(lines)")
            #expect(lines.components(separatedBy: "shared with").count == 2)
        }

        @Test func whoGoesToTheBackgroundLeavesItsSocketToAChild() throws {
            let port = try freePort()
            let trace = try trace(port: port, "-T", "json")
            let said = try python(departing, "\(port)").end()
            Thread.sleep(forTimeInterval: 0.6)
            trace.signal(SIGINT)
            let conn = try #require(try records(try trace.end(), "conn").first)
            let client = try #require(conn["orig_process"] as? [String: Any], "\(conn)")
            let child = try #require(said.lines.first { $0.hasPrefix("child ") }, "\(said.errors)")
            let truth = child.split(separator: " ").compactMap { Int($0) }
            #expect([client["pid"] as? Int, client["fd"] as? Int] == truth, "\(said.lines)")
        }

        @Test func socketsSayTheSame() throws {
            let said = try Program("/usr/bin/env", ["python3", "-c", holder])
            try said.say("ready")
            defer { said.signal(SIGKILL) }
            let pid = said.pid
            let outcome = try Program(Program.tcptrace, ["sockets", "-a", "--format", "json", "pid", "\(pid)"]).end()
            let record = try #require(
                try JSONSerialization.jsonObject(with: Data((outcome.lines.first ?? "").utf8)) as? [String: Any])
            let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
            #expect(record["exe"] as? String == executable)
            #expect(record["fd"] as? Int == 77)
            let table = try Program(Program.tcptrace, ["sockets", "-av", "pid", "\(pid)"]).end()
            #expect(table.text.contains("[\(pid)] uid \(getuid()), fd 77, \(executable)"), "\(table.text)")
        }
    }
}

/// A listener whose descriptor number (77) is not the next free one.
private let holder = """
    import os, socket, time
    l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(1); os.dup2(l.fileno(), 77); l.close()
    print('ready', flush=True); time.sleep(30)
    """
