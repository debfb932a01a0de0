// A typo in an option is reported as such, whatever else is wrong because of it.

import Testing

@Suite struct UnknownOptionTests {
    @Test(arguments: [
        // The number after the option is not taken as a filter.
        ("--conections 1", "Unknown option '--conections'. Did you mean '--connections'?"),
        ("--conections=1 9500", "Unknown option '--conections'. Did you mean '--connections'?"),
        ("sockets -a --port 9500", "Unknown option '--port'. It is a filter word: port 9500"),
        ("sockets --stat listen", "Unknown option '--stat'. Did you mean '--state'?"),
        ("kill --sginal KILL 80", "Unknown option '--sginal'. Did you mean '--signal'?"),
        ("explain --colour never nosuchword", "Unknown option '--colour'. Did you mean '--color'?"),
        ("-Y 1", "Unknown option '-Y'."),
        ("-r x -Y tcp.port==8088", "Unknown option '-Y'. A filter needs no option: port 8088"),
        (
            "-Y tcp.flags.reset==1",
            "Unknown option '-Y'. A filter needs no option, and has the words of pcap-filter(7): port 443 and host 10.0.0.1"
        ),
        (
            "sockets -4",
            "Unknown option '-4'. IPv4 and IPv6 are listed together; an address is chosen with host ADDRESS"
        ),
        (
            "sockets -tan -6 port 80",
            "Unknown option '-6'. IPv4 and IPv6 are listed together; an address is chosen with host ADDRESS"
        ),
        ("--nonsense", "Unknown option '--nonsense'."),
        // Options of other programs that are a format, or a letter, here.
        ("--json -r x", "Unknown option '--json'. Did you mean '-T json'?"),
        ("--csv", "Unknown option '--csv'. Did you mean '-T csv'?"),
        ("--html", "Unknown option '--html'. Did you mean '-T html'?"),
        ("--zeek", "Unknown option '--zeek'. Did you mean '-T zeek'?"),
        ("--interface lo", "Unknown option '--interface'. Did you mean '-i'?"),
        ("sockets --json", "Unknown option '--json'. Did you mean '-T json'?"),
        ("sockets --follow", "Unknown option '--follow'. Did you mean '--watch'?"),
        ("kill --force 80", "Unknown option '--force'. Did you mean '--signal KILL'?"),
        ("kill -9 80", "Unknown option '-9'. Did you mean '--signal 9'?"),
        ("kill -INT port 80", "Unknown option '-INT'. Did you mean '--signal INT'?"),
        ("lab --json", "Unknown option '--json'."),
    ])
    func itComesFirst(_ line: String, _ complaint: String) throws {
        let outcome = try Program(Program.tcptrace, line.split(separator: " ").map(String.init)).end()
        #expect(outcome.code == 64 && outcome.output.isEmpty)
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.first == "Error: \(complaint)", "\(outcome.errors)")
        #expect(lines.dropFirst().first?.hasPrefix("Usage: ") == true, "\(outcome.errors)")
    }

    @Test(arguments: [
        ("keepalive", "keepalive: there is no such scenario; did you mean keep-alive?"),
        ("fin KEEP_ALIVE", "KEEP_ALIVE: there is no such scenario; did you mean keep-alive?"),
        ("two-client --list", "two-client: there is no such scenario; did you mean two-clients?"),
        ("keepalive --prt 1", "Unknown option '--prt'. Did you mean '--port'?"),
    ]) func aSlipInAScenarioIsAnswered(_ words: String, _ answer: String) throws {
        let outcome = try Program(Program.tcptrace, ["lab"] + words.split(separator: " ").map(String.init)).end()
        #expect(outcome.code == 64)
        #expect(outcome.errors.hasPrefix("Error: \(answer)\n"), "\(outcome.errors)")
    }

    @Test func whereAllOptionsAreThereTheParserSpeaks() throws {
        #expect(try tcptrace("--connections", "x").errors.contains("'--connections <count>'"))
        #expect(try tcptrace("sockets", "9500", "80").errors.contains("write 'port 9500 or 80'"))
        // `trace` is the implied verb, which nobody types, so the advice must not name it.
        #expect(try tcptrace("--connections", "x").errors.contains("See 'tcptrace --help' for"))
        #expect(try tcptrace("sockets", "--nonsense").errors.contains("See 'tcptrace sockets --help' for"))
        #expect(try tcptrace("-r", "x", "--duration", "1").errors.hasPrefix("Error: --duration"))
        // Options after -- belong to the command.
        #expect(try tcptrace("-r", "x", "--", "ls", "--colour").errors.contains("choose one"))
    }

    @Test func aHostileOptionActsOnNoTerminal() throws {
        let outcome = try tcptrace("--\u{1b}[2Jx", "1")
        #expect(outcome.code == 64 && !outcome.errors.contains("\u{1b}"))
    }
}
