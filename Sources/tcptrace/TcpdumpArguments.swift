// What a tcpdump user's fingers type, put into the form that the argument parser reads.

/// getopt's habits: `-nni lo`, `-c5`, `-ilo`, `-tttt`.
enum TcpdumpArguments {
    /// Letters that take a value, joined or as the next word.
    static let lettersWithValue = Set("irwcsByFVQZT")
    /// Letters without one.
    static let letters = Set("nNpqtSvlUeKOfDLdhAXx#")
    /// Verbs have their own letters: what follows one is left as it is.
    static let verbs: Set<String> = ["sockets", "kill", "lab", "explain", "help", "doctor"]

    /// The same arguments, one letter a word.
    static func normalized(_ arguments: [String]) -> [String] {
        if let first = arguments.first, verbs.contains(first) { return arguments }
        var result: [String] = []
        var index = 0
        while index < arguments.count {
            let word = arguments[index]
            index += 1
            if word == "--" {
                result += [word] + arguments[index...]
                break
            }
            guard word.hasPrefix("-"), !word.hasPrefix("--"), word.count > 1 else {
                result.append(word)
                continue
            }
            guard let expanded = expand(Array(word.dropFirst())) else {
                result.append(word)
                continue
            }
            result += expanded.words
            if expanded.wantsValue && index < arguments.count {
                result.append(arguments[index])
                index += 1
            }
        }
        return result
    }

    /// One cluster of letters; nil if a letter is not one of ours, so that the parser complains about the word as typed.
    private static func expand(_ cluster: [Character]) -> (words: [String], wantsValue: Bool)? {
        var words: [String] = []
        for (position, letter) in cluster.enumerated() {
            if lettersWithValue.contains(letter) {
                let rest = String(cluster[(position + 1)...])
                if rest.isEmpty { return (words + ["-\(letter)"], true) }
                return (words + ["-\(letter)", rest], false)
            }
            guard letters.contains(letter) else { return nil }
            words.append("-\(letter)")
        }
        return (words, false)
    }
}
