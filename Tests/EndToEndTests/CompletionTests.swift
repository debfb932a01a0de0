// Completion in bash with the script of --generate-completion-script: options, values, verbs, and files as without the
// script.

import Foundation
import Testing

@Suite struct CompletionTests {
    /// The words that bash would put in place of the last of `words`: those that the script's function offers, else
    /// readline's default.
    private static func offered(_ words: [String], in directory: String) throws -> [String] {
        let script = """
            cd "$1"; shift
            source <("$0" --generate-completion-script bash) || exit 1
            [[ "$(complete -p tcptrace)" == "complete -o default -o filenames -F "* ]] || exit 2
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
            before="$(shopt; set -o)"
            $(complete -p tcptrace | sed 's/.*-F \\([^ ]*\\) .*/\\1/') tcptrace "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
            [[ "$(shopt; set -o)" == "$before" ]] || exit 3
            [[ -z "$(trap -p RETURN)" ]] || exit 4
            ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "${!#}")
            ((${#COMPREPLY[@]})) && printf '%s\\n' "${COMPREPLY[@]}"
            exit 0
            """
        let outcome = try Program(
            "/bin/bash", ["--norc", "--noprofile", "-c", script, Program.tcptrace, directory, "tcptrace"] + words
        ).end()
        #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(words): \(outcome.code) \(outcome.errors)")
        return outcome.text.split(separator: "\n").map(String.init)
    }

    private static let cases: [(words: [String], offered: [String])] = [
        // Files, wherever a file may be given.
        (["-r", "chal"], ["challenge acks.pcapng"]), (["chal"], ["challenge acks.pcapng"]),
        (["-q", "-r", "chal"], ["challenge acks.pcapng"]), (["-r", "x.pcap", "chal"], ["challenge acks.pcapng"]),
        (["-nr", "chal"], ["challenge acks.pcapng"]), (["-F", "chal"], ["challenge acks.pcapng"]),
        (["-V", "chal"], ["challenge acks.pcapng"]),
        (["-w", "chal"], ["challenge acks.pcapng"]), (["--", "./chal"], ["./challenge acks.pcapng"]),
        (["lab", "--save", "sub"], ["subdirectory"]),
        // Values.
        (["-T", "js"], ["json"]), (["-i", "lo", "-T", ""], ["text", "html", "mermaid", "json", "zeek", "csv"]),
        (["-T", "json", "--events", ""], ["state", "packet"]), (["-i", "an"], ["any"]), (["-Q", "o"], ["out"]),
        (["--state", "fin"], ["fin-wait-1", "fin-wait-2"]), (["--outcome", "half"], ["half_open", "half_closed"]),
        (["--fail-on", "close"], ["close-wait-leak"]), (["--fail-on", "warn"], ["warning"]),
        (["--color", "al"], ["always"]),
        // Options and verbs.
        (["--outc"], ["--outcome"]), (["-r", "x.pcap", "--max"], ["--max-connections"]), (["--vers"], ["--version"]),
        (["soc"], ["sockets"]),
        (["sockets"], ["sockets"]), (["sockets", "--st"], ["--state"]),
        (["sockets", "--state", "time"], ["time-wait"]),
        (["sockets", "-T", "c"], ["csv"]), (["lab", "two"], ["two-clients"]),
        (["explain", "close-w"], ["close-wait-leak"]),
        (["explain", "TIME_"], ["TIME_WAIT"]), (["kill", "--dry"], ["--dry-run"]),
    ]

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/bin/bash"), "bash is missing"))
    func bashCompletes() throws {
        let scratch = try Scratch()
        _ = try scratch.write([], as: "challenge acks.pcapng")
        try FileManager.default.createDirectory(atPath: scratch.file("subdirectory"), withIntermediateDirectories: true)
        for (words, expected) in Self.cases {
            let offered = try Self.offered(words, in: scratch.path)
            #expect(offered == expected, "\(words)")
        }
        let first = try Self.offered([""], in: scratch.path)
        for word in ["sockets", "kill", "lab", "doctor", "explain", "challenge acks.pcapng"] {
            #expect(first.contains(word), "\(word) in \(first)")
        }
        #expect(!first.contains("trace"), "nobody types the verb that stands for none")
        #expect(try Self.offered(["-i", ""], in: scratch.path).contains("lo"))
    }

    @Test func otherShellsHaveTheParsersScript() throws {
        for (shell, start) in [("zsh", "#compdef tcptrace"), ("fish", "function ")] {
            let outcome = try tcptrace("--generate-completion-script", shell)
            #expect(outcome.code == 0 && outcome.text.hasPrefix(start), "\(outcome.text.prefix(40))")
        }
    }
}
