// A child process started for a measurement: a tracer, or one end of the traffic.

import Glibc

/// A child whose standard output or standard error goes into a pipe.
final class Child {
    let pid: pid_t
    private let pipe: Int32
    private var heard: [UInt8] = []

    /// Starts a program. Its output on `stream` (1 or 2) goes into our pipe; if that is 2, its standard output goes to
    /// `output`.
    init(_ words: [String], reading stream: Int32, output: String = "/dev/null") throws(BenchError) {
        var ends: [Int32] = [0, 0]
        // The array has room for the two descriptors.
        guard unsafe Glibc.pipe(&ends) == 0 else { throw BenchError("pipe: errno \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        // Copies, freed below; the list ends in nil, as execvp(3) requires.
        var list = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe list.forEach { unsafe free($0) } }
        // Initialized by the next call.
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

    /// Reads until the output contains `word`, or ends.
    func hear(_ word: String) {
        while !said.contains(word), listen() {}
    }

    /// All of its output, read to the end.
    func remainder() -> String {
        while listen() {}
        return said
    }

    private var said: String { String(decoding: heard, as: UTF8.self) }

    private func listen() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        // At most the size of the buffer is read.
        let count = unsafe read(pipe, &buffer, 4096)
        if count > 0 { heard += buffer[..<count] }
        return count > 0 || count < 0 && errno == EINTR
    }

    /// Ends the child by a signal, or waits for it to end by itself if nil, and returns its output. Unless killed, it
    /// must exit with status 0.
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

    /// Seconds of processor time used so far, including the kernel's.
    var processorTime: Double {
        var clock = clockid_t()
        // The calls fill the variables passed to them: a clock that covers all threads of the child, and its reading.
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

/// The contents of a small text file, or nil.
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
