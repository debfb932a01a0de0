// A running lab program: controlled through pipes, and never left behind.

import CLinux
import Glibc
import PacketSource
import TraceSession

/// A child process. It is ended when the last reference to this object goes, or by the kernel if this process dies
/// first.
final class LabProgram {
    /// How long a program may take to end after SIGTERM.
    private static let patience = Duration.milliseconds(500)

    let name: String
    let pid: Int32
    private var input: Int32
    private let output: Int32
    private let errors: Int32
    private var outputText: [UInt8] = []
    private var errorText: [UInt8] = []
    /// The status from waitpid(2); nil while the program runs. Only a pid that was not reaped certainly belongs to this
    /// program.
    private var status: Int32?

    /// Starts the program at `path`.
    init(name: String, path: String, _ arguments: [String]) throws(TourError) {
        var pipes: [Int32] = []
        for _ in 0..<3 {
            var ends: [Int32] = [-1, -1]
            // pipe writes two numbers, for which the array has room.
            guard unsafe pipe(&ends) == 0 else {
                let code = errno
                for end in pipes { close(end) }
                throw .failed("cannot make a pipe to \(name): \(describeErrno(code))")
            }
            // Everything here belongs to one thread, so no program is started between the two calls.
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            pipes += ends
        }
        // Copies made by strdup and freed below; the array that execv reads ends with a null pointer.
        var words = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
        let child = unsafe tcptrace_spawn_tied(path, &words, pipes[0], pipes[3], pipes[5])
        let code = errno
        // free accepts what strdup returned, null included, once.
        unsafe words.forEach { unsafe free($0) }
        for end in [pipes[0], pipes[3], pipes[5]] { close(end) }
        guard child > 0 else {
            for end in [pipes[1], pipes[2], pipes[4]] { close(end) }
            throw .failed("cannot start \(path): \(describeErrno(code))")
        }
        self.name = name
        pid = child
        input = pipes[1]
        output = pipes[2]
        errors = pipes[4]
        for descriptor in [output, errors] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    }

    deinit {
        end(with: SIGKILL)
        closeInput()
        close(output)
        close(errors)
    }

    // MARK: Talking

    /// Types on the program's keyboard. A program that has ended does not receive it.
    func type(_ text: String) {
        let bytes = Array(text.utf8)
        // The pointer and the count belong to the same live array; a few bytes always fit into the pipe.
        _ = unsafe write(input, bytes, bytes.count)
    }

    /// Ends the program's keyboard input.
    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// Reads the program's output so far, and checks whether it has ended.
    func collect() {
        Self.read(output, into: &outputText)
        Self.read(errors, into: &errorText)
        reap(WNOHANG)
    }

    private static func read(_ descriptor: Int32, into text: inout [UInt8]) {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let room = chunk.count
        while true {
            // read(2) writes at most `room` bytes, for which the array has room.
            let count = unsafe Glibc.read(descriptor, &chunk, room)
            guard count > 0 else { return }
            text += chunk[..<count]
        }
    }

    /// The complete lines of its standard output.
    var lines: [String] {
        outputText.split(separator: 0x0a, omittingEmptySubsequences: false).dropLast().map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// Whether it has printed a line that begins like this.
    func hasSaid(_ start: String) -> Bool { lines.contains { $0.hasPrefix(start) } }

    /// Its standard error so far.
    var complaint: String { String(decoding: errorText, as: UTF8.self) }

    // MARK: The end

    /// Whether it has ended, as of the latest `collect`.
    var hasEnded: Bool { status != nil }

    /// Its exit code; nil while it runs, or if a signal ended it.
    var exitCode: Int32? { status.flatMap { $0 & 0x7f == 0 ? $0 >> 8 & 0xff : nil } }

    /// The signal that ended it; nil while it runs, or if it ended by itself.
    var endingSignal: Int32? { status.flatMap { $0 & 0x7f == 0 ? nil : $0 & 0x7f } }

    /// Stops it, as Ctrl-Z would, and waits until the kernel reports that; returns whether it is stopped.
    func stop() -> Bool {
        reap(WNOHANG)
        guard status == nil, kill(pid, SIGSTOP) == 0 else { return false }
        // A program cannot ignore SIGSTOP, so this wait is short.
        return reap(WUNTRACED)
    }

    /// Continues it after `stop`.
    func resume() {
        reap(WNOHANG)
        if status == nil { kill(pid, SIGCONT) }
    }

    /// Ends it if it still runs: sends the signal, gives it a while to obey, then sends SIGKILL.
    func end(with signal: Int32 = SIGTERM) {
        reap(WNOHANG)
        guard status == nil else { return }
        kill(pid, signal)
        // A stopped program receives the signal only when it continues.
        kill(pid, SIGCONT)
        let deadline = ContinuousClock.now + Self.patience
        while signal != SIGKILL, status == nil, ContinuousClock.now < deadline {
            usleep(2000)
            reap(WNOHANG)
        }
        if status == nil {
            kill(pid, SIGKILL)
            reap(0)
        }
        collect()
    }

    /// Checks whether it has ended; returns whether it is only stopped, which WUNTRACED makes waitpid report.
    @discardableResult
    private func reap(_ options: Int32) -> Bool {
        guard status == nil else { return false }
        var value: Int32 = 0
        // waitpid writes only to the number passed to it.
        while true {
            let answer = unsafe waitpid(pid, &value, options)
            // WIFSTOPPED of wait(2), which is a macro.
            let isStopped = answer == pid && value & 0xff == 0x7f
            if answer == pid, !isStopped { status = value }
            if answer >= 0 || errno != EINTR { return isStopped }
        }
    }
}
