// Errors, and the message and exit code for each.

import Foundation
import Testing

@Suite struct BadInputTests {
    private static func connections(_ count: UInt16) -> [UInt8] {
        var file = HandMade()
        for index in 0..<count { file.connection(40000 + index, isn: 1000 + UInt32(index) * 7) }
        return file.bytes
    }

    // MARK: Words on the command line

    @Test func helpAndVersionAreResults() throws {
        for flag in ["--help", "-h", "--version"] {
            let outcome = try tcptrace(flag)
            #expect(outcome.code == 0 && outcome.errors.isEmpty && !outcome.output.isEmpty, "\(flag)")
        }
        #expect(try tcptrace("--version").text.contains("tcptrace"))
    }

    @Test(arguments: [
        ["--nonsense"], ["-c", "-5", "-i", "lo"], ["-c", "0", "-i", "lo"], ["-c", "99999999999999999999", "-i", "lo"],
        ["-c", "", "-i", "lo"], ["-s", "", "-i", "lo"], ["-s", "-1", "-i", "lo"], ["-s", "262145", "-i", "lo"],
        ["-B", "1", "-i", "lo"], ["-B", "99999999999", "-i", "lo"], ["--width", "0", "-i", "lo"],
        ["--width", "10001", "-i", "lo"], ["--width", "", "-i", "lo"], ["--duration", "-1", "-i", "lo"],
        ["--duration", "nan", "-i", "lo"], ["--duration", "inf", "-i", "lo"], ["--connections", "0", "-i", "lo"],
        ["-r", "x", "-i", "lo"], ["-T", "xml", "-i", "lo"], ["--color", "green", "-i", "lo"],
        ["--state", "NOWHERE", "-i", "lo"], ["--outcome", "fine", "-i", "lo"], ["-Q", "sideways", "-i", "lo"],
        ["-y", "NOSUCH", "-i", "lo"], ["9500"], ["sokets"], ["socket", "port", "9500"], ["version"],
        ["-r", "x", "--pid", "1", "--no-kernel"], ["--pname", "x", "--no-process"],
        ["-r", "x", "-w", "-", "--count"], ["-r", "x", "-w", "-", "--print"], ["-r", "x", "-w", "-", "-T", "csv"],
        ["-r", "x", "--duration", "1"], ["-r", "x", "--no-header"], ["-r", "x", "-T", "zeek", "--no-header"],
    ])
    func usageErrorsAre64(_ arguments: [String]) throws {
        let outcome = try Program(Program.tcptrace, arguments).end()
        #expect(outcome.code == 64, "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.hasPrefix("Error: "), "\(outcome.errors)")
    }

