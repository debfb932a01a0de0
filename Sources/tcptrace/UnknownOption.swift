// An unknown option: identifies it, and suggests what to type instead.

import ArgumentParser
import PacketSource
import TCPModel
import TraceSession

/// Finds the word that is not an option of its verb. The parser checks values first, and then complains about a number
/// that was the value of a misspelt option.
enum UnknownOption {
    /// `Unknown option '--conections'. Did you mean '--connections'?`; nil if all options exist.
    ///
    /// `words` are those passed to the parser.
    static func complaint(about words: [String]) -> String? {
        let verb = words.first.flatMap { TcpdumpArguments.verbs.contains($0) ? $0 : nil }
        guard let command = command(verb) else { return nil }
        let known = options(of: command)
        var index = verb == nil ? 0 : 1
        while index < words.count {
            let word = words[index]
            index += 1
            // Whatever follows is not an option, even if it looks like one.
            if word == "--" { return nil }
            if word == "--command-word" {
                index += 1
                continue
            }
            // The notation of kill(1).
            let signal = String(word.dropFirst())
            if verb == "kill", word.hasPrefix("-"), SignalName.number(of: signal) != nil {
                return "Unknown option '-\(signal)'. Did you mean '--signal \(signal)'?"
            }
            if verb == "sockets", ["-4", "-6"].contains(word),
                words[index - 2] == verb || !words[index - 2].hasPrefix("--")
            {
                return
                    "Unknown option '\(word)'. IPv4 and IPv6 are listed together; an address is chosen with host ADDRESS"
            }
            guard let option = unknown(in: word, known) else { continue }
            let value = word.contains("=") ? nil : index < words.count ? words[index] : nil
            let before = index > 1 ? words[index - 2] : ""
            if verb == nil, let letter = before.last, before == "-\(letter)", "rwFV".contains(letter) {
                return "\(before) \(printable(word)): for a file whose name begins with -, write ./\(printable(word))"
            }
            return "Unknown option '\(printable(option))'." + hint(option, value, verb, known)
        }
        return nil
    }

    private static func command(_ verb: String?) -> (any ParsableCommand.Type)? {
        guard let verb else { return TraceCommand.self }
        return TCPTraceCommand.configuration.subcommands.first { $0.configuration.commandName == verb }
    }

    /// The options of a verb, as listed in its help.
    private static func options(of command: any ParsableCommand.Type) -> Set<String> {
        let help = TCPTraceCommand.helpMessage(for: command, includeHidden: true, columns: 200)
        // The parser's own options.
        var found: Set = ["-h", "--help", "--help-hidden", "--version", "--generate-completion-script"]
        for line in help.split(separator: "\n") where line.hasPrefix("  -") {
            // The names precede the description, from which two spaces separate them.
            let rest = line.dropFirst(2)
            let names = rest.firstRange(of: "  ").map { rest[..<$0.lowerBound] } ?? rest
            found.formUnion(names.split { " ,/".contains($0) }.filter { $0.hasPrefix("-") }.map(String.init))
        }
        return found
    }

    /// The first unknown option in a word, which may have several letters joined.
    private static func unknown(in word: String, _ known: Set<String>) -> String? {
        if word.hasPrefix("--") {
            let name = String(word.prefix { $0 != "=" })
            return known.contains(name) ? nil : name
        }
        guard word.hasPrefix("-"), word.count > 1, word.dropFirst().first?.isNumber == false else { return nil }
        return word.dropFirst().lazy.map { "-\($0)" }.first { !known.contains($0) }
    }

    // MARK: What was meant

    private static func hint(_ option: String, _ value: String?, _ verb: String?, _ known: Set<String>) -> String {
        if option == "-Y", verb == nil, let value, value.contains(where: \.isLetter) { return displayFilter(value) }
        guard option.hasPrefix("--") else { return "" }
        let name = String(option.dropFirst(2))
        if filterWords[verb ?? "trace"]?.contains(name) == true {
            let example = value.map { " \(printable($0))" } ?? ""
            return " It is a filter word: \(name)\(example)"
        }
        if let habit = habits[name], let meant = habit.first(where: { isThere($0, known) }) {
            return " Did you mean '\(meant)'?"
        }
        guard let near = nearest(to: option, known) else { return "" }
        return " Did you mean '\(near)'?"
    }

    /// What to type instead of tshark's -Y.
    private static func displayFilter(_ value: String) -> String {
        do throws(CaptureError) {
            _ = try FilterSet(value, linkType: .ethernet)
        } catch {
            if case .badFilter(let fault) = error, let meant = fault.hint {
                return " A filter needs no option: \(printable(meant))"
            }
        }
        return " A filter needs no option, and has the words of pcap-filter(7): port 443 and host 10.0.0.1"
    }

    private static func isThere(_ meant: String, _ known: Set<String>) -> Bool {
        known.contains(String(meant.prefix { $0 != " " }))
    }

    /// The closest long option by edit distance; up to a third of the letters may be wrong.
    private static func nearest(to option: String, _ known: Set<String>) -> String? {
        let typed = Array(option.utf8)
        let most = max(1, (typed.count - 2) / 3)
        return known.filter { $0.hasPrefix("--") }.sorted()
            .map { (name: $0, distance: editDistance(typed, Array($0.utf8))) }
            .filter { $0.distance <= most || $0.name.hasPrefix(option) && typed.count > 4 }
            .min { $0.distance < $1.distance }?.name
    }

    /// Words that are options in other tools, and filter words here.
    private static let filterWords: [String: Set<String>] = [
        "trace": ["port", "host", "src", "dst", "net", "tcp"], "sockets": ["port", "host", "src", "dst", "pid"],
        "kill": ["host", "src", "dst"],
    ]

    /// Long options of other programs with their equivalents here, of which the first one that the verb has is
    /// suggested.
    private static let habits: [String: [String]] = [
        "json": ["-T json"], "ndjson": ["-T json"], "jsonl": ["-T json"], "csv": ["-T csv"], "zeek": ["-T zeek"],
        "html": ["-T html"], "report": ["-T html"], "mermaid": ["-T mermaid"], "svg": ["-T html"],
        "text": ["-T text"], "output": ["-T"], "output-format": ["-T"],
        "interface": ["-i"], "list-interfaces": ["-D"], "list-data-link-types": ["-L"], "linktype": ["-y"],
        "read": ["-r"], "file": ["-r"], "input": ["-r"], "write": ["-w"], "snapshot-length": ["-s"], "snaplen": ["-s"],
        "buffer-size": ["-B"], "direction": ["-Q"], "no-promiscuous-mode": ["-p"], "relinquish-privileges": ["-Z"],
        "absolute-tcp-sequence-numbers": ["-S"], "packet-buffered": ["-U"], "packets": ["-c"],
        "quiet": ["-q"], "summary": ["-q"], "table": ["-q"], "verbose": ["-v"], "numeric": ["-n"],
        "follow": ["--watch"], "interval": ["--watch"], "refresh": ["--watch"],
        "timeout": ["--duration"], "seconds": ["--duration"], "namespace": ["--netns"],
        "listening": ["-l"], "listen": ["-l"], "processes": ["-p"], "programs": ["-p"],
        "force": ["--signal KILL"], "no-color": ["--color never"], "no-colour": ["--color never"],
    ]
}
