// Several files in one replay: one output for all, no file overwritten, and a heading that comes first.

import CaptureBuilding
import Foundation
import Testing

@Suite struct SeveralFilesTests {
    /// A capture of one connection on a port.
    private static func capture(_ port: UInt16, _ scratch: Scratch, _ name: String) throws -> String {
        var file = HandMade()
        file.connection(port)
        return try scratch.write(file.bytes, as: name)
    }

    /// Like `capture`, but as raw IP, without Ethernet headers.
    private static func rawCapture(_ port: UInt16, _ scratch: Scratch, _ name: String) throws -> String {
        var framed = HandMade()
        framed.connection(port)
        var file = HandMade()
        file.bytes.replaceSubrange(20..<24, with: little(101 as UInt32))
        var at = 24
        while at < framed.bytes.count {
            let length = Int(framed.bytes[at + 8])
            file.record(Array(framed.bytes[(at + 16 + 14)..<(at + 16 + length)]))
            at += 16 + length
        }
        return try scratch.write(file.bytes, as: name)
    }

    private static func contents(_ path: String) -> [UInt8] {
        FileManager.default.contents(atPath: path).map(Array.init) ?? []
    }

    /// The client ports of all connections, in order.
    private static func ports(_ path: String) throws -> [Int] {
        try records(tcptrace("-T", "json", "-r", path), "conn").compactMap { $0["id.orig_p"] as? Int }
    }

    // MARK: -w

    @Test(arguments: ["a.pcap", "b.pcap", "hard", "standard output"])
    func noInputIsOverwritten(_ output: String) throws {
        let scratch = try Scratch()
        let first = try Self.capture(40001, scratch, "a.pcap")
        let second = try Self.capture(40002, scratch, "b.pcap")
        let before = (Self.contents(first), Self.contents(second))
        let line =
            switch output {
            case "hard": "ln $2 $3/hard; exec $T -q -r $1 -r $2 -w $3/hard"
            case "standard output": "exec $T -q -r $1 -r $2 -w - >> $2"
            default: "exec $T -q -r $1 -r $2 -w $3/\(output)"
            }
        let outcome = try shell(line, first, second, scratch.path)
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("This capture is being read and is not overwritten"))
        #expect(Self.contents(first) == before.0)
        #expect(Self.contents(second).starts(with: before.1))
        if output != "standard output" { #expect(Self.contents(second) == before.1) }
        #expect(!outcome.errors.contains("reading from file \(second)"), "the run ends there: \(outcome.errors)")
    }

