// A program to measure, one run of it, and the cost of that run.

import Glibc

/// A command line, in which `{}` stands for the capture.
struct Program {
    let name: String
    let arguments: [String]

    /// Runs the program on `capture`, with its output in a new file `output`, and waits for it.
    func run(on capture: String, output: String) throws(BenchError) -> Run {
        // Remove the previous run's output now, so that freeing it does not count for this run. It may not exist.
        unsafe unlink(output)
        let begin = now()
        let child = try start(on: capture, output: output)
        var status: Int32 = 0
        var usage = rusage()
        // Both variables live through the call, which fills them.
        while unsafe wait4(child, &status, 0, &usage) < 0 && errno == EINTR {}
        let wall = now() - begin
        guard status == 0 else { throw BenchError("\(name) failed on \(capture) with status \(status)") }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return Run(wall: wall, processor: seconds(usage.ru_utime) + seconds(usage.ru_stime))
    }

    /// The peak of anonymous memory in one more run, in KiB, sampled every two milliseconds.
    func peakMemory(on capture: String, output: String) throws(BenchError) -> Int {
        let child = try start(on: capture, output: output)
        var peak = 0
        var status: Int32 = 0
        // status lives through the call, which fills it.
        while unsafe waitpid(child, &status, WNOHANG) == 0 {
            peak = max(peak, Self.anonymousMemory(of: child))
            usleep(2000)
        }
        return peak
    }

    private func start(on capture: String, output: String) throws(BenchError) -> pid_t {
        let words = arguments.map { $0 == "{}" ? capture : $0 }
        // Copies, freed below; the list ends in nil, as execvp(3) requires.
        var list = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe list.forEach { unsafe free($0) } }
        // Initialized by the next call.
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        // The paths are NUL-terminated and copied by these calls.
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var child: pid_t = 0
        // list has at least one word and ends in nil; actions was initialized above.
        let code = unsafe posix_spawnp(&child, words[0], &actions, nil, &list, environ)
        guard code == 0 else { throw BenchError("\(words[0]) cannot be started: errno \(code)") }
        return child
    }

    private static func anonymousMemory(of process: pid_t) -> Int {
        guard let text = readText("/proc/\(process)/status") else { return 0 }
        for line in text.split(separator: "\n") where line.hasPrefix("RssAnon:") {
            return line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        }
        return 0
    }

    /// Whether a program of this name is in PATH.
    static func isInstalled(_ name: String) -> Bool {
        // The text from getenv is copied at once; access(2) reads a NUL-terminated path.
        guard let path = unsafe getenv("PATH") else { return false }
        return unsafe String(cString: path).split(separator: ":").contains { unsafe access("\($0)/\(name)", X_OK) == 0 }
    }
}

/// One run: elapsed seconds, and seconds of processor time, including the kernel's.
struct Run {
    var wall: Double
    var processor: Double
}

/// Seconds of the monotonic clock.
func now() -> Double {
    var time = timespec()
    // The call fills the structure passed to it.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// The contents of a small text file, or nil.
func readText(_ path: String) -> String? {
    // Nothing to close if open(2) fails; read(2) writes at most the array's octets.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let room = bytes.count
    let count = unsafe read(descriptor, &bytes, room)
    return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
}

/// The median; for an even number of values, the lower of the middle two.
func median(_ values: [Double]) -> Double { values.isEmpty ? .nan : values.sorted()[(values.count - 1) / 2] }

/// A number with `decimals` decimals, right-aligned in `width` columns.
func text(_ number: Double, _ decimals: Int, _ width: Int) -> String {
    guard number.isFinite else { return String(repeating: " ", count: max(0, width - 1)) + "-" }
    var unit = 1.0
    for _ in 0..<decimals { unit *= 10 }
    let scaled = Int((number * unit).rounded())
    var digits = String(scaled.magnitude)
    while digits.count <= decimals { digits = "0" + digits }
    if decimals > 0 { digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -decimals)) }
    let plain = (scaled < 0 ? "-" : "") + digits
    return String(repeating: " ", count: max(0, width - plain.count)) + plain
}

/// Text, left-aligned in `width` columns.
func text(_ words: String, _ width: Int) -> String {
    words + String(repeating: " ", count: max(0, width - words.count))
}
