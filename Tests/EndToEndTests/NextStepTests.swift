// Mistakes on the command line: each answer says what to type instead, and nothing in it acts on a terminal.

import Foundation
import Testing

@Suite struct NextStepTests {
    @Test(arguments: [
        (
            "curl http://127.0.0.1/",
            "curl: not a filter, but a program; to trace it: tcptrace -- curl http://127.0.0.1/"
        ),
        ("python3", "python3: not a filter, but a program; to trace it: tcptrace -- python3"),
        ("netstat -n", "netstat: neither a verb nor a filter; did you mean tcptrace sockets?"),
        ("live", "live: neither a verb nor a filter; did you mean tcptrace -i lo port 9500 (no verb)?"),
        ("lab 9500", "9500: there is no such scenario; to choose a port, use --port 9500"),
        ("-r -dash", "-r -dash: for a file whose name begins with -, write ./-dash"),
    ]) func anotherToolsWord(_ line: String, _ answer: String) throws {
        if line.hasPrefix("curl"), !FileManager.default.isExecutableFile(atPath: "/usr/bin/curl") { return }
        let outcome = try Program(Program.tcptrace, line.split(separator: " ").map(String.init)).end()
        #expect(outcome.code == 64 && outcome.errors.hasPrefix("Error: \(answer)\n"), "\(outcome.errors)")
    }

    /// `host` is a program on many machines, and a filter keyword on all.
    @Test func aFilterIsNoProgram() throws {
        #expect(try tcptrace("-d", "host", "192.0.2.1").code == 0)
        #expect(try tcptrace("-d", "ip", "host", "192.0.2.1").code == 0)
    }

    @Test func anAddressIsNoInterface() throws {
        let outcome = try tcptrace("-i", "127.0.0.1", "port", "9500")
        #expect(
            outcome.code == 1 && outcome.errors.contains("It is an address of the interface lo: -i lo\n"),
            "\(outcome.errors)")
    }

    @Test func helpAloneIsTheTraces() throws {
        let help = try tcptrace("help")
        let long = try tcptrace("--help")
        #expect(help.code == 0 && help.output == long.output)
        #expect(try tcptrace("help", "sockets").text == tcptrace("sockets", "--help").text)
    }

    /// A list without the listener is easily mistaken for a port without one.
    @Test func whatSocketsLeavesOutIsSaid() throws {
        let server = try python(
            "import socket, time\ns = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(1)\n"
                + "print('port', s.getsockname()[1], flush=True); time.sleep(30)")
        try server.say("\n")
        let port = try #require(server.output.split(separator: " ").last?.dropLast()).description
        let outcome = try tcptrace("sockets", port)
        #expect(outcome.code == 0 && outcome.errors == "tcptrace: 1 listening socket matches: -a lists it\n")
        for option in ["-a", "-l"] { #expect(try tcptrace("sockets", option, port).errors.isEmpty) }
        #expect(
            try tcptrace("sockets", "--state", "close-wait", port).errors
                == "tcptrace: no socket that matches port \(port) is in a requested state\n")
        #expect(try tcptrace("sockets", "-a", "port", "1").errors == "tcptrace: no socket matches port 1\n")
        server.signal(SIGKILL)
    }

    @Test(arguments: [
        ["-T"], ["--state"], ["--outcome"], ["--fail-on"], ["-c"], ["--duration"], ["-Q"], ["sockets", "-T"],
        ["sockets", "--state"], ["sockets"], ["kill"], ["kill", "--signal"], ["doctor", "-T"],
    ]) func aUsageErrorActsOnNoTerminal(_ words: [String]) throws {
        let outcome = try Program(Program.tcptrace, words + ["x\u{1b}[2J\u{9b}y"]).end()
        #expect(outcome.code == 64)
        #expect(
            !outcome.errors.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\n" },
            "\(outcome.errors)")
    }

    /// ROBUSTNESS 6.95: SIGXFSZ. The limit is 1 KiB, and the output is longer.
    @Test func aLimitOfFileSizesIsAnErrorAndNoDeath() throws {
        let scratch = try Scratch()
        let outcome = try shell(
            "ulimit -f 1; $T explain refused half-open-peer retransmission >\"$1\"; echo $?", scratch.file("out"))
        #expect(outcome.lines.first == "1", "\(outcome.text)")
        #expect(outcome.errors == "tcptrace: standard output: File too large\n", "\(outcome.errors)")
    }

    @Test("a command has the signal as it is by default", .enabled(if: isRoot, "live traces need root"))
    func theCommandsLimitsAreItsOwn() throws {
        let outcome = try tcptrace("-i", "lo", "-q", "port 1", "--", "grep", "SigIgn", "/proc/self/status")
        let ignored = outcome.lines.first { $0.hasPrefix("SigIgn") }?.split(separator: "\t").last
        let mask = try #require(ignored.flatMap { UInt64($0, radix: 16) })
        #expect(mask & 1 << UInt64(SIGXFSZ - 1) == 0 && mask & 1 << UInt64(SIGPIPE - 1) == 0)
    }

    @Test("on any the kernel counts frames of lo twice", .enabled(if: isRoot, "live traces need root"))
    func loCountsTwiceOnAny() throws {
        let call = "exec 3<>/dev/tcp/127.0.0.1/1"
        let outcome = try tcptrace("-q", "tcp port 1", "--", "bash", "-c", call)
        #expect(outcome.errors.contains("received by filter (lo counts each packet twice)"), "\(outcome.errors)")
        let own = try tcptrace("-i", "lo", "-q", "tcp port 1", "--", "bash", "-c", call)
        #expect(own.errors.contains("received by filter\n"), "\(own.errors)")
    }
}
