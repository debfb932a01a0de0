// Replay on several threads: the same octets for every number of threads. Formats that are divided by flows must also
// match the output of the single pipeline, which reports events as they happen.

import CaptureBuilding
import Foundation
import Testing

@Suite struct WorkersTests {
    private static let forms = [
        ["-q"], ["-q", "--width", "60"], ["-T", "json"], ["-T", "zeek"], ["-T", "csv"], ["--count"],
        ["-T", "json", "--outcome", "closed,reset"], ["-T", "json", "--events", "packet"], [], ["-vv", "--long"],
        ["--outcome", "closed", "--width", "80"], ["-T", "csv", "--fail-on", "warning"],
        ["-T", "html"], ["-T", "mermaid", "-v"],
    ]

    /// A limit of connections, even one that is never reached, keeps a replay from being divided by flows.
    private static let plain = ["--connections", "1000000000"]

    private static func compare(_ file: String) throws {
        for form in forms {
            let reference = try Program(Program.tcptrace, ["-r", file] + plain + form).end()
            for workers in ["1", "3"] {
                let divided = try Program(Program.tcptrace, ["-r", file, "--workers", workers] + form).end()
                #expect(divided.output == reference.output, "\(file) \(form) with \(workers) workers")
                #expect(divided.code == reference.code, "\(file) \(form) with \(workers) workers")
                #expect(divided.errors == reference.errors, "\(file) \(form) with \(workers) workers")
            }
        }
    }

    /// More connections than a batch has frames; ports are reused again and again, sometimes after a pause.
    @Test func manyConnectionsOnFewPorts() throws {
        let scratch = try Scratch()
        var file = HandMade()
        for round in UInt32(0)..<6 {
            for port in UInt16(0)..<700 {
                file.connection(20000 + port, isn: round &* 0x1357_9bdf &+ UInt32(port), six: port % 5 == 0)
                if port % 7 == 0 { file.record(HandMade.frame(20000 + port, 9500, 2, seq: round &* 77)) }
            }
        }
        try Self.compare(scratch.write(file.bytes, as: "many.pcap"))
    }

    /// CASES X1: the halves of a redirected connection have different ports, and would fall into different parts.
    @Test func X1_redirectedConnections() throws {
        let scratch = try Scratch()
        var file = HandMade()
        for round in UInt32(0)..<3 {
            for port in UInt16(0)..<300 {
                let isn = round &* 0x1357_9bdf &+ UInt32(port) &* 77_777
                let called: UInt16? = port % 3 == 0 ? 80 : port % 3 == 1 ? 443 : nil
                file.connection(20000 + port, 15001, isn: isn, six: port % 5 == 0, called: called)
            }
            // By then all of them are reported, and their ports are free again.
            file.second += 60
        }
        let path = try scratch.write(file.bytes, as: "redirected.pcap")
        try Self.compare(path)
        let rows = try Program(Program.tcptrace, ["-q", "-r", path]).end().text.split(separator: "\n").dropFirst()
        #expect(rows.count == 900, "\(rows.prefix(3))")
        func count(_ end: String) -> Int { rows.filter { $0.contains(" closed SF ") && $0.hasSuffix(end) }.count }
        for end in [":80", ":443", " client"] { #expect(count(end) == 300, "\(end): \(rows.prefix(3))") }
    }

    /// A connection whose four-tuple is reused soon after it began is reported before its part knows its number; the
    /// batch before it ended early, with its file.
    @Test func numbersAcrossFiles() throws {
        let files = ["fin", "time-wait-reused", "refused"].flatMap { name in
            ["-r", "Captures/\(name).pcapng"]
        }
        for workers in ["1", "2", "4"] {
            let outcome = try Program(Program.tcptrace, files + ["-q", "--workers", workers]).end()
            let numbers = outcome.text.split(separator: "\n").dropFirst().compactMap { line in
                line.split(separator: " ").first.flatMap { Int($0) }
            }
            #expect(numbers.sorted() == Array(1...numbers.count), "\(outcome.text)")
            #expect(numbers.count == 4)
        }
    }

    @Test(.enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS")) func theCorpus() throws {
        let root = try #require(Corpus.path)
        let files = try #require(FileManager.default.enumerator(atPath: root))
        // A few of several thousand files, so that the test takes only seconds.
        let captures = files.compactMap { $0 as? String }.filter { $0.hasSuffix(".pcap") || $0.hasSuffix(".pcapng") }
        for (index, name) in captures.sorted().enumerated() where index % 130 == 0 {
            try Self.compare("\(root)/\(name)")
        }
    }

    /// A signal must reach the reader and no worker, where it would end the whole program.
    @Test func signalsAreTheReaders() throws {
        let scratch = try Scratch()
        var file = HandMade()
        for port in UInt16(0)..<50 { file.connection(20000 + port) }
        let path = try scratch.write(file.bytes, as: "a.pcap")
        let outcome = try shell(
            "(cat $1; sleep 4) | $T -r - -q --workers 4 & sleep 1.5; kill -USR1 $!; sleep 0.5; kill -INT $!; wait $!",
            path)
        #expect(outcome.code == 0)
        #expect(outcome.errors.contains("400 packets read\n"))
        #expect(outcome.errors.contains("400 packets read, 50 connections traced"))
        #expect(outcome.lines.count == 52)
    }

    @Test func aLimitOfConnectionsIsKeptAndSaid() throws {
        let scratch = try Scratch()
        var file = HandMade()
        for port in UInt16(1)..<3000 { file.record(HandMade.frame(20000 + port, 9500, 2, seq: 7)) }
        let path = try scratch.write(file.bytes, as: "flood.pcap")
        let few = try tcptrace("-r", path, "-q", "--max-connections", "800")
        #expect(few.text.split(separator: "\n").count == 3000)
        #expect(few.errors.contains("connections were given up before the end: more than 800 at a time"))
        let all = try tcptrace("-r", path, "-q")
        #expect(!all.errors.contains("given up"))
        #expect(few.text.split(separator: "\n").sorted() == all.text.split(separator: "\n").sorted())
        // A limit equal to the number of connections is not exceeded, however they are distributed.
        let enough = try tcptrace("-r", path, "-q", "--max-connections", "2999")
        #expect(!enough.errors.contains("given up") && enough.text == all.text)
    }
}
