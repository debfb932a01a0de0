// Converts the argument style of tcpdump users into the form that the argument parser reads.

import TCPModel

/// getopt's notations: `-nni lo`, `-c5`, `-ilo`, `-tttt`.
enum TcpdumpArguments {
    /// Letters that take a value, joined to them or as the next word.
    static let lettersWithValue = Set("irwcsByFVQTZ")
    /// Letters that take no value.
    static let letters = Set("nNpqtSvlUKOfDLdh#AXxe")
    private static let noRotation =
        "output files are not rotated; tcpdump writes such files, and tcptrace -r FILE -r FILE ... reads them as one"
    /// Letters of tcpdump that are rejected by name rather than given another meaning.
    static let refusals: [Character: String] = [
        "C": noRotation, "G": noRotation, "W": noRotation, "z": noRotation, "j": "time-stamp types cannot be chosen",
        "J": "timestamp types cannot be chosen", "E": "nothing is decrypted", "M": "signatures are not verified",
        "m": "no MIBs are read, as SNMP is not decoded",
        "I": "monitor mode is for radio, not for TCP", "H": "802.11s is not decoded",
        "u": "NFS handles are not decoded", "b": "BGP is not decoded",
        "a": "there is no such option; -a is for sockets",
    ]
    /// Verbs have letters of their own, so the words after one are left unchanged.
    static let verbs: Set<String> = ["sockets", "kill", "lab", "doctor", "explain", "help"]

    /// The arguments with one letter per word, and the reason for a rejection, if any.
    static func normalized(_ arguments: [String]) -> (words: [String], refusal: String?) {
        if let first = arguments.first, verbs.contains(first) { return (arguments, nil) }
        var result: [String] = []
        var refusal: String?
        var index = 0
        while index < arguments.count {
            let word = arguments[index]
            index += 1
            if word == "--" {
                // The words that follow are the command to trace, with options of its own: they are carried past the
                // parser one by one.
                result += arguments[index...].flatMap { ["--command-word", $0] }
                if index == arguments.count { refusal = refusal ?? "--: the command to trace is missing" }
                break
            }
            guard word.hasPrefix("-"), !word.hasPrefix("--"), word.count > 1 else {
                result.append(word)
                continue
            }
            let expanded = expand(Array(word.dropFirst()))
            if let letter = expanded.refused, refusal == nil {
                let joined = String(word.drop { $0 != letter }.dropFirst())
                let value = joined.isEmpty && index < arguments.count ? arguments[index] : joined
                refusal =
                    letter == "z" && (value.contains(",") || value == "expert")
                    ? "-z \(printable(value)): tshark's statistics; -q writes one line per connection, --long a table of each"
                    : refusals[letter].map { "-\(letter): \($0)" }
            }
            guard let words = expanded.words else {
                // The parser will complain about the word as typed.
                result.append(word)
                continue
            }
            result += words
            if expanded.wantsValue && index < arguments.count {
                result.append(arguments[index])
                index += 1
            }
        }
        return (result, refusal)
    }

    /// Expands one cluster of letters; without words if one of the letters is unknown.
    private static func expand(
        _ cluster: [Character]
    ) -> (words: [String]?, wantsValue: Bool, refused: Character?) {
        var words: [String] = []
        for (position, letter) in cluster.enumerated() {
            if lettersWithValue.contains(letter) {
                let rest = String(cluster[(position + 1)...])
                return rest.isEmpty ? (words + ["-\(letter)"], true, nil) : (words + ["-\(letter)", rest], false, nil)
            }
            guard letters.contains(letter) else { return (nil, false, letter) }
            words.append("-\(letter)")
        }
        return (words, false, nil)
    }
}
