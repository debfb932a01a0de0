// The replay of a capture file that a live trace wrote reports what the trace reported: processes, confirmed states,
// reasons, findings.

import SeededRandom
import Foundation
import Testing

/// Connections of several kinds to one port, in a network namespace of their own: closed by either side, reset with
/// unread text, refused, left half-closed, the same port reused, and a listener that accepts late.
private let load = """
    import ctypes, os, signal, socket, struct, subprocess, sys, time
    port = int(sys.argv[1])
    if ctypes.CDLL(None).unshare(0x40000000) != 0: sys.exit('unshare')
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); print('ready', flush=True); signal.sigwait([signal.SIGUSR1])
    def pair(own):
        c = socket.socket(); c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        c.bind(('127.0.0.1', own)); c.connect(('127.0.0.1', port)); time.sleep(0.05); return c, l.accept()[0]
    r = socket.socket(); r.bind(('127.0.0.1', 20001))
    try: r.connect(('127.0.0.1', port))
    except ConnectionRefusedError: pass
    r.close(); time.sleep(0.3)
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('127.0.0.1', port)); l.listen(8)
    c, s = pair(20002); c.sendall(b'hello'); s.recv(9); c.close(); s.recv(9); time.sleep(0.05); s.close()
    c, s = pair(20003); s.sendall(b'hello'); c.recv(9); s.close(); c.recv(9); time.sleep(0.05); c.close()
    c, s = pair(20004); c.sendall(b'unread'); time.sleep(0.1); s.close(); time.sleep(0.1); c.close()
    c, s = pair(20005); c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); c.close(); s.close()
    c, s = pair(20005); c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); c.close(); s.close()
    late = socket.create_connection(('127.0.0.1', port), source_address=('127.0.0.1', 20006)); time.sleep(0.4)
    l.accept()[0].close(); late.close()
    half, kept = pair(20007); half.shutdown(socket.SHUT_WR); time.sleep(0.4)
    print('done', flush=True); signal.sigwait([signal.SIGUSR1])
    """

/// A connection accepted after more than a second, and one closed 6 s after the peer's FIN: the findings made meanwhile
/// no longer hold when these connections are over.
private let slowServer = """
    import ctypes, os, signal, socket, subprocess, sys, time
    port = int(sys.argv[1])
    if ctypes.CDLL(None).unshare(0x40000000) != 0: sys.exit('unshare')
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); print('ready', flush=True); signal.sigwait([signal.SIGUSR1])
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('127.0.0.1', port)); l.listen(8)
    leak = socket.create_connection(('127.0.0.1', port)); leaked = l.accept()[0]; leak.sendall(b'x'); leaked.recv(9); leak.close()
    late = socket.create_connection(('127.0.0.1', port)); time.sleep(2.5); s = l.accept()[0]
    time.sleep(0.5); late.close(); s.recv(1); s.close()
    time.sleep(4); leaked.close()
    print('done', flush=True); signal.sigwait([signal.SIGUSR1])
    """

/// A connection that is open before the trace begins, and whose client has the lower port.
private let old = """
    import ctypes, os, signal, socket, subprocess, sys, time
    port = int(sys.argv[1])
    if ctypes.CDLL(None).unshare(0x40000000) != 0: sys.exit('unshare')
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    l = socket.socket(); l.bind(('0.0.0.0', port)); l.listen(8)
    c = socket.create_connection(('127.0.0.1', port), source_address=('127.0.0.1', 4001)); s = l.accept()[0]
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); print('ready', flush=True); signal.sigwait([signal.SIGUSR1])
    c.sendall(b'hello'); s.recv(9); s.close(); time.sleep(0.1); c.close()
    print('done', flush=True); signal.sigwait([signal.SIGUSR1])
    """

