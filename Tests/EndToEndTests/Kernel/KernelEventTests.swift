// What the kernel's events add to a live trace: owners of the shortest connections, reasons and errors; and what a
// trace leaves behind.

import Foundation
import Testing

/// Connects, exchanges and closes as fast as it can: a server process and a client process.
private let load = """
    import os, socket, sys
    n, port = int(sys.argv[1]), int(sys.argv[2])
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('127.0.0.1', port)); l.listen(512)
    child = os.fork()
    if child == 0:
        open('/proc/self/comm', 'w').write('load-server')
        for _ in range(n):
            c, _ = l.accept(); c.sendall(c.recv(100)); c.recv(1); c.close()
        os._exit(0)
    l.close()
    open('/proc/self/comm', 'w').write('load-client')
    for _ in range(n):
        c = socket.create_connection(('127.0.0.1', port)); c.sendall(b'hello'); c.recv(100); c.close()
    os.waitpid(child, 0)
    print('pids', os.getpid(), child)
    """

/// A server that closes with a request unread, and a call to a port without a listener.
private let resets = """
    import socket, sys, time
    port = int(sys.argv[1])
    open('/proc/self/comm', 'w').write('rude\\x1bserver')
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('127.0.0.1', port)); l.listen(5)
    c = socket.create_connection(('127.0.0.1', port)); s, _ = l.accept(); c.sendall(b'hello'); time.sleep(0.1); s.close()
    try: c.recv(1)
    except OSError: pass
    c.close(); l.close()
    try: socket.create_connection(('127.0.0.1', port))
    except OSError: pass
    """

extension KernelTests {
    @Suite(.serialized, .enabled(if: isRoot, "live traces need root")) struct KernelEventTests {
        @Test func aThousandShortConnectionsAndBothOwnersOfEach() throws {
            let port = try freePort()
            let trace = try trace(port: port, "-v", "-T", "json")
            let outcome = try python(load, "1000", "\(port)").end()
            let pids = outcome.text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
            try #require(pids.count == 2, "\(outcome.errors)")
            Thread.sleep(forTimeInterval: 0.5)
            trace.signal(SIGINT)
            let end = try trace.end()
            let all = try records(end, "conn")
            #expect(all.count == 1000)
            func owner(_ conn: [String: Any], _ name: String) -> (Int?, String?) {
                let process = conn[name] as? [String: Any]
                return (process?["pid"] as? Int, process?["comm"] as? String)
            }
            let named = all.filter {
                owner($0, "orig_process") == (pids[0], "load-client")
                    && owner($0, "resp_process") == (pids[1], "load-server")
            }
            let owners = Set(all.map { "\(owner($0, "orig_process")) \(owner($0, "resp_process"))" })
            #expect(
                named.count >= 990,
                "both owners of \(named.count), not \(pids): \(owners.sorted().prefix(8)); \(end.errors)")
            let kernel = try records(end, "kernel").filter { $0["source"] as? String == "tracepoint" }
            #expect(kernel.filter { $0["event"] as? String == "transition" }.count == 10_000)
            #expect(end.errors.contains(" kernel events read, 0 lost, ") && end.errors.contains(" 0 unattached"))
        }

        @Test(arguments: [100, 80]) func aResetHasItsReasonItsProcessAndTheErrorOfItsPeer(_ width: Int) throws {
            let port = try freePort()
            let trace = try trace(port: port, "--width", "\(width)", "--ascii")
            _ = try python(resets, "\(port)").end()
            Thread.sleep(forTimeInterval: 0.6)
            trace.signal(SIGINT)
            let outcome = try trace.end()
            let lines = outcome.lines
            // The text may be wrapped over several lines; the escape code in the process's name must not come through.
            let words = lines.map { line in
                String(
                    line.split(separator: "|").dropFirst(line.hasPrefix("1|") || line.hasPrefix("2|") ? 2 : 1).first
                        ?? "")
            }.joined(separator: " ").split(separator: " ").joined(separator: " ")
            #expect(words.contains("kernel: tcp_send_reset TCP_ABORT_ON_CLOSE by rude"), "\(outcome.text)")
            #expect(words.contains("kernel: client gets ECONNRESET"))
            #expect(words.contains("kernel: tcp_send_reset NO_SOCKET kernel: client gets ECONNREFUSED"))
            #expect(!outcome.output.contains(0x1b))
            #expect(lines.allSatisfy { $0.count <= width + 3 }, "\(lines.max { $0.count < $1.count } ?? "")")
            let reset = try #require(lines.firstIndex { $0.contains("X--") })
            #expect(lines[reset + 1].contains("kernel: tcp_send_reset"), "right under the RST")
            #expect(lines[reset].contains("CLOSED*"))
        }

        @Test func aKilledTraceLeavesNothingBehind() throws {
            func mounts() throws -> String { try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8) }
            let before = try mounts()
            let port = try freePort()
            let killed = try trace(port: port, "-q")
            #expect(try mounts() == before, "the trace's tracefs is attached nowhere")
            let folder = "/proc/\(killed.pid)/fd"
            let links = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: folder + "/" + $0)
            }
            #expect(links.contains { $0.contains("perf_event") })
            killed.signal(SIGKILL)
            #expect(try killed.end().code == -SIGKILL)
            #expect(try mounts() == before)
            #expect(!FileManager.default.fileExists(atPath: folder), "all of it hung on descriptors")
        }

        @Test func withoutTheKernelNothingIsAskedOfIt() throws {
            let port = try freePort()
            let trace = try trace(port: port, "--no-kernel", "-v", "-T", "json")
            _ = try python(load, "3", "\(port)").end()
            Thread.sleep(forTimeInterval: 0.3)
            trace.signal(SIGINT)
            let outcome = try trace.end()
            #expect(try records(outcome, "kernel").isEmpty && records(outcome, "conn").count == 3)
            #expect(!outcome.errors.contains("kernel events"))
        }
    }
}
