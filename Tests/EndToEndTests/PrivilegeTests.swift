// The privileges that a running trace has dropped, as the kernel reports them, and its remaining abilities; and the
// doctor without privileges.

import Foundation
import Testing

/// The lines of /proc/PID/status by name.
private func status(_ pid: Int32) throws -> [String: String] {
    let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    return Dictionary(
        text.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return parts.count == 2 ? (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces)) : nil
        }, uniquingKeysWith: { first, _ in first })
}

/// cap_dac_read_search and cap_sys_ptrace.
private let owners = "0000000000080004"
private let none = "0000000000000000"

/// A root process that accepts, echoes and closes; prints its port.
private let server = """
    import socket
    s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(5)
    print('port', s.getsockname()[1], flush=True)
    c, _ = s.accept()
    c.sendall(c.recv(10))
    c.recv(10)
    c.close()
    """

private let mountsOfProcAreApart = ProcessInfo.processInfo.isOperatingSystemAtLeast(
    OperatingSystemVersion(majorVersion: 5, minorVersion: 8, patchVersion: 0))

private let hasSetpriv = FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")

@Suite(.serialized, .enabled(if: isRoot, "giving up privileges needs root")) struct PrivilegeTests {
    /// Traces one connection to a server run by root, unless `start` makes both ends another user's. Returns the
    /// tracer's status during the trace, the outcome, and the server's pid.
    private func trace(
        _ words: [String], _ options: [String] = [], becoming start: String = ""
    ) throws -> (status: [String: String], outcome: Outcome, server: Int32) {
        let peer = try python(start + server)
        try peer.say("\n")
        let port = try #require(Int(peer.output.split(separator: " ").last?.dropLast() ?? ""))
        let tracer = try Program(
            "/usr/bin/env",
            words + [Program.tcptrace, "-i", "lo", "-T", "json", "--connections", "1"] + options
                + ["tcp port \(port)"])
        try tracer.say("listening on lo")
        usleep(100_000)
        let status = try status(tracer.pid)
        _ = try python(start + Scripts.briefClient, "\(port)").end()
        return (status, try tracer.end(), peer.pid)
    }

    private func names(_ outcome: Outcome, _ pid: Int32) throws -> Bool {
        let conn = try #require(try records(outcome, "conn").first)
        return (conn["resp_process"] as? [String: Any])?["pid"] as? Int == Int(pid)
    }

    @Test func asRootTheCapabilitiesGo() throws {
        let (status, outcome, server) = try trace([])
        #expect(status["CapEff"] == owners && status["CapPrm"] == owners && status["CapBnd"] == owners)
        #expect(status["CapInh"] == none && status["CapAmb"] == none && status["NoNewPrivs"] == "1")
        #expect(status["Uid"]?.split(separator: "\t") == ["0", "0", "0", "0"])
        #expect(
            outcome.errors.contains("still root, with no capabilities except cap_sys_ptrace and cap_dac_read_search"))
        #expect(outcome.code == 0)
        #expect(try names(outcome, server))
        #expect(try records(outcome, "host").count == 1)
    }

    @Test func zMeansTheUserAndTheFileIsTheUsers() throws {
        let scratch = try Scratch()
        let file = scratch.file("out.pcapng")
        let (status, outcome, server) = try trace([], ["-Z", "nobody", "-w", file])
        #expect(status["Uid"]?.split(separator: "\t").allSatisfy { $0 == "65534" } == true)
        #expect(status["Gid"]?.split(separator: "\t").contains("0") == false)
        #expect(status["Groups"]?.split(separator: " ").contains("0") == false)
        #expect(status["CapEff"] == owners && status["CapBnd"] == owners && status["NoNewPrivs"] == "1")
        #expect(outcome.code == 0 && outcome.errors.contains("now user nobody, with no capabilities except"))
        // Another user's process is still named, and the kernel's view is available.
        #expect(try names(outcome, server))
        #expect(try records(outcome, "kernel").contains { $0["source"] as? String == "sock_diag" })
        let owner = try FileManager.default.attributesOfItem(atPath: file)[.ownerAccountID] as? Int
        #expect(owner == 65534)
        #expect(try tcptrace("-r", file, "-T", "json").code == 0)
    }

    /// Perf takes about ten descriptors per processor; a trace that cannot have them continues without, and says so.
    @Test func fewDescriptors() throws {
        let (_, outcome, _) = try trace(["prlimit", "--nofile=40:40"])
        #expect(
            outcome.code == 0 && outcome.errors.contains("40 may be open: ulimit -n): the socket tables are polled"))
        #expect(try records(outcome, "kernel").allSatisfy { $0["source"] as? String == "sock_diag" })
    }

    @Test func underSudoTheCaller() throws {
        let (status, outcome, _) = try trace(["SUDO_UID=12345", "SUDO_GID=12346"], ["--no-process"])
        #expect(status["Uid"]?.split(separator: "\t").allSatisfy { $0 == "12345" } == true)
        #expect(status["Gid"]?.split(separator: "\t").allSatisfy { $0 == "12346" } == true)
        #expect(status["Groups"] == "12346" && status["CapEff"] == none && status["CapBnd"] == none)
        #expect(outcome.code == 0 && outcome.errors.contains("now user 12345, with no capabilities;"))
    }

    /// Files named by the caller of sudo are opened with the caller's rights.
    @Test func underSudoNobodyElsesFileIsEmptied() throws {
        let scratch = try Scratch()
        let mine = scratch.file("important")
        try Data("kept".utf8).write(to: URL(fileURLWithPath: mine))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: mine)
        let outcome = try Program(
            "/usr/bin/env",
            ["SUDO_UID=12345", "SUDO_GID=12346", Program.tcptrace, "-i", "lo", "--duration", "1", "-w", mine, "port 1"]
        ).end()
        #expect(outcome.code == 1 && outcome.errors.contains("Permission denied"), "\(outcome.errors)")
        #expect(try String(contentsOfFile: mine, encoding: .utf8) == "kept")
        #expect(try FileManager.default.attributesOfItem(atPath: mine)[.ownerAccountID] as? Int == 0)
        // Where the caller may not create a file, root creates it and changes its owner.
        let new = scratch.file("new.pcap")
        let made = try Program(
            "/usr/bin/env",
            ["SUDO_UID=12345", "SUDO_GID=12346", Program.tcptrace, "-i", "lo", "--duration", "1", "-w", new, "port 1"]
        ).end()
        #expect(made.code == 0, "\(made.errors)")
        #expect(try FileManager.default.attributesOfItem(atPath: new)[.ownerAccountID] as? Int == 12345)
    }

    /// The capabilities that setcap grants to every user of the program must open neither other users' files nor their
    /// connections.
    @Test(.enabled(if: hasSetpriv, "setpriv is missing")) func borrowedPowersOpenNobodyElsesFiles() throws {
        let scratch = try Scratch()
        let capture = try scratch.write(HandMade().bytes, as: "secret.pcap")
        let filter = try scratch.write(Array("secret words".utf8), as: "filter")
        for file in [capture, filter] {
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        }
        func asNobody(_ arguments: [String]) throws -> Outcome {
            let powers = "net_raw,+net_admin,+sys_ptrace,+dac_read_search"
            return try Program(
                "/usr/bin/setpriv",
                [
                    "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+\(powers)",
                    "--ambient-caps=+\(powers)", Program.tcptrace,
                ] + arguments
            ).end()
        }
        for arguments in [["-r", capture], ["-F", filter, "-i", "lo"], ["-V", filter], [capture, "port", "80"]] {
            let outcome = try asNobody(arguments)
            #expect(outcome.code != 0 && !outcome.errors.contains("secret words"), "\(arguments): \(outcome.errors)")
            #expect(!outcome.errors.contains("reading from file"), "\(arguments): \(outcome.errors)")
        }
        // A connection of root's, selected by its ends.
        let peer = try python(server)
        try peer.say("\n")
        let port = try #require(Int(peer.output.split(separator: " ").last?.dropLast() ?? ""))
        let own = try python(
            """
            import socket, sys, time
            c = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
            print('connected', flush=True)
            time.sleep(2)
            """, "\(port)")
        try own.say("connected")
        let refused = try asNobody(["kill", "--connection", "--yes", "--all", "dst", "port", "\(port)"])
        #expect(refused.code == 1 && refused.errors.contains("and you are user 65534"), "\(refused.errors)")
        _ = try own.end()
        _ = try peer.end()
    }

    @Test func zRootKeepsEverything() throws {
        let own = try status(getpid())
        let (status, outcome, _) = try trace([], ["-Z", "root"])
        #expect(status["CapEff"] == own["CapEff"] && status["NoNewPrivs"] == own["NoNewPrivs"])
        #expect(!outcome.errors.contains("everything is open"))
    }

    @Test func anUnknownUserIsAnError() throws {
        let outcome = try tcptrace("-i", "lo", "-Z", "no-such-user", "--duration", "1")
        #expect(outcome.code == 1 && outcome.errors == "tcptrace: -Z no-such-user: there is no such user\n")
    }

    @Test(.enabled(if: hasSetpriv, "setpriv is missing")) func rawNetworkAloneIsEnough() throws {
        let (status, outcome, server) = try trace([
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+net_raw",
            "--ambient-caps=+net_raw", "--bounding-set=-all,+net_raw",
        ])
        #expect(status["CapEff"] == none && status["CapPrm"] == none && status["NoNewPrivs"] == "1")
        #expect(outcome.code == 0)
        #expect(
            outcome.errors.contains(
                "without cap_sys_ptrace, cap_dac_read_search the processes of other users are not named"))
        #expect(try !names(outcome, server))
        #expect(try records(outcome, "kernel").contains { $0["to"] as? String == "established" })
        #expect(try records(outcome, "conn").first?["outcome"] as? String == "closed")
    }

    /// With hidepid=1 a user cannot look into other users' processes. The trace says so where a socket was left without
    /// its process, and only there.
    @Test(
        .enabled(if: hasSetpriv, "setpriv is missing"),
        .enabled(if: mountsOfProcAreApart, "before Linux 5.8 hidepid is that of all mounts"), arguments: [0, 65534])
    func processesThatAreHiddenAreTold(user: Int) throws {
        let become = """
            import ctypes, encodings.idna, os, socket, sys, time
            os.setgid(\(user)); os.setuid(\(user)); ctypes.CDLL(None).prctl(4, 1)

            """
        let (_, outcome, server) = try trace(
            [
                "unshare", "-m", "sh", "-c", "mount -t proc -o hidepid=1 proc /proc && exec \"$@\"", "sh", "setpriv",
                "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+net_raw", "--ambient-caps=+net_raw",
                "--bounding-set=-all,+net_raw",
            ], becoming: become)
        let isHidden = user == 0
        #expect(outcome.code == 0)
        #expect(try names(outcome, server) == !isHidden)
        #expect(outcome.errors.contains(" could not be listed: connections without a process") == isHidden)
        let end = try #require(try records(outcome, "capture").last)
        let hidden = (end["kernel_faults"] as? [String: Any])?["hidden_processes"] as? Int ?? 0
        #expect((hidden > 0) == isHidden, "\(end)")
    }

    /// The command printed for use with sudo is exactly what was typed, word by word, when pasted into a shell.
    @Test(
        .enabled(if: hasSetpriv, "setpriv is missing"),
        arguments: [
            ["-i", "lo", "tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0"],
            ["-i", "lo", "port 9500", "-w", "/tmp/my file.pcapng", "--", "sh", "-c", "echo 'a'; exit 3"],
            ["-i", "lo", "--", "sh", "-c", "echo \u{1b}[31m$HOME\nid"],
        ])
    func theCommandToRunIsWhatWasTyped(_ arguments: [String]) throws {
        let denied = try Program(
            "/usr/bin/setpriv",
            ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", Program.tcptrace] + arguments
        ).end()
        #expect(denied.code == 1 && !denied.errors.contains("\u{1b}"), "\(denied.errors)")
        let line = try #require(denied.errors.split(separator: "\n").first { $0.hasPrefix("  sudo ") })
        let pasted = try Program("/bin/bash", ["-c", "sudo() { printf '%s\\0' \"$@\"; }; \(line)"]).end()
        #expect(pasted.code == 0 && pasted.errors.isEmpty, "\(pasted.errors)")
        #expect(pasted.text == ([Program.tcptrace] + arguments).map { $0 + "\0" }.joined(), "\(line)")
    }

    /// The capabilities advised for setcap give the kernel's events, and the doctor recognises that, with tracefs
    /// mounted as distributions do. Ambient capabilities count as borrowed, like those of a file.
    @Test(.enabled(if: hasSetpriv, "setpriv is missing"))
    func theAdvisedPowersGiveEvents() throws {
        func asNobody(_ powers: [String], _ arguments: [String]) throws -> Outcome {
            let list = powers.map { "+" + $0 }.joined(separator: ",")
            return try Program(
                "/usr/bin/unshare",
                [
                    "-m", "/bin/sh", "-c", "mount -t tracefs tracefs /sys/kernel/tracing && exec \"$@\"", "sh",
                    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=\(list)",
                    "--ambient-caps=\(list)", Program.tcptrace,
                ] + arguments
            ).end()
        }
        let advised = ["net_raw", "net_admin", "sys_ptrace", "dac_read_search", "perfmon", "bpf"]
        let trace = ["-i", "lo", "-q", "--duration", "0.2", "port 1"]
        let whole = try asNobody(advised, trace)
        #expect(whole.code == 0 && !whole.errors.contains("not available"), "\(whole.errors)")
        let doctor = try asNobody(advised, ["doctor"])
        for check in ["cap_perfmon", "cap_bpf", "tracefs", "programs", "sock:inet_sock_set_state"] {
            #expect(doctor.lines.contains { $0.hasPrefix("  ok      \(check)") }, "\(check) in \(doctor.text)")
        }
        for (lacking, call) in [("perfmon", "perf_event_open: "), ("dac_read_search", "tracefs: ")] {
            let lesser = try asNobody(advised.filter { $0 != lacking }, trace)
            let line = lesser.errors.split(separator: "\n").first {
                $0.contains("kernel events not available (\(call)")
            }
            let remedy = "; they need cap_\(lacking): try with sudo, or setcap as in tcptrace(8), PRIVILEGES"
            #expect(lesser.code == 0 && line?.hasSuffix(remedy) == true, "\(lesser.errors)")
        }
    }

    @Test func theDoctorAsRoot() throws {
        let outcome = try tcptrace("doctor", "-T", "json")
        #expect(outcome.code == 0 && outcome.errors.isEmpty)
        let checks = try records(outcome, "doctor")
        #expect(checks.first?["check"] as? String == "live capture" && checks.first?["status"] as? String == "ok")
        for name in ["cap_net_raw", "sock_diag", "tcp_fin_timeout", "owners of sockets"] {
            #expect(checks.contains { $0["check"] as? String == name }, "\(name)")
        }
        let text = try tcptrace("doctor", "--width", "80")
        #expect(text.lines.allSatisfy { $0.count <= 80 } && text.lines.contains("settings"))
    }

    @Test(.enabled(if: hasSetpriv, "setpriv is missing")) func theDoctorWithoutPrivileges() throws {
        let outcome = try Program(
            "/usr/bin/setpriv",
            [
                "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", Program.tcptrace, "doctor",
                "--width", "80",
            ]
        ).end()
        #expect(outcome.code == 1 && outcome.errors.isEmpty)
        #expect(outcome.lines.contains { $0.hasPrefix("  missing live capture") })
        #expect(outcome.lines.contains { $0.hasPrefix("  missing cap_net_raw") && $0.contains("costs: live traces") })
        #expect(outcome.lines.contains { $0.hasPrefix("  missing SOCK_DESTROY") })
        #expect(outcome.lines.contains { $0.hasPrefix("  missing owners of sockets") })
        #expect(outcome.lines.contains { $0.hasPrefix("  ok      sock_diag tcp_info") })
    }
}
