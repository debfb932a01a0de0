// A stream that pauses: everything known by then is shown, and the pauses do not change the result.

import Foundation
import Testing

@Suite struct PausingStreamTests {
    @Test func eventsAreShownBeforeTheStreamGoesOn() throws {
        let scratch = try Scratch()
        var file = HandMade()
        file.connection(40001)
        let pipe = try HeldPipe(scratch)
        let program = try Program(Program.tcptrace, ["-l", "-T", "json", "-r", pipe.path])
        try pipe.write(file.bytes.prefix(200))
        try program.say(#""event":"start""#)
        try program.say(#""_path":"state""#)
        #expect(!program.output.contains("fin_wait"))
        try pipe.write(file.bytes.dropFirst(200))
        try program.say("fin_wait")
        try pipe.close()
        #expect(try program.end().code == 0)
    }

    @Test func whatTheFilesBeforeItSayDoesNotWaitForAStream() throws {
        let scratch = try Scratch()
        var file = HandMade()
        file.connection(40001)
        let pipe = try HeldPipe(scratch)
        let path = try scratch.write(file.bytes, as: "a.pcap")
        let program = try Program(Program.tcptrace, ["-T", "json", "-r", path, "-r", pipe.path])
        try program.say(#""_path":"state""#)
        var other = HandMade()
        other.connection(40002)
        try pipe.write(other.bytes)
        try pipe.close()
        let outcome = try program.end()
        #expect(outcome.code == 0)
        #expect(try records(outcome, "conn").count == 2)
    }

    /// A connection is over when its four-tuple is reused: its row need not wait for a full batch of frames.
    @Test(arguments: ["1", "3"]) func rowsAreShownBeforeTheStreamGoesOn(_ workers: String) throws {
        let scratch = try Scratch()
        var file = HandMade()
        file.connection(40001)
        file.connection(40001, isn: 0x7777_7777)
        let pipe = try HeldPipe(scratch)
        let program = try Program(Program.tcptrace, ["-q", "--workers", workers, "-r", pipe.path])
        try pipe.write(file.bytes)
        try program.say("  1 127.0.0.1:40001")
        #expect(!program.output.contains("  2 127.0.0.1"))
        try pipe.close()
        let outcome = try program.end()
        #expect(outcome.code == 0)
        #expect(try outcome.output == tcptrace("-q", "-r", scratch.write(file.bytes, as: "a.pcap")).output)
    }

    /// The stream pauses anywhere, even in the middle of a batch or a frame; the rows and their order are those of the
    /// file.
    @Test(arguments: [["-q"], ["-T", "csv"], ["-T", "zeek"], ["-T", "json"]])
    func pausesChangeNothing(_ form: [String]) throws {
        let scratch = try Scratch()
        var file = HandMade()
        for round in UInt32(0)..<2 {
            for port in UInt16(0)..<700 {
                file.connection(20000 + port, isn: round &* 0x1357_9bdf &+ UInt32(port), six: port % 5 == 0)
            }
        }
        let wanted = try Program(Program.tcptrace, ["-r", scratch.write(file.bytes, as: "a.pcap")] + form).end()
        for workers in ["1", "3"] {
            let pipe = try HeldPipe(scratch, "fifo\(workers)")
            let program = try Program(Program.tcptrace, ["-r", pipe.path, "--workers", workers] + form)
            var rest = file.bytes[...]
            for piece in [10, 70_001, 200_000, 1, 310_007] {
                try pipe.write(rest.prefix(piece))
                rest = rest.dropFirst(piece)
                usleep(250_000)
            }
            try pipe.write(rest)
            try pipe.close()
            let outcome = try program.end()
            #expect(outcome.code == 0)
            #expect(
                outcome.text.replacing(pipe.path, with: scratch.file("a.pcap")) == wanted.text,
                "\(form) with \(workers) workers")
        }
    }
}