    @Test func theOutputIsNotReadAsAnInput() throws {
        let scratch = try Scratch()
        let first = try Self.capture(40001, scratch, "a.pcap")
        let output = scratch.file("new.pcapng")
        // The file does not exist when the run begins.
        let outcome = try tcptrace("-q", "-r", first, "-r", output, "-w", output)
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("new.pcapng: This capture is being read"))
        #expect(try Self.ports(output) == [40001])
    }

    @Test func aWrongNameOrFilterEmptiesNoOutput() throws {
        let scratch = try Scratch()
        let good = try Self.capture(40001, scratch, "a.pcap")
        let output = try Self.capture(40002, scratch, "out.pcap")
        let before = Self.contents(output)
        #expect(try tcptrace("-q", "-r", "/nonexistent", "-w", output).code == 1)
        #expect(try tcptrace("-q", "-r", good, "-w", output, "prot", "80").code == 1)
        #expect(Self.contents(output) == before)
    }

    /// An interface's counters may go back (it was reset, or the file is forged).
    @Test(arguments: ["-q", "--count"]) func countsOfLostFramesThatGoBack(_ form: String) throws {
        var file = CaptureBytes()
        file.section()
        file.interface()
        func add(dropped: UInt64) {
            file.block(5) {
                for zero in [0, 0, 0] as [UInt32] { $0.put32(zero) }
                $0.option((5, little(dropped)))
                $0.put32(0)
            }
        }
        add(dropped: 100)
        for _ in 0..<5000 { file.packet(ticks: 0, HandMade.frame(40000, 9500, 2, seq: 7)) }
        add(dropped: 5)
        let scratch = try Scratch()
        let path = try scratch.write(file.bytes, as: "back.pcapng")
        let outcome = try tcptrace(form, "-r", path)
        #expect(outcome.code == 0 && outcome.errors.contains("5000 packets read"), "\(outcome.errors)")
    }

    @Test(arguments: ["out.pcapng", "out.pcap"])
    func framesOfAllFilesAreWrittenInOrder(_ name: String) throws {
        let scratch = try Scratch()
        let files = try [40001, 40002, 40003].map { try Self.capture($0, scratch, "\($0).pcap") }
        let output = scratch.file(name)
        let outcome = try tcptrace(
            "-q", "-r", files[0], "-r", "/nonexistent", "-r", files[1], "-r", files[2], "-w", output)
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("24 packets read, 3 connections traced"))
        #expect(try Self.ports(output) == [40001, 40002, 40003])
    }

    @Test(arguments: [("out.pcapng", [3, 0]), ("out.pcap", [3, 2])])
    func timesThatTheOutputCannotStateAreTold(_ name: String, _ counts: [Int]) throws {
        var file = Blocks()
        file.interface("then", offset: -9_000_000_000)
        file.interface("one day", offset: 9_000_000_000)
        for count in 0..<5 {
            file.frame(HandMade.frame(40000, 9500, 2, seq: 7), on: count < 3 ? 0 : 1, at: UInt64(count))
        }
        let scratch = try Scratch()
        let path = try scratch.write(file.bytes, as: "old.pcapng")
        let output = scratch.file(name)
        let outcome = try tcptrace("-q", "-r", path, "-w", output)
        #expect(outcome.code == 0)
        let told = outcome.errors.split(separator: "\n").filter { $0.contains("the nearest that it can express") }
        let expected = [
            "tcptrace: 3 packets from before 1970 were written to \(output) with the time 1970-01-01 00:00:00 UTC",
            "tcptrace: 2 packets from after 2106 were written to \(output) with the time 2106-02-07 06:28:15 UTC",
        ]
        let wanted = zip(expected, counts).filter { $1 > 0 }.map(\.0)
        #expect(told.count == wanted.count, "\(outcome.errors)")
        for (line, begin) in zip(told, wanted) { #expect(line.hasPrefix(begin), "\(line)") }
    }

    @Test func linkTypesBecomeInterfacesOfOneFile() throws {
        let scratch = try Scratch()
        let ethernet = try Self.capture(40001, scratch, "a.pcap")
        let raw = try Self.rawCapture(40002, scratch, "b.pcap")
        let again = try Self.capture(40003, scratch, "c.pcap")
        let output = scratch.file("out.pcapng")
        #expect(try tcptrace("-q", "-r", ethernet, "-r", raw, "-r", again, "-w", output).code == 0)
        #expect(try Self.ports(output) == [40001, 40002, 40003])
        // A block of type 1 describes an interface, and its link type follows: files with the same description share
        // one.
        let bytes = Self.contents(output)
        var linkTypes: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == 1 { linkTypes.append(bytes[at + 8]) }
            at += Int(bytes[at + 4]) + Int(bytes[at + 5]) << 8
        }
        #expect(linkTypes == [1, 101])
    }

    @Test func aClassicFileOfTwoLinkTypesIsRefusedWithARemedy() throws {
        let scratch = try Scratch()
        let ethernet = try Self.capture(40001, scratch, "a.pcap")
        let raw = try Self.rawCapture(40002, scratch, "b.pcap")
        let output = scratch.file("out.pcap")
        let outcome = try tcptrace("-q", "-r", ethernet, "-r", raw, "-r", ethernet, "-w", output)
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains("EN10MB and RAW: name the file .pcapng"), "\(outcome.errors)")
        #expect(try Self.ports(output) == [40001], "what could be written is there")
    }

    // MARK: The beginning

    @Test func theBeginningIsTheFirstFileThatCanBeRead() throws {
        let scratch = try Scratch()
        let good = try Self.capture(40001, scratch, "good.pcap")
        let csv = try tcptrace("-r", "/nonexistent", "-r", good, "-T", "csv")
        #expect(csv.lines.first?.hasPrefix("ts,") == true && csv.text.split(whereSeparator: \.isNewline).count == 2)
        let json = try tcptrace("-r", "/nonexistent", "-r", good, "-T", "json")
        let captures = try records(json, "capture")
        #expect(captures.map { $0["event"] as? String } == ["start", "end"])
        #expect(captures.allSatisfy { $0["file"] as? String == good })
        #expect(json.text.hasPrefix(#"{"_path":"capture""#))
    }

    @Test func withoutAnyFileThereIsABeginningBeforeTheEnd() throws {
        let captures = try records(tcptrace("-r", "/nonexistent", "-T", "json"), "capture")
        #expect(captures.map { $0["event"] as? String } == ["start", "end"])
    }

    // MARK: The order

    /// One connection of eight frames, a second apart, in four files of two, as a rotating capture writes them.
    private static func rotated(_ scratch: Scratch) throws -> [String] {
        var whole = HandMade()
        whole.connection(40001)
        let header = whole.bytes.prefix(24)
        var records: [[UInt8]] = []
        var at = 24
        while at < whole.bytes.count {
            let length = 16 + Int(whole.bytes[at + 8])
            var record = Array(whole.bytes[at..<at + length])
            record.replaceSubrange(0..<4, with: little(whole.second + UInt32(records.count)))
            records.append(record)
            at += length
        }
        try #require(records.count == 8)
        return try (0..<4).map { part in
            try scratch.write(header + records[part * 2] + records[part * 2 + 1], as: "out.pcap\([1, 2, 3, 10][part])")
        }
    }

    private static func arguments(_ files: [String]) -> [String] { files.flatMap { ["-r", $0] } }

    private static func run(_ arguments: [String]) throws -> Outcome { try Program(Program.tcptrace, arguments).end() }

    /// The files of `out.pcap*` in a shell's order: 1, 10, 2, 3.
    @Test(arguments: [[], ["--workers", "1"], ["--workers", "4"]])
    func filesAreTakenInByTheTimeOfTheirFirstFrames(_ workers: [String]) throws {
        let scratch = try Scratch()
        let files = try Self.rotated(scratch)
        let shell = [files[0], files[3], files[1], files[2]]
        for form in [["-q"], ["-T", "json"], ["-T", "csv"]] {
            let right = try Self.run(form + workers + Self.arguments(files))
            let sorted = try Self.run(form + workers + Self.arguments(shell))
            #expect(sorted.text == right.text && sorted.code == 0 && sorted.errors == right.errors, "\(sorted.errors)")
            #expect(!sorted.errors.contains("mergecap"))
        }
        let json = try Self.run(["-T", "json"] + workers + Self.arguments(shell))
        #expect(try records(json, "conn").map { $0["conn_state"] as? String } == ["SF"])
        // They are also written in this order.
        let output = scratch.file("whole.pcap")
        #expect(try Self.run(["-q", "-w", output] + Self.arguments(shell)).code == 0)
        #expect(try tcptrace("-q", "-r", output).text == Self.run(["-q"] + Self.arguments(files)).text)
    }

    @Test func filesThatOverlapAreSaidToOnce() throws {
        let scratch = try Scratch()
        let files = try Self.rotated(scratch)
        let whole = scratch.file("whole.pcap")
        #expect(try Self.run(["-q", "-w", whole] + Self.arguments(files)).code == 0)
        let outcome = try tcptrace("-q", "-r", files[1], "-r", whole, "-r", files[2])
        #expect(outcome.code == 0)
        let lines = outcome.errors.split(separator: "\n").filter { $0.contains("mergecap") }
        #expect(lines.count == 1, "\(outcome.errors)")
        #expect(
            lines.first?.hasPrefix(
                "tcptrace: \(files[1]) begins 5.00s before \(whole) ends, and files are read one after") == true,
            "\(lines)")
    }

    /// A pipe can be read only once, so nothing is sorted, and time may step back.
    @Test(arguments: ["-", "fifo"]) func withAPipeTheOrderIsThatGiven(_ kind: String) throws {
        let scratch = try Scratch()
        let files = try Self.rotated(scratch)
        let fifo = scratch.file("fifo")
        let line =
            kind == "-"
            ? "cat $1 | $T -q -r $2 -r -" : "mkfifo $3; cat $1 > $3 & $T -q -r $2 -r $3"
        let outcome = try shell(line, files[0], files[1], fifo)
        let names = outcome.errors.split(separator: "\n").filter { $0.contains("reading from file") }
        #expect(names.count == 2 && names.first?.contains(files[1]) == true, "\(outcome.errors)")
        #expect(outcome.code == 0 && outcome.errors.contains("4 packets read"), "\(outcome.errors)")
        #expect(outcome.errors.contains(" begins 3.00s before \(files[1]) ends"), "\(outcome.errors)")
    }

    /// A file that is unreadable or has no frames keeps its place behind the file before it.
    @Test func filesWithoutAFrameKeepTheirErrors() throws {
        let scratch = try Scratch()
        let files = try Self.rotated(scratch)
        let empty = try scratch.write(Array(HandMade().bytes), as: "empty.pcap")
        let damaged = try scratch.write([1, 2, 3, 4, 5, 6, 7, 8], as: "damaged.pcap")
        let outcome = try tcptrace(
            "-q", "-r", files[3], "-r", damaged, "-r", "/nonexistent", "-r", empty, "-r", files[0])
        #expect(outcome.code == 1)
        let lines = outcome.errors.split(separator: "\n")
        let places = [files[0], files[3], damaged, "/nonexistent", empty].map { name in
            lines.firstIndex { $0.contains(name) }
        }
        #expect(places.allSatisfy { $0 != nil }, "\(outcome.errors)")
        #expect(places.compactMap { $0 } == places.compactMap { $0 }.sorted(), "\(outcome.errors)")
        #expect(outcome.errors.contains("4 packets read"))
    }
}
