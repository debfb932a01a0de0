// A first word that belongs to another tool, or is the name of a program: neither is a filter.

import PacketSource
import TCPModel
import TraceSession

/// Answers to words that are not a filter.
enum OtherWords {
    /// Words used elsewhere, and their equivalents here.
    private static let verbs = [
        "netstat": "tcptrace sockets", "ss": "tcptrace sockets", "list": "tcptrace sockets",
        "live": "tcptrace -i lo port 9500 (no verb)", "trace": "tcptrace -i lo port 9500 (no verb)",
        "capture": "tcptrace -i lo port 9500 (no verb)", "start": "tcptrace -i lo port 9500 (no verb)",
        "read": "tcptrace -r FILE", "replay": "tcptrace -r FILE",
        "stop": "Ctrl-C, which ends a trace, or tcptrace kill",
    ]

    /// What to type instead of these words, if that is clear; nil if they are a filter.
    static func hint(_ words: [String]) -> String? {
        guard let first = words.first else { return nil }
        let isVerb = verbs[first] != nil
        // Compiling may resolve names, so only words that may have been meant this way are compiled.
        guard isVerb || BareArgument.isProgram(first), !FilterKeywords.all.contains(first[...]),
            (try? FilterSet(words.joined(separator: " "), linkType: .ethernet)) == nil
        else { return nil }
        if let meant = verbs[first] { return "\(first): neither a verb nor a filter; did you mean \(meant)?" }
        let typed = words.map(shellWord).joined(separator: " ")
        return "\(printable(first)): not a filter, but a program; to trace it: tcptrace -- \(printable(typed))"
    }
}
