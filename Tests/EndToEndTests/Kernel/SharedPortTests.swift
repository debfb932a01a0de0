// SO_REUSEPORT: several listeners on one address, each with a queue of its own. Root only.

import Foundation
import Testing

/// Two listeners on one port; the second belongs to another process, and its queue takes one connection. Neither
/// accepts.
private let servers = """
    import os, socket, time
    def listen(port, backlog):
        s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind(('127.0.0.1', port)); s.listen(backlog)
        return s
    s = listen(0, 100); port = s.getsockname()[1]
    parent = os.getpid()
    if os.fork() == 0:
        s.close()
        open('/proc/self/comm', 'w').write('small-queue')
        s = listen(port, 0)
        print('port', port, flush=True)
        while os.getppid() == parent: time.sleep(0.05)
        os._exit(0)
    time.sleep(20)
    """

/// Opens 16 connections at once; the kernel distributes them among the listeners by their ports.
private let clients = """
    import socket, sys, time
    held = []
    for _ in range(16):
        c = socket.socket(); c.setblocking(False)
        c.connect_ex(('127.0.0.1', int(sys.argv[1]))); held.append(c)
    time.sleep(20)
    """

@Suite(.serialized, .enabled(if: isRoot, "live traces need root")) struct SharedPortTests {
    @Test func theFullListenerIsNamed() throws {
        let peer = try python(servers)
        try peer.say("\n")
        let port = try #require(Int(peer.output.split(separator: " ").last?.dropLast() ?? ""))
        let shown = try trace(port: port, "--duration", "5")
        let told = try trace(port: port, "-T", "json", "--duration", "5")
        let callers = try python(clients, "\(port)")
        let text = try shown.end().text
        let findings = try records(told.end(), "finding")
        callers.signal(SIGKILL)
        peer.signal(SIGKILL)
        let unanswered = text.ranges(of: "=> no answer (S0): ").count
        #expect(unanswered > 0, "\(text)")
        #expect(text.ranges(of: "; 2 listen, the queue of one was full: it held 1 connection").count == unanswered)
        #expect(!text.contains("its queue"))
        func messages(_ code: String) -> [String] {
            findings.filter { $0["code"] as? String == code }.compactMap { $0["message"] as? String }
        }
        let full = messages("accept-queue-full")
        #expect(full.count == unanswered && messages("syn-unanswered").isEmpty, "\(findings)")
        let words = "in the accept queue of 127.0.0.1:\(port) (backlog 0), one of 2 listeners there, and small-queue["
        #expect(full.allSatisfy { $0.contains(words) }, "\(full)")
        // The connections waiting to be accepted belong to one listener or the other.
        let waiting = messages("never-accepted")
        #expect(waiting.count == 16 - unanswered, "\(findings)")
        #expect(waiting.allSatisfy { $0.contains("the one of 2 listeners that has it in its queue") }, "\(waiting)")
        #expect(text.contains("one of 2 listeners") && !text.contains("[\(peer.pid)] listens"), "\(text)")
    }
}