    /// Without /proc the program cannot know its arguments, so it must do nothing, least of all trace everything.
    @Test(
        .enabled(if: isRoot, "mount namespaces need root"),
        arguments: [
            ["tcptrace", "--version"], ["tcptrace", "-r", "/dev/null"], ["tcptrace", "sockets"],
            ["lab-server", "--help"], ["lab-client", "--help"],
        ])
    func withoutWordsNothingIsDone(_ words: [String]) throws {
        let outcome = try Program(
            "/usr/bin/unshare",
            [
                "-m", "/bin/sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh",
                "\(Program.products)/\(words[0])",
            ]
                + words.dropFirst()
        ).end()
        #expect(outcome.code == 1 && outcome.output.isEmpty, "\(outcome.text)")
        #expect(
            outcome.errors
                == "\(words[0]): the command line cannot be read: /proc is not mounted here, or not readable\n")
    }

    /// Options that choose how to capture have no effect on a file; ignoring them silently would suggest that they had.
    @Test(arguments: [
        (["-Q", "out"], "-Q is for live traces: for a file, use filter words such as src host"),
        (["-Q", "inout"], "-Q is for live traces"),
        (["-y", "RAW"], "-y is for live traces: a file has its own link type"),
        (["--netns", "1"], "--netns is for live traces"), (["-L"], "-L lists the link types of an interface"),
    ])
    func whatIsForLiveTracesIsRefusedForFiles(_ options: [String], _ complaint: String) throws {
        let scratch = try Scratch()
        var file = HandMade()
        file.connection(40001)
        let path = try scratch.write(file.bytes, as: "a.pcap")
        for words in [["-r", path] + options, options + [path]] {
            let outcome = try Program(Program.tcptrace, words).end()
            #expect(outcome.code == 64 && outcome.output.isEmpty, "\(outcome.text)")
            #expect(outcome.errors.hasPrefix("Error: " + complaint), "\(outcome.errors)")
        }
        // With -d, -y selects the link type for which the filter is compiled.
        let listing = try tcptrace("-r", path, "-y", "RAW", "-d", "tcp")
        #expect(listing.code == 0 && listing.text.hasPrefix("(000) "), "\(listing.errors)")
    }

    @Test(arguments: [
        (["lo", "port", "9500"], "lo is an interface: tcptrace -i lo port 9500"),
        (["fin"], "fin: not a filter, but a scenario of the lab: tcptrace lab fin"),
        (["lba"], "did you mean tcptrace lab?"),
        (["-c", "-1"], "The value '-1' is invalid for '-c <count>': count at least one packet"),
        (["-s", "-5"], "-s -5: the snapshot length must be from 0 (all) to 262144"),
        (["--connections", "0"], "count at least one connection"),
        (["--duration", "0"], "--duration 0: must be a number of"),
        (["-C", "1"], "-C: output files are not rotated; tcpdump writes such files"),
        (["-z", "gzip"], "-z: output files are not rotated; tcpdump writes such files"),
        (["-r", "x", "-qz", "conv,tcp"], "-z conv,tcp: tshark's statistics; -q writes one line per connection"),
        (["-zio,stat,1"], "-z io,stat,1: tshark's statistics; -q writes one line per connection"),
        (["lab", "-p", "99999"], "is invalid for '-p <port>': the port must be from 1 to 65535"),
        (["9500"], "tcptrace port 9500"), (["sokets"], "did you mean tcptrace sockets?"),
        (["doctr"], "did you mean tcptrace doctor?"), (["version"], "tcptrace --version"),
        (["-i", "lo", "sockets"], "sockets is a verb, and comes first: tcptrace sockets"),
        (["out.pcapg"], "out.pcapg: not a filter; to read a capture file: tcptrace -r out.pcapg"),
        (["out.cpap"], "to read a capture file: tcptrace -r out.cpap"),
        (["-i", "lo", "tcp", "and", "port9500"], "did you mean port 9500?"),
        (["-i", "lo", "host127.0.0.1"], "did you mean host 127.0.0.1?"),
        (["-i", "lo", "net10.0.0.0/8"], "did you mean net 10.0.0.0/8?"),
        (["-i", "lo", "portrange80-90"], "did you mean portrange 80-90?"),
        (["-i", "lo", "portrange", "7101:7110"], "did you mean portrange 7101-7110?"),
        (["-i", "lo", "tcp", "and", "port", "7101:7110"], "did you mean portrange 7101-7110?"),
        (["-i", "lo", "portrange7101:7110"], "did you mean portrange 7101-7110?"),
        (["-i", "lo", "host", "127.0.0.1:7101"], "did you mean host 127.0.0.1 and port 7101?"),
    ])
    func aWordThatIsNoFilterIsAnsweredWithWhatWasMeant(_ words: [String], _ hint: String) throws {
        let outcome = try Program(Program.tcptrace, words).end()
        #expect(outcome.code != 0 && outcome.errors.contains(hint), "\(outcome.errors)")
    }

    @Test(arguments: [
        "port80a", "vlan1e", "port80:", "host3.example.com", "port99999", "www.gencat.cat", "x.map", "10.0.0.1:80x",
    ])
    func nothingIsSuggestedThatIsNoFilterAndNoCapture(_ word: String) throws {
        let outcome = try Program(Program.tcptrace, ["-i", "lo", word]).end()
        #expect(outcome.code != 0 && !outcome.errors.contains("did you mean"), "\(outcome.errors)")
        #expect(!outcome.errors.contains("capture file"), "\(outcome.errors)")
    }

    @Test(arguments: [
        ["-F", "/nonexistent", "-i", "lo"], ["-V", "/nonexistent"], ["/nonexistent"], ["nonexistent.pcapng"],
    ])
    func filesThatAreNotThereAreNamedAndTheCodeIs1(_ arguments: [String]) throws {
        let outcome = try Program(Program.tcptrace, arguments).end()
        #expect(outcome.code == 1 && outcome.output.isEmpty)
        let name = arguments.first { $0.contains("nonexistent") } ?? ""
        #expect(outcome.errors.contains("tcptrace: \(name): No such file or directory\n"), "\(outcome.errors)")
    }

    /// A pipe can be read only once; a second read would yield an empty filter, which traces everything.
    @Test func filtersAndListsMayComeThroughPipes() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(2), as: "x#1.pcap")
        func traced(_ script: String) throws -> Outcome { try shell(script, Program.tcptrace, file) }
        let none = try traced(#"echo 'port 9' | "$1" -q -F /dev/stdin -r "$2""#)
        #expect(none.code == 0 && none.errors.contains("0 connections traced"), "\(none.errors)")
        #expect(none.errors.contains(#"packets passed the filter "port 9";"#), "\(none.errors)")
        let all = try traced(#"echo 'tcp # all of it' | "$1" -q -F - -r "$2""#)
        #expect(all.code == 0 && all.errors.contains("2 connections traced"), "\(all.errors)")
        // A number sign in a list is part of a file name.
        let listed = try traced(#"echo "$2" | "$1" -q -V -"#)
        #expect(listed.code == 0 && listed.errors.contains("2 connections traced"), "\(listed.errors)")
        let empty = try traced(#"echo '# nothing' | "$1" -q -F - -r "$2""#)
        #expect(empty.code == 1 && empty.errors == "tcptrace: -F -: it contains no filter\n", "\(empty.errors)")
    }

    /// CR LF line ends, as files from another system have them.
    @Test func filtersAndListsOfOtherLineEndsAreTheSame() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(2), as: "x.pcap")
        let filter = scratch.file("filter")
        let list = scratch.file("list")
        try Data("# web\r\ntcp # all\r\nor port 9\r\n".utf8).write(to: URL(filePath: filter))
        try Data("\(file)\r\n\(file)\r\n".utf8).write(to: URL(filePath: list))
        let outcome = try Program(Program.tcptrace, ["-q", "-F", filter, "-V", list]).end()
        #expect(outcome.code == 0 && outcome.errors.contains(#"filter "tcp or port 9""#), "\(outcome.errors)")
        #expect(outcome.errors.components(separatedBy: "reading from file \(file),").count == 3, "\(outcome.errors)")
        for option in ["-F", "-V"] {
            let outcome = try Program(Program.tcptrace, ["-q", option, "/tmp"]).end()
            #expect(outcome.code == 1 && outcome.errors == "tcptrace: /tmp: Is a directory\n", "\(outcome.errors)")
        }
    }

    /// A filter of exactly 1 MiB, the stated limit, is accepted; a longer one is too long.
    @Test func aFilterOfOneMebibyteIsOne() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(2), as: "x.pcap")
        let words = Array("tcp port 9\n#".utf8)
        for (length, code) in [(1 << 20, 0), (1 << 20 + 1, 1)] as [(Int, Int32)] {
            let filter = try scratch.write(words + [UInt8](repeating: 0x2e, count: length - words.count), as: "filter")
            let outcome = try Program(Program.tcptrace, ["-q", "-F", filter, "-r", file]).end()
            #expect(outcome.code == code, "\(length): \(outcome.errors)")
            #expect(
                outcome.errors.contains("is longer than 1 MiB, too long for a filter") == (code == 1),
                "\(outcome.errors)")
        }
    }

    /// The same mistake gets the same message from every command.
    @Test func optionsThatCommandsShareFailAlike() throws {
        for (options, complaint) in [
            (["--color", "green"], "--color green: auto, always or never"),
            (["--width", "19"], "--width 19: from 20 to 10000 columns"),
            (["--width", "10001"], "--width 10001: from 20 to 10000 columns"),
        ] {
            for verb in [["-r", "x"], ["lab", "--list"], ["explain"]] {
                let outcome = try Program(Program.tcptrace, verb + options).end()
                #expect(outcome.code == 64 && outcome.errors.contains(complaint), "\(verb): \(outcome.errors)")
            }
        }
        let states = "there is no such state; there are CLOSED, LISTEN, SYN_SENT, SYN_RECEIVED, ESTABLISHED"
        for (name, verb) in [("nosuch", ["-r", "x"]), ("nosuch", ["sockets"]), ("", ["-r", "x"]), ("", ["sockets"])] {
            let outcome = try Program(Program.tcptrace, verb + ["--state", name]).end()
            #expect(outcome.code == 64 && outcome.errors.contains("--state \(name): \(states)"), "\(outcome.errors)")
        }
    }

    /// None of the capture's contents may be printed.
    @Test func aCaptureIsNoListOfThem() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(1), as: "x.pcap")
        for (option, kind) in [("-V", "list of files"), ("-F", "filter")] {
            let outcome = try Program(Program.tcptrace, ["-q", option, file]).end()
            #expect(outcome.code == 1)
            #expect(
                outcome.errors == "tcptrace: \(option) \(file): this is a capture file, not a \(kind): -r \(file)\n",
                "\(outcome.errors)")
        }
        let other = scratch.file("other")
        try Data([0x7f, 0x45, 0x4c, 0x46, 0, 0x1a, 0x1b, 0x5b, 0xff]).write(to: URL(filePath: other))
        let binary = try Program(Program.tcptrace, ["-q", "-V", other]).end()
        #expect(binary.code == 1 && binary.errors == "tcptrace: \(other): is not text, as a list of files must be\n")
        try Data([0x1b, 0x5b, 0x32, 0x4a, 0xff, 0x0a]).write(to: URL(filePath: other))
        let raw = try Program(Program.tcptrace, ["-q", "-V", other]).end()
        #expect(raw.code != 0 && raw.errors.contains("is not UTF-8"), "\(raw.errors)")
        #expect(!raw.errors.utf8.contains(0x1b) && !raw.errors.contains("\u{fffd}["), "\(raw.errors)")
    }

    @Test func theProgramOfAFilterIsThatOfTheFilesLinkType() throws {
        let scratch = try Scratch()
        // With raw IP the version is in the first octet.
        var raw = Self.connections(1)
        raw[20] = 101
        let file = try scratch.write(raw, as: "raw.pcap")
        let program = try Program(Program.tcptrace, ["-d", "-r", file, "port", "80"]).end()
        #expect(program.code == 0 && program.text.hasPrefix("(000) ldb      [0]"), "\(program.text)")
        let missing = try Program(Program.tcptrace, ["-d", "-r", "/nonexistent", "port", "80"]).end()
        #expect(missing.code == 1 && missing.output.isEmpty)
    }

    @Test func aCaptureBeforeFilterWordsIsNoFilterWord() throws {
        let scratch = try Scratch()
        let file = scratch.file("few words")
        try Data([0xd4, 0xc3, 0xb2, 0xa1]).write(to: URL(fileURLWithPath: file))
        let outcome = try Program(Program.tcptrace, ["-q", file, "port", "9500"]).end()
        #expect(
            outcome.errors.contains("\(file) is a capture file: tcptrace -r '\(file)' port 9500"), "\(outcome.errors)")
    }

    @Test func aCaptureBesideAnOutputIsNoFilterWord() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(1), as: "plain")
        let outcome = try tcptrace(file, "-w", "copy.pcap")
        #expect(outcome.code == 64)
        #expect(
            outcome.errors.contains("\(file) is a capture file: tcptrace -r \(file) -w copy.pcap"), "\(outcome.errors)")
    }

    /// The error is about the file as a capture, not about a filter.
    @Test func anExistingFileIsNoFilterWord() throws {
        let scratch = try Scratch()
        let text = try scratch.write(Array("This is no capture file, is it?".utf8), as: "text")
        for path in [scratch.path, text] {
            let (word, option) = (try tcptrace(path), try tcptrace("-r", path))
            #expect(word.code == 1 && word.errors == option.errors, "\(word.errors)")
        }
        // Even if a directory has the name of a keyword, the word stays a filter.
        let named = try shell("cd \"$1\"; mkdir tcp; exec $T -d tcp", scratch.path)
        #expect(named.code == 0 && named.text.hasPrefix("(000)"), "\(named.errors)")
    }

    @Test func aNameThatIsNothingIsNeitherAFileNorAFilter() throws {
        for word in ["no-such-text.txt", "no/such/file", "www.example.org"] {
            let outcome = try tcptrace(word)
            let sentence =
                "\(word): there is no such file, and it is not a filter either; a capture file is read with tcptrace -r FILE"
            #expect(outcome.code == 64 && outcome.errors.contains(sentence), "\(outcome.errors)")
            #expect(outcome.errors.contains("tcptrace host \(word)") == !word.contains("/"), "\(outcome.errors)")
        }
        // A word that cannot be a name, has a typo, or is in another filter language is taken as a filter.
        for word in ["192.168.1.300", "tcp.port", "10.0.0.1:80"] {
            let outcome = try tcptrace(word)
            #expect(outcome.errors.contains("can't parse filter expression"), "\(outcome.errors)")
        }
    }

    @Test func whereNothingWasChosenItIsSaidWhatThereWas() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(2), as: "x.pcap")
        for form in [[], ["-q"], ["-T", "csv"]] {
            let outcome = try Program(
                Program.tcptrace, form + ["-r", file, "--outcome", "refused,no_answer", "--state", "close-wait"]
            ).end()
            let sentence =
                "tcptrace: no connection with an end in CLOSE_WAIT and that was refused or no answer; there were 2 "
            #expect(outcome.code == 0 && outcome.errors.contains(sentence), "\(outcome.errors)")
        }
        let one = try scratch.write(Self.connections(1), as: "one.pcap")
        #expect(try tcptrace("-r", one, "--outcome", "refused").errors.contains("that was refused; there was 1 "))
        #expect(
            try !tcptrace("-r", file, "--state", "close-wait,syn-sent").errors.contains(
                "no connection with an end in CLOSE_WAIT;"))
    }

    @Test func aCaptureAsTheOnlyWordIsReadAlsoIfItIsCompressed() throws {
        let scratch = try Scratch()
        let plain = try scratch.write(Self.connections(2), as: "plain")
        #expect(try shell("gzip -k $1", plain).code == 0)
        for path in [plain, plain + ".gz"] {
            let outcome = try Program(Program.tcptrace, ["-q", path]).end()
            #expect(outcome.code == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("2 connections traced"), "\(outcome.errors)")
        }
    }

    @Test(.enabled(if: isRoot, "needs root")) func unknownInterfaceNamesThoseThereAre() throws {
        let outcome = try tcptrace("-i", "nosuch0")
        #expect(outcome.code == 1 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("nosuch0: No such device exists"))
        #expect(outcome.errors.split(separator: "\n").contains { $0.hasPrefix("There are: ") && $0.contains("lo") })
    }

    @Test(.enabled(if: isRoot, "needs root")) func badFilterHasACaretUnderTheWord() throws {
        let outcome = try tcptrace("-i", "lo", "tcp and prot 80")
        #expect(outcome.code == 1)
        let lines = outcome.errors.split(separator: "\n", omittingEmptySubsequences: false)
        let words = lines.first { $0.contains("tcp and prot 80") } ?? ""
        let carets = lines.first { $0.contains("^") } ?? ""
        #expect(
            carets.distance(from: carets.startIndex, to: carets.firstIndex(of: "^") ?? carets.startIndex)
                == words.distance(
                    from: words.startIndex, to: words.firstRange(of: "prot")?.lowerBound ?? words.endIndex))
    }

    @Test func badFilterOnAFile() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(1), as: "a.pcap")
        let outcome = try tcptrace("-r", file, "prot", "80")
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("^"))
    }

    @Test(.enabled(if: isRoot, "needs root")) func noPermission() throws {
        let scratch = try Scratch()
        let outcome = try shell(
            "chmod 755 $1; cp $T $1/copy; chmod 755 $1/copy; exec setpriv --reuid=65534 --regid=65534 --clear-groups $1/copy -i lo -c 1",
            scratch.path)
        #expect(outcome.code == 1 && outcome.output.isEmpty)
        #expect(outcome.errors.contains("permission"))
        #expect(outcome.errors.contains("sudo \(scratch.path)/copy -i lo -c 1"), "\(outcome.errors)")
    }

    // MARK: Files

    @Test func filesThatAreNone() throws {
        let scratch = try Scratch()
        let empty = try scratch.write([], as: "empty")
        let text = try scratch.write(Array("This is no capture file, is it?".utf8), as: "text")
        let cut = try scratch.write(Array(Self.connections(1).prefix(10)), as: "cut")
        for (path, words) in [
            ("/nonexistent", "No such file"), (empty, "empty"), (scratch.path, "directory"), (text, "text"),
            (cut, "cut"),
        ] {
            let outcome = try tcptrace("-r", path)
            #expect(outcome.code == 1, "\(path)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
            #expect(outcome.errors.split(separator: "\n").count == 1, "one clear message: \(outcome.errors)")
            #expect(outcome.output.isEmpty)
        }
    }

    @Test func headerOnlyIsAnEmptyCapture() throws {
        let scratch = try Scratch()
        let outcome = try tcptrace("-r", try scratch.write(HandMade().bytes, as: "none.pcap"))
        #expect(outcome.code == 0)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.contains("0 packets"))
    }

    @Test func truncatedFileIsReadToTheFault() throws {
        let scratch = try Scratch()
        let bytes = Self.connections(2)
        for cut in [1, 5, 17, 60] {
            let outcome = try tcptrace("-q", "-r", try scratch.write(bytes.dropLast(cut), as: "cut\(cut).pcap"))
            #expect(outcome.code == 1, "\(cut)")
            #expect(outcome.lines.filter { $0.contains("127.0.0.1:4000") }.count == 2, "\(outcome.text)")
            #expect(outcome.errors.contains("cut\(cut).pcap"))
        }
    }

    @Test func garbageAfterAValidHeader() throws {
        let scratch = try Scratch()
        let garbage = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 251) }
        let outcome = try tcptrace("-q", "-r", try scratch.write(Self.connections(1) + garbage, as: "g.pcap"))
        #expect(outcome.code == 1)
        #expect(outcome.text.contains("127.0.0.1:40000"))
    }

    @Test func framesShorterThanTheirHeaders() throws {
        let scratch = try Scratch()
        var file = HandMade()
        let whole = HandMade.frame(40000, 9500, 2, seq: 1)
        for length in 0..<whole.count { file.record(Array(whole.prefix(length)), length: UInt32(whole.count)) }
        file.connection(40001)
        let outcome = try tcptrace("-q", "-r", try scratch.write(file.bytes, as: "short.pcap"))
        #expect(outcome.code == 0)
        #expect(outcome.text.contains("127.0.0.1:40001"))
        #expect(outcome.errors.contains("damaged"))
    }

    @Test func X11_paddingIsNoText() throws {
        let scratch = try Scratch()
        var file = HandMade()
        for (flags, seq, ack, out) in [(2, 1000, 0, true), (0x12, 5000, 1001, false), (0x10, 1001, 5001, true)]
            as [(UInt8, UInt32, UInt32, Bool)]
        {
            file.record(
                HandMade.frame(out ? 40000 : 9500, out ? 9500 : 40000, flags, seq: seq, ack: ack)
                    + [UInt8](repeating: 0, count: 6))
        }
        let conn = try records(tcptrace("-T", "json", "-r", try scratch.write(file.bytes, as: "pad.pcap")), "conn")
        #expect(conn.first?["orig_bytes"] as? Int == 0 && conn.first?["history"] as? String == "ShA")
    }

    @Test func severalFilesGoOnAfterABadOne() throws {
        let scratch = try Scratch()
        let good = try scratch.write(Self.connections(1), as: "good.pcap")
        let outcome = try tcptrace("-q", "-r", "/nonexistent", "-r", good)
        #expect(outcome.code == 1)
        #expect(outcome.text.contains("127.0.0.1:40000"))
    }

    @Test func aFileThatShrinksWhileItIsRead() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(20000), as: "big.pcap")
        let outcome = try shell(
            "set -o pipefail; $T -v -r $1 | (sleep 0.3; truncate -s 1000 $1; cat > $2)", file, scratch.file("out"))
        #expect(outcome.code == 1, "\(outcome.code) \(outcome.errors.suffix(300))")
        #expect(outcome.errors.contains("big.pcap"))
        #expect(FileManager.default.contents(atPath: scratch.file("out"))?.isEmpty == false)
    }

    // MARK: Standard output

    @Test func aClosedPipeIsAQuietEnd() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(2000), as: "a.pcap")
        let outcome = try shell("$T -r $1 | head -1; echo ${PIPESTATUS[0]}", file)
        #expect(outcome.lines.dropFirst().first == "0")
        #expect(!outcome.errors.contains("pipe"), "\(outcome.errors)")
    }

    /// The same holds for frames: a reader that closes the pipe has seen enough.
    @Test func aClosedPipeIsAQuietEndOfFrames() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(20_000), as: "a.pcap")
        let outcome = try shell("$T -r $1 -w - | head -c 24 > /dev/null; echo ${PIPESTATUS[0]}", file)
        #expect(outcome.lines.first == "0")
        #expect(!outcome.errors.contains("pipe"), "\(outcome.errors)")
    }

    /// The same holds for the argument parser's texts: by then the reader may have gone, or may not have started.
    @Test func aClosedPipeIsAQuietEndOfHelpAndOfErrors() throws {
        for (words, code) in [
            ("--help", 0), ("-h", 0), ("sockets --help", 0), ("--nonsense 2>&1", 64), ("9500 2>&1", 64),
        ] {
            let outcome = try shell("(sleep 0.3; exec $T \(words)) | true; echo ${PIPESTATUS[0]}")
            #expect(outcome.lines.first == "\(code)", "\(words)")
        }
    }

    @Test func aFullDiskUnderStandardOutput() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(1), as: "a.pcap")
        for form in ["", "-q", "-T json"] {
            let outcome = try shell("$T -r $1 \(form) > /dev/full", file)
            #expect(outcome.code == 1)
            #expect(outcome.errors.contains("standard output: No space left on device"))
        }
        for words in ["--help", "-h", "--version", "trace --help", "sockets --help", "--help-hidden", "help"] {
            let outcome = try shell("$T \(words) > /dev/full")
            #expect(outcome.code == 1, "\(words)")
            #expect(outcome.errors.contains("standard output: No space left on device"))
        }
        // No line of the help is wider than 80 columns.
        for verb in ["kill", "lab", "explain", "sockets", "doctor"] {
            let help = try tcptrace(verb, "--help")
            #expect(
                help.text.contains("USAGE: tcptrace \(verb)") && help.lines.allSatisfy { $0.count <= 80 },
                "\(help.text)")
        }
        for program in ["lab-server", "lab-client"] {
            let full = try shell("${T%/*}/\(program) --help > /dev/full")
            #expect(
                full.code == 1 && full.errors.contains("\(program): cannot write to standard output: No space left"))
            let help = try shell("${T%/*}/\(program) --help; ${T%/*}/\(program) --version")
            #expect(help.code == 0 && help.text.contains("USAGE: \(program)") && help.text.hasSuffix("0.1.0\n"))
            #expect(try shell("${T%/*}/\(program) --help | true; exit ${PIPESTATUS[0]}").code == 0)
            let wrong = try shell("${T%/*}/\(program) --nonsense")
            #expect(wrong.code == 64 && wrong.text.isEmpty && wrong.errors.contains("--nonsense"))
        }
    }

    @Test func closedStandardStreamsReachNoFile() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(3), as: "a.pcap")
        let plain = scratch.file("plain.pcapng")
        let closed = scratch.file("closed.pcapng")
        #expect(try shell("$T -r $1 -w $2 > /dev/null", file, plain).code == 0)
        let outcome = try shell("$T -r $1 -w $2 >&- 2>&- <&-", file, closed)
        #expect(outcome.code == 0 || outcome.code == 1)
        let contents = FileManager.default.contents(atPath: closed)
        #expect(contents == FileManager.default.contents(atPath: plain), "no line of the report is in the capture")
    }

    // MARK: -w

    @Test(arguments: ["/nonexistent/x.pcapng", "/dev/full", "/"])
    func outputThatCannotBeWritten(_ path: String) throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(1), as: "a.pcap")
        let outcome = try tcptrace("-q", "-r", file, "-w", path)
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains(path))
    }

    /// A heading would look like the result of a run that found nothing.
    @Test(arguments: [
        ["-q"], ["-q", "--fail-on", "any"], ["-T", "csv"], ["-T", "zeek"], ["-T", "json"], ["--count"], [],
        ["-T", "html"], ["-T", "mermaid"],
    ])
    func aRefusedRunPrintsNothing(_ form: [String]) throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(1), as: "a.pcap")
        for output in ["/nonexistent/x.pcapng", "/", file] {
            let outcome = try Program(Program.tcptrace, form + ["-r", file, "-w", output]).end()
            #expect(outcome.code == 1 && outcome.text.isEmpty, "\(outcome.text)")
        }
    }

    @Test func theInputIsNotOverwritten() throws {
        let scratch = try Scratch()
        let bytes = Self.connections(1)
        let file = try scratch.write(bytes, as: "a.pcap")
        let outcome = try shell("ln $1 $1.link; $T -q -r $1 -w $1.link", file)
        #expect(outcome.code == 1)
        #expect(FileManager.default.contents(atPath: file).map(Array.init) == bytes)
    }

    @Test(.enabled(if: isRoot, "needs root")) func aDiskThatFillsUp() throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.connections(200), as: "a.pcap")
        let outcome = try shell(
            "mkdir $2; exec unshare -m sh -c 'mount -t tmpfs -o size=32k none \"$2\" || exit 77; "
                + "exec \"$0\" -q -r \"$1\" -w \"$2/out.pcapng\"' $T $1 $2",
            file, scratch.file("disk"))
        if outcome.code == 77 { return }
        #expect(outcome.code == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("No space left on device"))
        #expect(outcome.text.contains("127.0.0.1:40000"), "what was traced is printed")
    }
}
