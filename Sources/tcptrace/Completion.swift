// Shell completions for options and words, and what the parser's script for bash lacks.

import ArgumentParser
import TCPDiagnosis
import TCPModel
import TCPTimeline

/// Completions for the options and words that have any.
enum Completion {
    static let interfaces = CompletionKind.shellCommand("ls /sys/class/net; echo any")
    static let directions = CompletionKind.list(["in", "out", "inout"])
    static let formats = CompletionKind.list(OutputFormat.allCases.map(\.rawValue))
    static let events = CompletionKind.list(["state", "packet"])
    static let colors = CompletionKind.list(["auto", "always", "never"])
    /// In the spelling that people type: close-wait.
    static let states = CompletionKind.list(
        TCPState.named.map { "\($0.displayName)".lowercased().replacing("_", with: "-") })
    static let outcomes = CompletionKind.list(Outcome.allCases.map { "\($0.name)" })
    static let findings = CompletionKind.list(
        FindingCode.allCases.map(\.rawValue) + ["note", "warning", "error", "any"])
    /// Everything that has a page, except words that would need quotes in a shell.
    static let explained = CompletionKind.list(
        Set(Explanations.all.map(\.name)).filter { name in
            name.utf8.count > 1 && name.allSatisfy { $0.isLetter || $0.isNumber || "_-,".contains($0) }
        }.sorted())

    /// The parser's script for bash with an addition: the parser completes a trace only after its verb, which users do
    /// not type.
    static func bash(_ script: String, verbs: [String]) -> String {
        script + """


            # A trace is completed as if its verb were there; and where nothing is found, as if this script were not.
            _tcptrace_line() {
                local -a words=("${COMP_WORDS[@]}")
                local -i place="${COMP_CWORD}"
                local verb=''
                if [[ "${place}" -gt 1 ]]; then
                    case "${words[1]}" in \(verbs.joined(separator: "|"))) verb="${words[1]}" ;; esac
                else
                    COMPREPLY=($(compgen -W '\(verbs.joined(separator: " "))' -- "${2}"))
                fi
                if [[ -z "${verb}" ]]; then
                    words=("${words[0]}" trace "${words[@]:1}")
                    place+=1
                fi
                local -a COMP_WORDS=("${words[@]}")
                local -i COMP_CWORD="${place}"
                _tcptrace "$@"
                # What it sets back when it returns it would set back again whenever a file is sourced in this shell.
                trap - RETURN
            }

            complete -o default -o filenames -F _tcptrace_line tcptrace

            """
    }
}
