// `tcptrace lab` for its user: the whole tour, Ctrl-C, a port in use, the list. No process may be left running.

import Foundation
import Testing

/// The pids of the lab programs that an output names, as `name[pid]` or `pid/name`.
private func labPrograms(in output: String) -> Set<String> {
    var pids: Set<String> = []
    for match in output.matches(of: /lab-(?:server|client)\[(\d+)\]/) { pids.insert(String(match.1)) }
    for match in output.matches(of: /(\d+)\/lab-(?:server|client)/) { pids.insert(String(match.1)) }
    return pids
}

/// Whether a lab program with this pid exists and is not a zombie.
private func isLabProgram(_ pid: String) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return false }
    return status.hasPrefix("Name:\tlab-") && !status.contains("State:\tZ")
}

/// The texts that each scenario must show, except those that depend on the run.
private let expectations: [(scenario: String, texts: [String])] = [
    ("one-client", ["LISTEN", "ESTABLISHED", "TIME_WAIT", "The client closed first", "closed (SF) by client"]),
    (
        "server-closes-first",
        [
            "FIN_WAIT_2 (no process)", "CLOSE_WAIT", "closed (SF) by server", "is already in use (EADDRINUSE)",
            "This time the server's end closed first", "TIME_WAIT is at the server's end, too",
            "Without SO_REUSEADDR, bind() failed", "listens beside the TIME_WAIT",
            "that takes SO_REUSEPORT",
        ]
    ),
    (
        "half-close",
        [
            "half-closed: server may still send", "closed (SF) by client", "Its FIN_WAIT_2 is not an error",
            "CLOSE_WAIT is an error only if it never ends", "the server sent 4 more octets",
            "TIME_WAIT is at the client's end",
        ]
    ),
    (
        "fin",
        ["FIN_WAIT_2 (no process)", "CLOSE_WAIT", "belongs to no process", "ended after SIGTERM", "is now TIME_WAIT"]
    ),
    ("two-clients", ["(not accepted)", "Recv-Q 22", "kernel: not accepted", "Its answer came"]),
    ("threaded", ["Both connections were accepted right away", "Both clients had their answers"]),
    (
        "stopped",
        [
            "(not accepted)", "The kernel speaks TCP", "The client's 6 octets were acknowledged",
            "SIGCONT (fg in a shell) was enough", "A stopped server keeps its port", "closed (SF) by client",
        ]
    ),
    (
        "backlog",
        [
            "SYN_SENT", "(not accepted)", "the first client filled the queue", "got no answer, neither SYN-ACK nor RST",
            "Its SYN was sent", "some of their connects take a whole second", "retransmit 1",
        ]
    ),
    (
        "keep-alive",
        [
            "(keep-alive)", "(answer)", " keep-alives: segments", "Each was answered, although",
            "closed (SF) by client",
        ]
    ),
    (
        "refused",
        [
            "(no socket)", "kernel: tcp_send_reset NO_SOCKET", "kernel: client gets ECONNREFUSED", "refused (REJ)",
            "ECONNREFUSED", "Nothing is left behind",
        ]
    ),
    (
        "reset",
        [
            "kernel: tcp_send_reset TCP_STATE by", "kernel: server gets ECONNRESET", "reset (by client)", "RST,ACK",
            "ECONNRESET", "Both ends were gone at once",
        ]
    ),
    (
        "killed",
        [
            "closed (SF) by client", "SIGKILL ended lab-client", "It was a FIN, not a RST", "was an ordinary end",
            "the client's end is in TIME_WAIT",
        ]
    ),
    (
        "killed-unread",
        [
            "ended after SIGKILL", "reset (RSTR) by server", "warning: reset-killed", "Recv-Q 6",
            "with a RST instead of a FIN", "read() failed with ECONNRESET", "Nothing is left: the listening socket",
        ]
    ),
]

