// `tcptrace kill` against processes that the test starts, on free ports: it ends those and no others.

import Foundation
import Glibc
import TCPModel
import Testing

@testable import TraceSession

/// The exit code and output of one run.
private struct Said {
    var code: Int32
    var output: String
    var errors: [String]
}

@Suite(.serialized, .enabled(if: hasPython)) struct KillRunTests {
    /// Collects the lines of standard error.
    private final class Lines {
        var lines: [String] = []
    }

    private func run(
        _ words: String, yes: Bool = true, signal: Int32 = SIGTERM, ask: @escaping (String) -> Bool? = { _ in nil },
        change: (inout KillRequest) -> Void = { _ in }
    ) throws -> Said {
        var request = KillRequest(
            filter: try SocketFilter(words: [words], portsAreLocal: true), subject: words)
        request.assumeYes = yes
        request.signal = signal
        change(&request)
        let path = NSTemporaryDirectory() + "kill-" + UUID().uuidString
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let file = try #require(FileHandle(forWritingAtPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let lines = Lines()
        let code = KillRun.run(request, to: file.fileDescriptor, ask: ask) { lines.lines.append($0) }
        return Said(code: code, output: try String(contentsOfFile: path, encoding: .utf8), errors: lines.lines)
    }

    @Test func endsTheHolderAndShowsWhatBecameOfItsSockets() throws {
        let server = try Server("c = socket.create_connection(s.getsockname()); a, _ = s.accept()")
        let bystander = try Server()
        let said = try run("port \(server.port)")
        #expect(said.code == 0 && said.errors.isEmpty)
        #expect(said.output.contains("[\(server.process.processIdentifier)] ended after SIGTERM\n"))
        let listener = said.output.split(separator: "\n").last { $0.contains("LISTEN") }
        #expect(listener?.contains("gone") == true)
        server.process.waitUntilExit()
        #expect(server.process.terminationReason == .uncaughtSignal && server.process.terminationStatus == SIGTERM)
        #expect(bystander.process.isRunning)
        let again = try run("port \(server.port)")
        #expect(again.code == 1 && again.errors.first?.contains("holds it") == true)
    }

    @Test func aDryRunSaysWhatWouldBeSentAndSendsNothing() throws {
        let server = try Server()
        let said = try run("port \(server.port)", signal: SIGINT, change: { $0.isDryRun = true })
        #expect(said.code == 0 && said.errors.isEmpty)
        #expect(said.output.hasSuffix("\ndry run: this process would get SIGINT\n"), "\(said.output)")
        #expect(server.process.isRunning)
    }

    @Test func asksFirst() throws {
        let server = try Server()
        let nobody = try run("port \(server.port)", yes: false)
        #expect(nobody.code == 1 && nobody.errors.first?.contains("--yes skips the question") == true)
        var question = ""
        let no = try run("port \(server.port)", yes: false) {
            question = $0
            return false
        }
        #expect(no.code == 1 && no.errors.count == 1)
        #expect(
            no.errors.first?.hasSuffix("[\(server.process.processIdentifier)] was left alone; nothing was ended")
                == true)
        #expect(question.hasSuffix("[\(server.process.processIdentifier)]? [y/N] "))
        #expect(server.process.isRunning)
        #expect(try run("port \(server.port)", yes: false) { _ in true }.code == 0)
    }

    @Test func aHolderThatChangedMeanwhileIsNotTouched() throws {
        let server = try Server()
        let said = try run("port \(server.port)", yes: false) { _ in
            server.process.terminate()
            server.process.waitUntilExit()
            return true
        }
        #expect(said.code == 1 && said.errors.first?.contains("no longer holds it") == true)
    }

    @Test func aProcessThatIgnoresTheSignal() throws {
        let server = try Server("signal.signal(signal.SIGTERM, signal.SIG_IGN)")
        let said = try run("port \(server.port)")
        #expect(said.code == 1 && said.output.contains("is still running 3 s after SIGTERM; --signal KILL"))
        #expect(server.process.isRunning)
        #expect(try run("port \(server.port)", signal: SIGKILL).code == 0)
    }

    /// The kernel keeps the signal pending until the process continues.
    @Test func aStoppedProcessGetsTheSignalLater() throws {
        let server = try Server()
        let pid = server.process.processIdentifier
        kill(pid, SIGSTOP)
        let said = try run("port \(server.port)")
        #expect(
            said.code == 1
                && said.output.contains("[\(pid)] is stopped (Ctrl-Z, SIGSTOP) and gets SIGTERM only when it continues")
        )
        #expect(said.output.contains("kill -CONT \(pid) does that; --signal KILL") && server.process.isRunning)
        kill(pid, SIGCONT)
        server.process.waitUntilExit()
        #expect(server.process.terminationReason == .uncaughtSignal && server.process.terminationStatus == SIGTERM)
        let other = try Server()
        kill(other.process.processIdentifier, SIGSTOP)
        #expect(try run("port \(other.port)", signal: SIGKILL).code == 0)
    }

    @Test func aDryRunSaysThatTheProcessIsStopped() throws {
        let server = try Server()
        let pid = server.process.processIdentifier
        kill(pid, SIGSTOP)
        var said = try run("port \(server.port)", change: { $0.isDryRun = true })
        for _ in 0..<100 where !said.output.contains("is stopped") {
            usleep(20_000)
            said = try run("port \(server.port)", change: { $0.isDryRun = true })
        }
        #expect(said.code == 0)
        #expect(said.output.contains("[\(pid)] is stopped (Ctrl-Z, SIGSTOP) and gets SIGTERM only when it continues"))
        let ending = try run("port \(server.port)", signal: SIGKILL, change: { $0.isDryRun = true })
        #expect(!ending.output.contains("stopped") && server.process.isRunning)
        #expect(try run("port \(server.port)", signal: SIGKILL).code == 0)
    }

    @Test func stoppingAndContinuingAreNoEnds() throws {
        let server = try Server()
        let pid = server.process.processIdentifier
        var question = ""
        let stopped = try run("port \(server.port)", yes: false, signal: SIGSTOP) {
            question = $0
            return true
        }
        #expect(question.hasPrefix("Stop ") && stopped.code == 0 && stopped.errors.isEmpty)
        #expect(stopped.output.contains("[\(pid)] is stopped by SIGSTOP: kill -CONT \(pid) lets it continue\n"))
        let goesOn = try run("port \(server.port)", signal: SIGCONT)
        #expect(goesOn.code == 0 && goesOn.output.contains("[\(pid)] continues\n"), "\(goesOn.output)")
        // This process is not stopped, because it ignores SIGTTIN.
        let deaf = try Server("signal.signal(signal.SIGTTIN, signal.SIG_IGN)")
        let ignored = try run("port \(deaf.port)", signal: SIGTTIN)
        #expect(ignored.code == 1 && ignored.output.contains("is still running 3 s after SIGTTIN"), "\(ignored.output)")
    }

    @Test func severalHolders() throws {
        let server = try Server(
            """
            child = os.fork()
            if child == 0: time.sleep(60)
            """)
        let parent = server.process.processIdentifier
        let said = try run("port \(server.port)")
        #expect(said.code == 1 && said.errors.first?.contains("2 processes hold it") == true)
        #expect(try run("port \(server.port)", change: { $0.pid = parent }).code == 0)
        // The child still listens, so the port is not free yet: this run ends the child, and the next one finds
        // nothing.
        let rest = try run("port \(server.port)", change: { $0.all = true })
        #expect(rest.code == 0)
        #expect(try run("port \(server.port)").code == 1)
    }

    /// One process was ended, so the message about the other must not say that nothing was.
    @Test func ofSeveralOneIsLeftAlone() throws {
        let server = try Server(
            """
            child = os.fork()
            if child == 0: time.sleep(60)
            """)
        var answers = [true, false]
        let said = try run("port \(server.port)", yes: false, ask: { _ in answers.removeFirst() }) { $0.all = true }
        #expect(said.code == 1 && said.output.contains("ended after SIGTERM"), "\(said)")
        #expect(said.errors.count == 1 && said.errors[0].hasSuffix("] was left alone"), "\(said.errors)")
        let rest = try run("port \(server.port)", change: { $0.all = true })
        #expect(rest.code == 0)
    }

    @Test func neverThisVeryProcess() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        #expect(listen(descriptor, 1) == 0)
        let said = try run("pid \(getpid())")
        #expect(said.code == 1 && said.errors.first?.contains("it is this very command") == true)
        #expect(try run("pid 1").code == 1)
    }
}
