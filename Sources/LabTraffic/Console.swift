// Standard output and standard error of the lab's programs, and the signals that end them quietly.

import Glibc
import Synchronization

/// Writes whole lines to the standard streams, each with its own write, so that a reader sees it at once.
public enum Console {
    /// The program's name; its lock also keeps the lines of several threads apart.
    private static let name = Mutex<String>("")

    /// Prepares the process: ignores SIGPIPE, and opens /dev/null for closed descriptors from 0 to 2, so that no socket
    /// takes their numbers. Unblocks SIGINT and SIGTERM, because the signal mask is inherited and some parents block
    /// everything. Ends the process if its command line cannot be read.
    public static func prepare(program: String) {
        name.withLock { $0 = program }
        _ = signal(SIGPIPE, SIG_IGN)
        var ending = sigset_t()
        // The set is a live local variable; the previous mask is not requested.
        unsafe sigemptyset(&ending)
        for number in [SIGINT, SIGTERM] { unsafe sigaddset(&ending, number) }
        _ = unsafe pthread_sigmask(SIG_UNBLOCK, &ending, nil)
        // The path is a literal. open returns the lowest free number, which is the closed one: those below it are open
        // by now.
        for number: Int32 in 0...2 where fcntl(number, F_GETFD) < 0 { _ = unsafe open("/dev/null", O_RDWR) }
        // Swift's runtime finds the arguments through /proc/self/maps; without it there are none, not even the
        // program's name.
        guard CommandLine.arguments.isEmpty else { return }
        problem("the command line cannot be read: /proc is not mounted here, or not readable")
        exit(1)
    }

    /// Makes the program exit quietly, with code 0, on SIGINT and SIGTERM.
    public static func exitQuietlyOnSignals() {
        for number in [SIGINT, SIGTERM] {
            // The handler only calls _exit, which is async-signal-safe.
            _ = signal(number) { _ in _exit(0) }
        }
    }

    /// Whether standard input and standard output are both terminals.
    static var isInteractive: Bool { isatty(0) == 1 && isatty(1) == 1 }

    /// Prints one line on standard output. A closed pipe ends the program quietly; any other failure ends it with code
    /// 1.
    static func line(_ text: String) { put(text + "\n") }

    /// Prints a text without a line end on standard output.
    static func put(_ text: String) {
        name.withLock { program in
            switch write(text, to: 1) {
            case 0: break
            case EPIPE: _exit(0)
            case let code:
                _ = write("\(program): cannot write to standard output: \(LabError.words(code))\n", to: 2)
                _exit(1)
            }
        }
    }

    /// Prints one line on standard error, prefixed with the program's name.
    public static func problem(_ text: String) {
        _ = name.withLock { program in write("\(program): \(text)\n", to: 2) }
    }

    /// Ends the program with a message of the argument parser: help goes to standard output, where a failure to write
    /// is a failure of the program; a complaint goes to standard error, unchanged.
    public static func end(saying text: String, code: Int32) -> Never {
        if !text.isEmpty {
            let text = text.hasSuffix("\n") ? text : text + "\n"
            if code == 0 { put(text) } else { _ = name.withLock { _ in write(text, to: 2) } }
        }
        exit(code)
    }

    /// Writes all of the text to a descriptor; returns the error number, or 0.
    private static func write(_ text: String, to number: Int32) -> Int32 {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            switch DescriptorCalls.write(number, rest) {
            case .success(let count): rest = rest.dropFirst(count)
            case .failure(let failure) where failure.code == EAGAIN:
                _ = DescriptorCalls.poll([(number, .writable)], for: nil)
            case .failure(let failure): return failure.code
            }
        }
        return 0
    }

    /// Writes a line to a descriptor inherited from the parent process, and closes it. Standard streams stay open:
    /// otherwise the next clients would get their numbers, and with these everything that is printed.
    static func announce(_ text: String, on number: Int32) throws(LabError) {
        let code = write(text + "\n", to: number)
        guard code == 0 else { throw .system(doing: "cannot write to descriptor \(number) of --ready-fd", code: code) }
        if number > 2 { _ = close(number) }
    }
}
