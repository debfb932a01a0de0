// Ctrl-C and other signals while a replay waits for its input or for the reader of its output.

import Foundation
import Testing

@Suite struct SignalTests {
    /// A capture whose output is longer than a pipe holds.
    private static func capture(_ scratch: Scratch) throws -> String {
        var file = HandMade()
        for port in UInt16(0)..<2000 { file.connection(20000 + port) }
        return try scratch.write(file.bytes, as: "a.pcap")
    }

    /// A program whose output goes to a pipe without a reader, returned once the pipe is full.
    private static func stalled(_ pipe: HeldPipe, _ arguments: String) throws -> Program {
        let program = try Program(
            "/bin/bash", ["-c", "exec $0 \(arguments) > $1", Program.tcptrace, pipe.path])
        try #require(wait(15) { waiting(pipe) > 60_000 }, "\(program.errors)")
        return program
    }

    /// A replay that has read one connection and waits for more from the pipe.
    private static func reading(_ pipe: HeldPipe) throws -> Program {
        var file = HandMade()
        file.connection(40001)
        let program = try Program(Program.tcptrace, ["-q", "-r", pipe.path])
        try pipe.write(file.bytes)
        try program.say("reading from file")
        return program
    }

    /// The number of unread octets in a pipe.
    private static func waiting(_ pipe: HeldPipe) -> Int {
        var count: Int32 = 0
        // The call fills the number that is passed.
        return unsafe ioctl(pipe.descriptor, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
    }

    @Test(arguments: ["-T json", "-T json --workers 3", "-T json --events packet"])
    func theSecondOneEndsAReplayWhoseReaderSleeps(_ form: String) throws {
        let scratch = try Scratch()
        let pipe = try HeldPipe(scratch)
        let program = try Self.stalled(pipe, "\(form) -r \(try Self.capture(scratch))")
        program.signal(SIGINT)
        usleep(500_000)
        #expect(!program.hasEnded, "the first one lets it finish, if it is read")
        program.signal(SIGINT)
        #expect(try program.end().code == -SIGINT)
        var bytes = [UInt8](repeating: 0, count: Self.waiting(pipe))
        // As many octets are read as the array holds.
        let count = unsafe read(pipe.descriptor, &bytes, bytes.count)
        #expect(count == bytes.count)
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) != nil, "no whole line: \(line)")
        }
    }

    /// Only the last rows are left to write, so the first signal ends the program.
    @Test(arguments: ["-q --workers 1", "-q --workers 3", "-T csv", "-q --connections 100000"])
    func theFirstOneEndsTheLastRows(_ form: String) throws {
        let scratch = try Scratch()
        var file = HandMade()
        for port in UInt16(0)..<4000 { file.record(HandMade.frame(20000 + port, 9500, 2, seq: 7)) }
        let pipe = try HeldPipe(scratch)
        let program = try Self.stalled(pipe, "\(form) -r \(try scratch.write(file.bytes, as: "syn.pcap"))")
        program.signal(SIGTERM)
        #expect(try program.end().code == -SIGTERM)
    }

    /// SIGUSR1 asks for the progress again and again, and once more just before the end.
    @Test(arguments: ["-q --workers 1", "-q --workers 3", "-T json"])
    func whoAsksTooLateDoesNotKillIt(_ form: String) throws {
        let scratch = try Scratch()
        let file = try Self.capture(scratch)
        for _ in 0..<8 {
            let program = try Program(Program.tcptrace, form.split(separator: " ").map(String.init) + ["-r", file])
            try program.say("reading from file")
            while !program.hasEnded {
                program.signal(SIGUSR1)
                usleep(500)
            }
            let outcome = try program.end()
            #expect(outcome.code == 0 && outcome.errors.contains("2000 connections traced"), "\(outcome.errors)")
        }
    }

    /// tcpdump flushes its file on SIGUSR2; here there is nothing to flush, and the signal must not end the program.
    @Test func whoHasTheFileWrittenOutDoesNotKillIt() throws {
        let scratch = try Scratch()
        let pipe = try HeldPipe(scratch)
        let program = try Self.reading(pipe)
        program.signal(SIGUSR2)
        usleep(300_000)
        #expect(!program.hasEnded)
        try pipe.close()
        let outcome = try program.end()
        #expect(outcome.code == 0 && outcome.text.contains("127.0.0.1:40001"), "\(outcome.errors)")
    }

    @Test(.enabled(if: isRoot, "live traces need root")) func norDoesItKillALiveTrace() throws {
        let scratch = try Scratch()
        let file = scratch.file("a.pcapng")
        let program = try Program(Program.tcptrace, ["-i", "lo", "-w", file, "tcp port 1"])
        try program.say("listening on lo")
        // The packets are in the file long before the end.
        let caller = "import socket\ntry: socket.create_connection(('127.0.0.1', 1))\nexcept OSError: pass"
        _ = try python(caller).end()
        try program.say("refused (REJ)")
        program.signal(SIGUSR2)
        usleep(300_000)
        #expect(!program.hasEnded)
        #expect(try tcptrace("-r", file, "--count", "tcp port 1").text == "2 packets\n")
        program.signal(SIGINT)
        let outcome = try program.end()
        #expect(outcome.code == 0 && outcome.errors.contains("2 packets captured"), "\(outcome.errors)")
        // The command starts with the signal's default action.
        let command = try tcptrace("-i", "lo", "-q", "--", "sh", "-c", "kill -USR2 $$; sleep 1")
        #expect(command.code == 128 + SIGUSR2, "\(command.errors)")
    }

    @Test func aStreamWithoutHeaderIsGivenUp() throws {
        let scratch = try Scratch()
        let pipe = try HeldPipe(scratch)
        let program = try Program(Program.tcptrace, ["-r", "-"], input: pipe.path)
        usleep(300_000)
        program.signal(SIGINT)
        let outcome = try program.end()
        #expect(outcome.code == 0)
        #expect(outcome.errors == "tcptrace: 0 packets read, 0 connections traced\n")
    }

    @Test func aPipeWithoutWriterIsGivenUp() throws {
        let scratch = try Scratch()
        let outcome = try shell(
            "mkfifo $1; $T -r $1 & sleep 0.5; kill -INT $!; wait $!; echo $?", scratch.file("fifo"))
        #expect(outcome.lines.first == "0", "\(outcome.errors)")
    }

    /// timeout(1) signals the process and then its group.
    @Test func theSameSignalTwiceAtOnceIsOneWish() throws {
        let scratch = try Scratch()
        let pipe = try HeldPipe(scratch)
        let program = try Self.reading(pipe)
        usleep(300_000)
        for _ in 0..<3 { program.signal(SIGTERM) }
        let outcome = try program.end()
        #expect(outcome.code == 0)
        #expect(outcome.text.contains("127.0.0.1:40001"))
    }

    @Test func nohupIsRespected() throws {
        let scratch = try Scratch()
        var file = HandMade()
        file.connection(40001)
        let pipe = try HeldPipe(scratch)
        let program = try Program(
            "/bin/bash", ["-c", "trap '' HUP; exec $0 -q -r $1", Program.tcptrace, pipe.path])
        try pipe.write(file.bytes)
        try program.say("reading from file")
        program.signal(SIGHUP)
        usleep(500_000)
        #expect(!program.hasEnded)
        try pipe.close()
        #expect(try program.end().code == 0)
    }

    /// `| head -1` has had its line, and no other line comes.
    @Test(.enabled(if: isRoot, "live traces need root")) func aReaderWhoHasGoneEndsALiveTrace() throws {
        let port = try freePort()
        let outcome = try shell(
            "($T -i lo -T json port $1; echo code $? >&2) | head -1", String(port))
        #expect(outcome.lines.first?.contains("\"event\":\"start\"") == true, "\(outcome.text)")
        #expect(outcome.errors.contains("code 0"), "\(outcome.errors)")
    }
}