/// More connections than one record has room for; half of them wait to be accepted.
private let crowd = """
    import ctypes, os, resource, signal, socket, subprocess, sys, time
    port = int(sys.argv[1])
    if ctypes.CDLL(None).unshare(0x40000000) != 0: sys.exit('unshare')
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4000, 4000))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); print('ready', flush=True); signal.sigwait([signal.SIGUSR1])
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('127.0.0.1', port)); l.listen(1000)
    held = [(socket.create_connection(('127.0.0.1', port)), l.accept()[0]) for _ in range(600)]
    waiting = [socket.create_connection(('127.0.0.1', port)) for _ in range(600)]
    time.sleep(2)
    print('done', flush=True); signal.sigwait([signal.SIGUSR1])
    """

private let hasPeers = ["tshark", "tcpdump"].allSatisfy { peer in
    ["/usr/bin/", "/usr/sbin/", "/usr/local/bin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + peer) }
}

extension KernelTests {
    @Suite(.serialized, .enabled(if: isRoot, "live traces need root")) struct EvidenceTests {
        /// One finished trace: its output, its capture file, and its messages on standard error.
        private struct Evidence {
            let scratch: Scratch
            let file: String
            let live: Outcome
        }

        private func evidence(
            _ name: String = "case.pcapng", _ options: String..., of program: String = load
        ) throws -> Evidence {
            let scratch = try Scratch()
            let file = scratch.file(name)
            let live = try run(program) { pid in
                try Program(
                    Program.tcptrace,
                    ["--netns", "\(pid)", "-i", "lo"] + (name == "-" ? ["-w", "-"] : ["-T", "json", "-w", file])
                        + options + ["tcp port 9500"])
            }
            return Evidence(scratch: scratch, file: file, live: live)
        }

        /// Starts the load and a trace of its namespace, lets the load run, and ends the trace when the load is done.
        private func run(_ program: String, _ start: (_ pid: Int32) throws -> Program) throws -> Outcome {
            let load = try python(program, "9500")
            try load.say("ready")
            let trace = try start(load.pid)
            try trace.say("listening on lo")
            load.signal(SIGUSR1)
            try load.say("done")
            Thread.sleep(forTimeInterval: 0.6)
            trace.signal(SIGINT)
            let live = try trace.end()
            load.signal(SIGUSR1)
            _ = try load.end()
            return live
        }

        /// The parts of the records to compare: everything that does not depend on how the trace ran.
        private func lines(_ outcome: Outcome, _ path: String, without keys: Set<String>) throws -> [String] {
            try records(outcome, path).map { record in
                let kept = record.filter { !keys.contains($0.key) }
                return String(
                    decoding: try JSONSerialization.data(withJSONObject: kept, options: [.sortedKeys]), as: UTF8.self)
            }.sorted()
        }

        @Test func aListenerShowsWhichEndOfAnOldConnectionIsTheServer() throws {
            let evidence = try evidence(of: old)
            let replay = try tcptrace("-T", "json", "-r", evidence.file)
            for outcome in [evidence.live, replay] {
                let all = try records(outcome, "conn")
                #expect(all.count == 1)
                #expect(all.first?["id.resp_p"] as? Int == 9500)
                #expect(all.first?["closed_by"] as? String == "resp")
            }
            #expect(try differences(live: evidence.live.text, replay: replay.text) == [])
            let known = try tcptrace("-q", "-r", evidence.file).text
            #expect(known.contains(" 127.0.0.1:4001 ") && known.contains(" 127.0.0.1:9500 ") && !known.contains("?"))
            #expect(try !tcptrace("-r", evidence.file).text.contains("?"))
            // Without the kernel's word the lower port is taken for the server's, and the guess is marked.
            let guessed = try tcptrace("--no-kernel", "-q", "-r", evidence.file).text
            #expect(guessed.contains(" 127.0.0.1:4001? "))
        }

        @Test func aReplayTellsWhatTheTraceToldWithTheKernelAndTheProcesses() throws {
            let evidence = try evidence()
            let replay = try tcptrace("-T", "json", "-r", evidence.file)
            #expect(replay.code == 0, "\(replay.errors)")

            // The summaries have owners, accept delays and final states; they differ only in where they were read from.
            let source: Set<String> = ["file", "interface"]
            let live = try lines(evidence.live, "conn", without: source)
            #expect(live.count == 8)
            #expect(try lines(replay, "conn", without: source) == live)
            let processes = try records(replay, "conn").filter {
                $0["orig_process"] != nil && $0["resp_process"] != nil
            }
            #expect(processes.count == 7, "all but the refused one have both")

            // Every fact from the kernel: states, owners, reasons for RSTs, errors, connections not accepted.
            let facts = try lines(evidence.live, "kernel", without: [])
            #expect(facts.count > 60)
            #expect(try lines(replay, "kernel", without: []) == facts)
            #expect(try !records(replay, "finding").isEmpty)
            #expect(try records(replay, "host").count == 1)
            // Everything else too, including findings and the host's counters.
            #expect(try differences(live: evidence.live.text, replay: replay.text) == [])
        }

        @Test func whatWasFoundWhileAConnectionWasOpenIsFoundOnReplay() throws {
            let evidence = try evidence(of: slowServer)
            let replay = try tcptrace("-T", "json", "-r", evidence.file)
            let codes = try records(evidence.live, "finding").compactMap { $0["code"] as? String }
            for code in ["never-accepted", "accepted-late", "close-wait-leak"] {
                #expect(codes.contains(code), "\(codes)")
            }
            #expect(try differences(live: evidence.live.text, replay: replay.text) == [])
            // The first two concern one connection: `never-accepted` no longer held when the connection was over.
            #expect(codes.count { $0 == "never-accepted" } == 1 && codes.count { $0 == "accepted-late" } == 1)
        }

        @Test func textAndTablesHaveMarksAndProcesses() throws {
            let evidence = try evidence()
            let text = try tcptrace("-r", evidence.file)
            #expect(text.text.contains("ESTABLISHED*") && text.text.contains("CLOSE_WAIT*"))
            #expect(text.text.contains("* = confirmed by the kernel"))
            #expect(text.text.contains("python3["))
            #expect(text.text.contains("(no socket)*"))
            let table = try tcptrace("-q", "-r", evidence.file)
            #expect(table.lines.count { $0.contains("python3[") } == 8, "\(table.text)")
            let csv = try tcptrace("-T", "csv", "-r", evidence.file)
            #expect(csv.text.split(separator: "\r\n").count { $0.contains("python3") } == 8, "\(csv.text)")
            // The number of workers makes no difference.
            for workers in ["1", "3"] {
                #expect(try tcptrace("-r", evidence.file, "--workers", workers).text == text.text)
            }

            // Records that follow the last requested frame in the file still belong to these frames.
            let frames = try #require(try records(evidence.live, "capture").last?["captured"] as? Int)
            let whole = try tcptrace("-T", "json", "-r", evidence.file).text
            #expect(try tcptrace("-T", "json", "-r", evidence.file, "-c", "\(frames)").text == whole)

            let pid = try #require(try records(evidence.live, "conn").last?["resp_process"] as? [String: Any])["pid"]
            let chosen = try tcptrace("-q", "-r", evidence.file, "--pid", "\(pid ?? 0)", "--no-header")
            #expect(chosen.code == 0 && chosen.lines.count { $0.contains("127.0.0.1") } == 8, "\(chosen.text)")
            let nobody = try tcptrace("-q", "-r", evidence.file, "--pname", "nobody", "--no-header")
            #expect(
                nobody.text == ""
                    && nobody.errors.contains("no connection of --pname nobody; there were connections of "))
            #expect(!chosen.errors.contains("no connection of"))
        }

        @Test func aReadingOfManyConnectionsIsOne() throws {
            let scratch = try Scratch()
            let file = scratch.file("case.pcapng")
            let live = try withoutEvents(
                crowd, ["--inh-caps", "--bounding-set"], powers: "-all,+net_raw,+sys_ptrace,+dac_read_search",
                ["-i", "lo", "-Z", "root", "-T", "json", "-w", file, "tcp port 9500"])
            let conns = try records(live, "conn")
            #expect(conns.count == 1200 && conns.count { $0["resp_process"] != nil } == 600)
            let replay = try tcptrace("-T", "json", "-r", file)
            let differences = try differences(live: live.text, replay: replay.text)
            #expect(differences.isEmpty, "\(differences.count): \(differences.prefix(4).joined(separator: "\n"))")
        }

        /// A live trace with only these capabilities, so that it has to poll the tables.
        private func withoutEvents(
            _ program: String, _ sets: [String], powers: String, _ arguments: [String], user: [String] = []
        ) throws -> Outcome {
            let live = try run(program) { pid in
                try Program(
                    "/usr/bin/env",
                    ["nsenter", "-t", "\(pid)", "-n", "setpriv"] + user + sets.flatMap { [$0, powers] }
                        + [Program.tcptrace] + arguments)
            }
            #expect(live.errors.contains("kernel events not available"), "\(live.errors)")
            return live
        }

        @Test func marksOfReadingsAreThereWithoutEvents() throws {
            // With CAP_NET_RAW alone a trace has to poll the tables, so each mark comes from a reading.
            let scratch = try Scratch()
            let file = scratch.file("case.pcapng")
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: scratch.path)
            let live = try withoutEvents(
                slowServer, ["--inh-caps", "--ambient-caps", "--bounding-set"], powers: "-all,+net_raw",
                ["-i", "lo", "-w", file, "tcp port 9500"],
                user: ["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            let replay = try tcptrace("-r", file)
            for mark in ["ESTABLISHED*", "FIN_WAIT_2*", "CLOSE_WAIT*"] {
                #expect(live.text.contains(mark), "\(live.text)")
                // A row written live before the reading has no mark.
                #expect(replay.text.ranges(of: mark).count >= live.text.ranges(of: mark).count, "\(replay.text)")
            }
        }

        @Test func withoutTheKernelItIsACaptureLikeAnyOther() throws {
            let evidence = try evidence()
            let frames = try tcptrace("--no-kernel", "-T", "json", "-r", evidence.file)
            #expect(try records(frames, "kernel").isEmpty)
            #expect(try records(frames, "conn").allSatisfy { $0["orig_process"] == nil })
            let nameless = try tcptrace("--no-process", "-T", "json", "-r", evidence.file)
            #expect(!nameless.text.contains("python3"))
            #expect(try !records(nameless, "kernel").isEmpty)

            // A copy of all frames is as good as the original; a copy of some has only frames.
            let copy = evidence.scratch.file("copy.pcapng")
            let whole = try tcptrace("-T", "json", "-r", evidence.file, "-w", copy)
            let again = try tcptrace("-T", "json", "-r", copy)
            #expect(
                try lines(again, "kernel", without: []) == lines(whole, "kernel", without: []))
            #expect(try lines(again, "conn", without: ["file"]) == lines(whole, "conn", without: ["file"]))
            // Standard output gets the frames and nothing else.
            for options in ["-w -", "-q -w -", "--fail-on refused -w /dev/stdout"] {
                let piped = try shell("$T -r $1 \(options) | cmp - $2", evidence.file, copy)
                #expect(piped.code == 0, "\(options): \(piped.text) \(piped.errors)")
            }
            let part = try tcptrace("-q", "-r", evidence.file, "-w", copy, "port", "20002")
            #expect(part.errors.contains("not copied: with a filter"), "\(part.errors)")
            let rest = try tcptrace("-T", "json", "-r", copy)
            #expect(try records(rest, "conn").count == 1 && records(rest, "kernel").isEmpty)

            // When reading from a stream, the table has no place for these records and says so; the text output has.
            let table = try shell("cat $1 | $T -q -r -", evidence.file)
            #expect(table.errors.contains("records of the kernel's side left out"), "\(table.errors)")
            let text = try shell("cat $1 | $T -r -", evidence.file)
            #expect(text.text == (try tcptrace("-r", evidence.file)).text)
        }

        @Test func aTraceThatWritesToStandardOutputPrintsNothingThere() throws {
            let evidence = try evidence("-")
            let file = try evidence.scratch.write(evidence.live.output, as: "piped.pcapng")
            let replay = try tcptrace("-T", "json", "-r", file)
            #expect(replay.code == 0, "\(replay.errors)")
            #expect(try records(replay, "conn").count { $0["orig_process"] != nil } == 8)
        }

        @Test func aClassicFileAndFramesAloneSayThatTheyHaveNone() throws {
            let classic = try evidence("case.pcap")
            #expect(classic.live.errors.contains("case.pcap will have only frames"), "\(classic.live.errors)")
            let chosen = try tcptrace("-r", classic.file, "--pid", "1")
            #expect(chosen.code == 1 && chosen.errors.contains("does not name the processes"), "\(chosen.errors)")
            let without = try evidence("case.pcapng", "--no-kernel")
            #expect(try records(try tcptrace("-T", "json", "-r", without.file), "kernel").isEmpty)
            #expect(!without.live.errors.contains("only frames"))
        }

        @Test func damagedBlocksEndNoReplay() throws {
            let evidence = try evidence()
            let whole = try blocks(Array(Data(contentsOf: URL(fileURLWithPath: evidence.file))))
            let ours = whole.indices.filter { whole[$0].starts(with: [0x70, 0x63, 0x74, 0x80]) }
            #expect(ours.count > 20)
            let file = evidence.scratch.file("damaged.pcapng")
            let forms = [[], ["-q"], ["-T", "json"]]
            var random = SplitMix(seed: 60)
            for round in 0..<60 {
                var blocks = whole
                let place = ours.randomElement(using: &random) ?? 0
                switch round % 4 {
                case 0, 1:
                    // Past the block's type, its length and our name.
                    for _ in 0..<4 {
                        blocks[place][.random(in: 16..<blocks[place].count - 4, using: &random)] =
                            [0, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
                    }
                case 2:
                    let moved = blocks.remove(at: place)
                    blocks.insert(moved, at: .random(in: 1...blocks.count, using: &random))
                default: blocks.insert(blocks[place], at: .random(in: 1...blocks.count, using: &random))
                }
                try Data(blocks.joined()).write(to: URL(fileURLWithPath: file))
                let form = forms[round % forms.count]
                let replay = try Program(
                    Program.tcptrace, ["-r", file, "--workers", "\(1 + round % 2)"] + form
                ).end()
                #expect([0, 1].contains(replay.code), "\(form) \(replay.errors) \(blocks.joined().map { $0 })")
            }
        }

        /// The blocks of a pcapng file in little-endian order.
        private func blocks(_ octets: [UInt8]) throws -> [[UInt8]] {
            var blocks: [[UInt8]] = []
            var rest = octets[...]
            while rest.count >= 12 {
                let length = rest.dropFirst(4).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
                try #require(length >= 12 && length <= rest.count)
                blocks.append(Array(rest.prefix(length)))
                rest = rest.dropFirst(length)
            }
            return blocks
        }

        @Test(.enabled(if: hasPeers, "tshark or tcpdump is not installed"))
        func otherProgramsReadTheFramesAlone() throws {
            let evidence = try evidence()
            let captured = try #require(try records(evidence.live, "capture").last?["captured"] as? Int)
            let tshark = try shell("tshark -r $1 -T fields -e frame.number", evidence.file)
            #expect(tshark.lines.count { !$0.isEmpty } == captured)
            #expect(!tshark.errors.contains("unknown") && !tshark.errors.contains("damaged"), "\(tshark.errors)")
            // Each frame that changed a state has a comment: both states, and both processes where they are known.
            let comments = try shell("tshark -r $1 -T fields -e frame.comment", evidence.file).lines
            let own = try #require(comments.first { $0.contains("state=FIN_WAIT_1") })
            #expect(own.hasPrefix("tcptrace conn=2 side=orig state=FIN_WAIT_1 kernel=confirmed pid="), "\(own)")
            #expect(own.contains(" comm=\"python3\" peer_state=CLOSE_WAIT"), "\(own)")
            let states = try records(evidence.live, "state").compactMap { $0["frame"] as? Int }
            #expect(Set(comments.indices.filter { !comments[$0].isEmpty }.map { $0 + 1 }) == Set(states))
            let tcpdump = try shell("tcpdump --count -r $1", evidence.file)
            #expect(tcpdump.text.contains("\(captured) packets"), "\(tcpdump.text) \(tcpdump.errors)")
        }
    }
}
