// A process that was started for a measurement: a tracer, or one end of the traffic.

import Glibc

/// A child with its standard output or standard error in a pipe.
final class Child {
    let pid: pid_t
    private let pipe: Int32
    private var heard: [UInt8] = []

    /// Starts a program. What it says on `stream` (1 or 2) is ours to read; `output` takes its standard output otherwise.
    init(_ words: [String], reading stream: Int32, output: String = "/dev/null") throws(BenchError) {
        var ends: [Int32] = [0, 0]
        // Room for the two descriptors.
        guard unsafe Glibc.pipe(&ends) == 0 else { throw BenchError("pipe: errno \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // Copies that are freed below; the list ends in nil, as execvp(3) wants it.
        var list = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe list.forEach { unsafe free($0) } }
        // Filled by the call after it.
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        // The paths are NUL-terminated and copied by these calls.
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], stream)
        var child: pid_t = 0
        // list has at least one word and ends in nil; actions was initialized above.
        let code = unsafe posix_spawnp(&child, words[0], &actions, nil, &list, environ)
        close(ends[1])
        guard code == 0 else {
            close(ends[0])
            throw BenchError("\(words[0]) cannot be started: errno \(code)")
        }
        pid = child
        pipe = ends[0]
    }

    /// Reads until it has said `word`, or nothing more comes.
    func hear(_ word: String) {
        while !said.contains(word), listen() {}
    }

    /// Everything that it has said, once it has ended.
    func remainder() -> String {
        while listen() {}
        return said
    }

    private var said: String { String(decoding: heard, as: UTF8.self) }

    private func listen() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        // No more than the buffer holds is read.
        let count = unsafe read(pipe, &buffer, 4096)
        if count > 0 { heard += buffer[..<count] }
        return count > 0 || count < 0 && errno == EINTR
    }

    /// Ends it by a signal (nil: it ends by itself), and waits. Whoever is not killed has to end well.
    func end(_ number: Int32?) throws(BenchError) -> String {
        if let number { kill(pid, number) }
        let text = remainder()
        var status: Int32 = 0
        // status lives through the call, which fills it.
        while unsafe waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        close(pipe)
        guard status == 0 || number == SIGKILL else { throw BenchError("a program failed: \(text.suffix(300))") }
        return text
    }

    /// Seconds of processor time that it has taken, the kernel's part included.
    var processorTime: Double {
        var clock = clockid_t()
        // The calls fill the variables that are passed: a clock of all its threads, and what it shows.
        guard unsafe clock_getcpuclockid(pid, &clock) == 0 else { return .nan }
        var time = timespec()
        guard unsafe clock_gettime(clock, &time) == 0 else { return .nan }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Its anonymous memory, in KiB.
    var anonymousMemory: Int {
        guard let text = readText("/proc/\(pid)/status") else { return 0 }
        for line in text.split(separator: "\n") where line.hasPrefix("RssAnon:") {
            return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0
        }
        return 0
    }
}

/// A small text file, or nil.
func readText(_ path: String) -> String? {
    // The path is NUL-terminated for the call.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 14)
    let room = bytes.count
    // read(2) writes at most the array's octets.
    let count = unsafe read(descriptor, &bytes, room)
    return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
}