@Suite(.serialized) struct LabTests {
    @Test(.enabled(if: isRoot, "capturing needs root")) func playsEveryScenario() throws {
        let began = Date()
        let tour = try Program(Program.tcptrace, ["lab", "--port", "\(try freePort())", "--width", "100"])
        // The tour takes twenty seconds on an idle machine.
        let limit = 90.0
        #expect(try tour.end(within: limit).code == 0)
        #expect(Date().timeIntervalSince(began) < limit)
        #expect(tour.errors == "")
        let output = tour.output
        #expect(!output.contains("\u{1b}"), "colours in a file")
        for (index, expectation) in expectations.enumerated() {
            let start = try #require(output.range(of: "=== \(expectation.scenario) "), "\(expectation.scenario)")
            var part = output[start.lowerBound...]
            if index + 1 < expectations.count,
                let end = part.range(of: "=== \(expectations[index + 1].scenario) ")
            {
                part = part[..<end.lowerBound]
            }
            // Sentences are wrapped over several lines.
            let flowing = part.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            for text in expectation.texts {
                #expect(flowing.contains(text), "\(expectation.scenario) lacks \(text):\n\(part)")
            }
            #expect(!part.contains("Expected "), "\(expectation.scenario) was not as expected:\n\(part)")
            if expectation.scenario != "refused" {
                #expect(part.contains(/lab-client\[\d+\] +lab-server\[\d+\]/), "no names in the head:\n\(part)")
            }
        }
        let programs = labPrograms(in: output)
        #expect(programs.count == 29)
        #expect(programs.filter(isLabProgram) == [])
    }

    /// In `stopped` the server is a stopped process at this point.
    @Test(.enabled(if: isRoot, "capturing needs root"), arguments: ["one-client", "stopped"])
    func endsItsProgramsOnInterruption(_ scenario: String) throws {
        let tour = try Program(Program.tcptrace, ["lab", scenario, "--port", "\(try freePort())"])
        try tour.say("Sockets during")
        tour.signal(SIGINT)
        #expect(try tour.end().code == 0)
        let programs = labPrograms(in: tour.output)
        #expect(programs.count == 2)
        #expect(programs.filter(isLabProgram) == [])
    }

    @Test(.enabled(if: isRoot, "capturing needs root"), arguments: ["one-client", "stopped"])
    func itsProgramsDieWithIt(_ scenario: String) throws {
        let tour = try Program(Program.tcptrace, ["lab", scenario, "--port", "\(try freePort())"])
        try tour.say("Sockets during")
        tour.signal(SIGKILL)
        #expect(try tour.end().code == -SIGKILL)
        let programs = labPrograms(in: tour.output)
        #expect(wait(3) { programs.filter(isLabProgram).isEmpty })
    }

