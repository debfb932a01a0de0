// Quoted command-line words: bash reads back the same words, and no control sequence reaches a terminal.

import Foundation
import PacketSource
import Testing

@Suite struct ShellWordTests {
    /// Words with characters that mean something to a shell or a terminal.
    static let hostile = [
        "", " ", "a b", "port 9500", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "it's", "'", "''", "\"quoted\"", "$HOME",
        "$(id)", "`id`",
        "a;b", "a&b", "<in", ">out", "*", "?", "[ab]", "{a,b}", "~", "~root", "#1", "!!", "=ls", "a\\b", "\\", "\\'",
        "a\nb", "a\tb", "\r",
        "\u{1b}[31mred\u{1b}[0m", "it's\n$HOME\\", "\u{7}7", "\u{1}1", "\u{202e}evil", "\u{9b}2J", "\u{e000}",
        "Gr\u{fc}\u{df}e", "\u{65e5}\u{672c} x",
        "-", "--", "-n", "a=b c",
    ]

    @Test(arguments: hostile) func bashReadsItBack(_ word: String) throws {
        let quoted = shellWord(word)
        // The word on its own, and directly followed by another character, where a faulty quotation could swallow it.
        let bash = Process()
        bash.executableURL = URL(fileURLWithPath: "/bin/bash")
        bash.arguments = ["-c", "printf '%s\\0' \(quoted) \(quoted)7 end"]
        let pipe = Pipe()
        bash.standardOutput = pipe
        try bash.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        bash.waitUntilExit()
        #expect(String(decoding: output, as: UTF8.self) == "\(word)\0\(word)7\0end\0", "\(quoted)")
        #expect(
            quoted.unicodeScalars.allSatisfy {
                ![.control, .format, .privateUse].contains($0.properties.generalCategory)
            }, "\(quoted.debugDescription)")
    }

    @Test(
        "what means nothing to a shell is left as it is",
        arguments: [
            "tcptrace", "./tcptrace", "-nni", "lo", "port", "9500", "--fail-on=any", "/tmp/a_b.pcapng", "10.0.0.1:80",
            "fe80::1%eth0", "a,b", "x@y", "+5",
        ])
    func plain(_ word: String) { #expect(shellWord(word) == word) }

    @Test func forms() {
        #expect(shellWord("my file.pcapng") == "'my file.pcapng'")
        #expect(shellWord("it's") == #"'it'\''s'"#)
        #expect(shellWord("a\nb") == #"$'a\nb'"#)
        #expect(shellWord("\u{1b}[0m'") == #"$'\033[0m\''"#)
    }
}
