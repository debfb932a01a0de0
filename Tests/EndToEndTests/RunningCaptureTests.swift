// A running capture, read from a pipe: ended connections are shown soon, as in a live trace, and late frames are not
// lost.

import Foundation
import Testing

@Suite struct RunningCaptureTests {
    /// A program that reads a capture from a pipe while the capture is made.
    private struct Stream {
        let scratch: Scratch
        let pipe: HeldPipe
        let program: Program
        var file = HandMade()
        /// Everything written so far.
        private(set) var written: [UInt8] = []

        init(_ arguments: [String]) throws {
            scratch = try Scratch()
            pipe = try HeldPipe(scratch)
            program = try Program(Program.tcptrace, ["-r", pipe.path] + arguments)
        }

        /// Writes frames that are captured now.
        mutating func capture(_ frames: (inout HandMade) -> Void) throws {
            file.catchUp()
            frames(&file)
            let bytes = file.take()
            written += bytes
            try pipe.write(bytes)
        }

        func end() throws -> Outcome {
            try pipe.close()
            return try program.end()
        }
    }

    private static func rows(_ outcome: Outcome) -> [String] {
        outcome.output.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }.sorted()
    }

    /// The server repeats its FIN, and the client answers: nothing new for a TIME-WAIT.
    private static func repeatFin(_ file: inout HandMade, _ client: UInt16) {
        file.record(HandMade.frame(9500, client, 0x11, seq: 71_001, ack: 1012))
        file.record(HandMade.frame(client, 9500, 0x10, seq: 1012, ack: 71_002))
    }

    @Test(arguments: [
        ["-q"], ["-q", "--workers", "3"], ["-T", "csv"], ["-T", "zeek"], ["-q", "--connections", "100"],
    ])
    func rowsComeSoonAfterTheEnd(_ form: [String]) throws {
        var stream = try Stream(form)
        let separator = form.contains("csv") ? "," : form.contains("zeek") ? "\t" : ":"
        try stream.capture { file in
            file.connection(40001)
            file.connection(40002, isWhole: false)
            file.connection(40003, six: true)
        }
        try stream.program.say("127.0.0.1\(separator)40001")
        try stream.program.say("40003")
        #expect(!stream.program.output.contains("40002"), "it is open")
        // More connections, one of which reuses a four-tuple.
        try stream.capture { file in
            file.connection(40004)
            file.connection(40001, isn: 0x7777_7777)
        }
        try stream.program.say("127.0.0.1\(separator)40004")
        try #require(wait(15) { stream.program.output.components(separatedBy: "\(separator)40001").count == 3 })
        #expect(!stream.program.output.contains("40002"))
        let outcome = try stream.end()
        #expect(outcome.code == 0 && outcome.errors.contains("5 connections traced"), "\(outcome.errors)")
        // The rows are those of the file, in a different order.
        let file = try stream.scratch.write(stream.written, as: "a.pcap")
        let whole = try Program(Program.tcptrace, ["-r", file] + form).end()
        #expect(Self.rows(outcome) == Self.rows(whole))
    }

    @Test(arguments: [["-T", "json"], ["-T", "json", "--workers", "3", "--events", "packet"]])
    func recordsComeSoonAndOnce(_ form: [String]) throws {
        var stream = try Stream(form)
        try stream.capture { $0.connection(40001) }
        try stream.program.say(#""_path":"conn""#)
        try stream.capture { Self.repeatFin(&$0, 40001) }
        usleep(700_000)
        try stream.capture { $0.connection(40001, isn: 0x7777_7777) }
        try #require(wait(15) { stream.program.output.components(separatedBy: #""_path":"conn""#).count == 3 })
        let outcome = try stream.end()
        #expect(outcome.errors.contains("18 packets read, 2 connections traced"), "\(outcome.errors)")
        let connections = try records(outcome, "conn")
        #expect(connections.count == 2)
        #expect(connections.map { $0["orig_pkts"] as? Int } == [5, 5], "the first was written before the late ACK")
        #expect(try records(outcome, "finding").map { $0["code"] as? String } == ["port-reused"])
        if form.contains("packet") {
            let late = try records(outcome, "packet").filter { ($0["frame"] as? Int ?? 0) > 8 }.prefix(2)
            #expect(late.map { $0["uid"] as? String } == Array(repeating: connections[0]["uid"] as? String, count: 2))
        }
    }

    @Test(arguments: ["1", "3"]) func lateSegmentsStandBehindTheBlock(_ workers: String) throws {
        var stream = try Stream(["--workers", workers])
        try stream.capture { file in
            file.connection(40001)
            file.connection(40002, isWhole: false)
        }
        try stream.program.say("closed (SF) by client")
        #expect(stream.program.output.hasPrefix("TCP 1 "))
        try stream.capture { Self.repeatFin(&$0, 40001) }
        try stream.program.say("1| 14 ")
        try stream.program.say("1| 15 ")
        let outcome = try stream.end()
        #expect(outcome.text.contains("(spurious)"))
        #expect(outcome.lines.filter { $0.hasPrefix("TCP ") }.count == 2, "the second one is open")
        #expect(outcome.errors.contains("15 packets read, 2 connections traced"), "\(outcome.errors)")
    }

    /// A connection that is not shown has no late rows either.
    @Test func lateSegmentsOfOthersAreNotShown() throws {
        var stream = try Stream(["--outcome", "refused"])
        try stream.capture { file in
            file.connection(40001)
            file.record(HandMade.frame(40002, 9500, 0x02, seq: 7))
            file.record(HandMade.frame(9500, 40002, 0x14, seq: 0, ack: 8))
        }
        try stream.program.say("refused (REJ)")
        try stream.capture { Self.repeatFin(&$0, 40001) }
        usleep(700_000)
        let outcome = try stream.end()
        #expect(!outcome.text.contains("40001") && !outcome.text.contains("|  11 "), "\(outcome.text)")
        #expect(outcome.errors.contains("2 connections traced"))
    }

    @Test func theFirstSignalShowsWhatIsOpen() throws {
        for form in [["-q"], ["-q", "--connections", "9"], []] {
            var stream = try Stream(form)
            try stream.capture { file in
                file.connection(40001)
                file.connection(40002, isWhole: false)
            }
            try stream.program.say("closed")
            stream.program.signal(SIGINT)
            let outcome = try stream.program.end()
            #expect(outcome.code == 0)
            #expect(outcome.text.components(separatedBy: "closed").count == 2, "once")
            #expect(outcome.text.components(separatedBy: "open").count == 2, "\(outcome.text)")
        }
    }

    /// A neighbouring connection is never silent, whether or not it passes the filter.
    @Test(arguments: ["tcp", "tcp port 40001"]) func aBusyStreamHasNoPauses(_ filter: String) throws {
        var stream = try Stream(["-q", filter])
        try stream.capture { file in
            file.connection(40002, isWhole: false)
            file.connection(40001)
        }
        var number: UInt32 = 0
        let isShown = wait(15) {
            number += 1
            try? stream.capture { file in
                file.record(HandMade.frame(40002, 9500, 0x18, seq: 1010 + number, ack: 71_001, payload: [0x78]))
            }
            usleep(25_000)
            return stream.program.output.contains("127.0.0.1:40001")
        }
        #expect(isShown)
        #expect(try stream.end().code == 0)
    }

    @Test func whatIsWrongWithOpenConnectionsIsTold() throws {
        var stream = try Stream(["-T", "json"])
        try stream.capture { $0.record(HandMade.frame(40001, 9500, 0x02, seq: 7)) }
        try stream.program.say("syn-unanswered")
        #expect(!stream.program.output.contains(#""_path":"conn""#))
        let outcome = try stream.end()
        #expect(try records(outcome, "finding").count == 1)
        #expect(try records(outcome, "conn").first?["findings"] as? [String] == ["syn-unanswered"])
    }

    /// A file in transfer, or from a host whose clock is wrong: ended connections are shown after 10 s all the same.
    @Test(arguments: [["-q"], ["-T", "json"]]) func aLongPauseShowsWhatHasEnded(_ form: [String]) throws {
        let scratch = try Scratch()
        let pipe = try HeldPipe(scratch)
        let program = try Program(Program.tcptrace, ["-r", pipe.path] + form)
        var file = HandMade()
        file.connection(40001)
        let begin = Date()
        try pipe.write(file.take())
        let row = form.contains("-q") ? "closed SF" : #""_path":"conn""#
        try program.say(row, 30)
        #expect(Date().timeIntervalSince(begin) > 9)
        file.record(HandMade.frame(9500, 40001, 0x11, seq: 71_001, ack: 1012))
        file.connection(40002)
        try pipe.write(file.take())
        usleep(1_000_000)
        #expect(program.output.components(separatedBy: row).count == 2, "it goes on as a file")
        try pipe.close()
        let outcome = try program.end()
        #expect(outcome.errors.contains("17 packets read, 2 connections traced"), "\(outcome.errors)")
        #expect(outcome.text.components(separatedBy: row).count == 3)
    }

    @Test func framesAreCopiedSoon() throws {
        let scratch = try Scratch()
        var stream = try Stream(["-q", "-w", scratch.file("copy.pcap")])
        try stream.capture { $0.connection(40001) }
        try stream.program.say("127.0.0.1:40001")
        let copied = try tcptrace("-q", "-r", scratch.file("copy.pcap"))
        #expect(copied.errors.contains("8 packets read, 1 connection traced"), "\(copied.errors)")
        #expect(try stream.end().code == 0)
    }

    /// Another program's running capture, and a growing file that it writes.
    @Test(
        .enabled(
            if: isRoot && FileManager.default.isExecutableFile(atPath: "/usr/bin/tcpdump"), "needs root and tcpdump"),
        arguments: [false, true]) func anotherProgramsCapture(_ grows: Bool) throws
    {
        let scratch = try Scratch()
        let server = try python(Scripts.echoServer)
        try server.say("port ")
        let port = try #require(Int(server.output.filter(\.isNumber)))
        let pipe = try HeldPipe(scratch)
        let file = grows ? scratch.file("a.pcap") : pipe.path
        let tcpdump = try Program(
            "/usr/bin/tcpdump", ["-i", "lo", "-U", "--immediate-mode", "-Z", "root", "-w", file, "port \(port)"])
        try tcpdump.say("listening on lo")
        let tail = try Program(
            "/bin/bash", ["-c", "exec tail -c +1 -f $0 > $1", grows ? file : "/dev/null", pipe.path])
        let program = try Program(Program.tcptrace, ["-q", "-r", pipe.path])
        try program.say("reading from file")
        for count in 1...2 {
            #expect(try python(Scripts.briefClient, "\(port)").end().code == 0)
            try #require(wait(15) { program.output.components(separatedBy: "closed SF").count == 1 + count })
        }
        #expect(!program.hasEnded && !tcpdump.hasEnded && !tail.hasEnded)
    }
}