    /// On replay the file gives what the tour showed, including the kernel's side.
    @Test(
        .enabled(if: isRoot, "capturing needs root"),
        arguments: [
            ("refused", ["refused (REJ)"]),
            ("server-closes-first", ["closed (SF) by server, whose process ended", "FIN_WAIT_2*", "TIME_WAIT*"]),
            ("half-close", ["half-closed: server may still send", "note: half-close:", "sent 4 octets after that"]),
            ("stopped", ["kernel: not accepted, no process owns it", "kernel: accepted ", "closed (SF) by client"]),
            ("backlog", ["kernel: not accepted, no process owns it", "retransmit 1", "kernel: accepted after "]),
            ("keep-alive", ["(keep-alive)", "(answer)", "closed (SF) by client"]),
            ("killed", ["closed (SF) by client, whose process ended"]),
            ("killed-unread", ["reset (RSTR) by server", "TCP_ABORT_ON_CLOSE", "warning: reset-killed", "6 octets"]),
        ])
    func savesCaptures(_ scenario: String, _ texts: [String]) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lab-" + UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tour = try Program(
            Program.tcptrace, ["lab", scenario, "--port", "\(try freePort())", "--width", "100", "--save", folder])
        #expect(try tour.end().code == 0)
        let replay = try Program(Program.tcptrace, ["--width", "100", "-r", "\(folder)/\(scenario).pcapng"])
        #expect(try replay.end().code == 0)
        for text in texts {
            #expect(replay.output.contains(text), "\(replay.output)")
            #expect(tour.output.contains(text), "\(tour.output)")
        }
    }

    /// With four ephemeral ports the fifth connection gets a port whose TIME_WAIT belongs to an earlier scenario.
    @Test(.enabled(if: canUnshare, "needs root, unshare and ip")) func aPortThatIsGivenOutAgainIsShown() throws {
        let script = """
            ip link set lo up && echo 40000 40003 > /proc/sys/net/ipv4/ip_local_port_range &&
            exec "$0" lab one-client fin one-client two-clients backlog
            """
        let tour = try Program("/usr/bin/unshare", ["-n", "sh", "-c", script, Program.tcptrace])
        #expect(try tour.end(within: 60).code == 0, "\(tour.errors)")
        #expect(!tour.output.contains("Expected "), "\(tour.output)")
    }

    /// Another server may have the same port of another address: it must not be shown, and above all not ended.
    @Test(.enabled(if: isRoot, "capturing needs root")) func theSamePortOfAnotherAddressIsLeftAlone() throws {
        let port = try freePort()
        let other = try Program(Program.products + "/lab-server", ["--host", "127.0.0.2", "--port", "\(port)"])
        try other.say("listening on ")
        let tour = try Program(Program.tcptrace, ["lab", "fin", "refused", "--port", "\(port)"])
        #expect(try tour.end().code == 0)
        #expect(tour.errors == "" && !tour.output.contains(#/tcp .*127\.0\.0\.2/#), "\(tour.errors) \(tour.output)")
        #expect(tour.output.contains(#/The way out: tcptrace kill port \d+ --pid \d+ --yes/#), "\(tour.output)")
        #expect(tour.output.contains("is now TIME_WAIT") && tour.output.contains("No socket listened on port"))
        #expect(isLabProgram("\(other.pid)"))
        other.signal(SIGTERM)
        #expect(try other.end().code == 0)
    }

    @Test func namesTheHolderOfATakenPort() throws {
        let port = try freePort()
        let server = try Program(Program.products + "/lab-server", ["--port", "\(port)"])
        try server.say("listening on ")
        let tour = try Program(Program.tcptrace, ["lab", "--port", "\(port)"])
        #expect(try tour.end().code == 1)
        #expect(tour.output == "")
        #expect(tour.errors.contains("port \(port) is taken by lab-server[\(server.pid)]"))
        #expect(tour.errors.contains("tcptrace kill port \(port)") && tour.errors.contains("--port \(port + 1)"))
    }

    /// The first target of the makefile only lists the targets, so the advice must not be a bare `make`.
    @Test func aMissingLabProgramIsNamed() throws {
        let scratch = try Scratch()
        let copy = scratch.file("tcptrace")
        try FileManager.default.copyItem(atPath: Program.tcptrace, toPath: copy)
        let tour = try Program("/usr/bin/env", ["PATH=/nowhere", copy, "lab", "refused"])
        #expect(try tour.end().code == 1)
        #expect(tour.errors.contains("lab-server is missing") && tour.errors.contains("`swift build` builds it"))
        #expect(!tour.errors.contains("`make`") && tour.output.isEmpty, "\(tour.errors)")
    }

    @Test func listsItsScenarios() throws {
        for width in [40, 80, 200] {
            let list = try Program(Program.tcptrace, ["lab", "--list", "--width", "\(width)"])
            #expect(try list.end().code == 0)
            let lines = list.output.split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= width }, "\(list.output)")
            // A summary that does not fit continues on the next line.
            let names = lines.filter { !$0.hasPrefix(" ") }.compactMap {
                $0.split(separator: " ").first.map(String.init)
            }
            #expect(names == expectations.map(\.scenario))
        }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let page = root.deletingLastPathComponent().path + "/Sources/tcptrace/Manual/tcptrace.8"
        let manual = try String(contentsOfFile: page, encoding: .utf8)
        for (name, _) in expectations {
            #expect(manual.contains("\n.B \(name.replacing("-", with: "\\-"))\n"), "\(name) in the manual")
        }
        let wrong = try Program(Program.tcptrace, ["lab", "nonsense"])
        #expect(try wrong.end().code == 64)
        #expect(wrong.errors.contains("two-clients"))
    }
}
