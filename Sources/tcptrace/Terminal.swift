// Standard output (whether it is a terminal, its columns, its character set), this program's file, and its command
// line.

import CLinux
import Glibc
import PacketSource

/// Standard output's properties.
struct Terminal {
    let isTerminal: Bool
    let columns: Int
    let isUTF8: Bool

    /// The properties of file descriptor 1.
    static var standardOutput: Terminal {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        var size = winsize()
        // ioctl(2) writes only to the structure passed to it.
        let answer = isTerminal ? unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) : -1
        let known = answer == 0 && size.ws_col > 0
        let stated = environment("COLUMNS").flatMap { Int($0) }.flatMap { $0 > 0 && $0 <= 10_000 ? $0 : nil }
        let locale = environment("LC_ALL") ?? environment("LC_CTYPE") ?? environment("LANG") ?? ""
        let folded = locale.lowercased()
        return Terminal(
            isTerminal: isTerminal, columns: known ? Int(size.ws_col) : isTerminal ? stated ?? 80 : stated ?? 100,
            isUTF8: folded.contains("utf-8") || folded.contains("utf8"))
    }

    /// Whether to use colours: decided by the flag, then NO_COLOR, then CLICOLOR_FORCE or FORCE_COLOR, then whether
    /// this is a terminal that supports them.
    func wantsColor(_ flag: String) -> Bool {
        if flag != "auto" { return flag == "always" }
        if Self.environment("NO_COLOR") != nil { return false }
        if let value = Self.environment("CLICOLOR_FORCE") ?? Self.environment("FORCE_COLOR"), value != "0" {
            return true
        }
        return isTerminal && Self.environment("TERM") != "dumb"
    }

    /// An environment variable; nil if it is unset or empty, which should mean the same (environ(7), setlocale(3)).
    static func environment(_ name: String) -> String? {
        // getenv(3) returns a NUL-terminated string of the environment, which this program never changes; it is copied.
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// The command line as typed, quoted so that a shell would split it into the same words.
    static var commandLine: String { CommandLine.arguments.map(shellWord).joined(separator: " ") }

    /// The path of this program's executable file.
    static var executable: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let room = buffer.count - 1
        // readlink(2) writes at most `room` octets, so the last one stays NUL.
        let count = unsafe readlink("/proc/self/exe", &buffer, room)
        guard count > 0 else { return "tcptrace" }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
