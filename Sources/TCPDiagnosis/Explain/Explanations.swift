// Finds the pages for a word, suggests names similar to an unknown word, and lists all names.

import TCPModel
public import TCPTimeline

/// All pages.
public enum Explanations {
    private static let findings: [Explanation] =
        Explanation.openingFindings + Explanation.flowFindings + Explanation.closingFindings

    /// The pages that have a single name each.
    private static let fixed: [Explanation] =
        findings + TCPState.allCases.compactMap { Explanation.page(of: $0) } + Explanation.flagPages.map { $0.page }
        + Outcome.allCases.map { Explanation.page(of: $0) } + Explanation.zeekStates
        + [Certainty.observed, .inferred, .confirmed, .assumed].map { Explanation.page(of: $0) } + Explanation.marks
        + Explanation.words + Explanation.rowRemarks + Explanation.errnos + Explanation.kernelReasons
        + Explanation.counters

    /// Every page with a name of its own, which excludes combinations, histories and numbers.
    public static var all: [Explanation] {
        fixed
            + Explanation.historyLetters.flatMap { entry -> [Explanation] in
                let upper = Character(entry.letter.uppercased())
                let letters = upper == entry.letter ? [upper] : [upper, entry.letter]
                return letters.compactMap { Explanation.page(ofLetter: $0) }
            }
    }

    /// The page of a finding; nil if the code has none.
    public static func page(of code: FindingCode) -> Explanation? { findings.first { $0.name == code.rawValue } }

    /// The pages for a word in any usual spelling, or for a sentence of the output. Several if it has several meanings,
    /// none if it has no meaning here.
    public static func pages(for typed: String) -> [Explanation] {
        let pages = pages(forWord: typed)
        return pages.isEmpty ? self.pages(forSentence: typed) : pages
    }

    private static func pages(forWord typed: String) -> [Explanation] {
        guard !typed.isEmpty, typed.utf8.count <= longestWord else { return [] }
        // Remarks are shown in brackets.
        let isBracketed = typed.count > 2 && typed.hasPrefix("(") && typed.hasSuffix(")")
        let word = isBracketed ? String(typed.dropFirst().dropLast()) : typed
        let folded = fold(word)
        let mark = markName(word)
        var pages = findings.filter { $0.name == folded }
        if let state = TCPState(named: unmarked(word)), let page = Explanation.page(of: state) { pages.append(page) }
        if let outcome = Outcome(named: word) { pages.append(Explanation.page(of: outcome)) }
        pages += Explanation.zeekStates.filter { $0.name == word.uppercased() && (word != word.lowercased()) }
        pages += fixed.filter { $0.kind == .certainty && $0.name == folded || $0.kind == .mark && $0.name == mark }
        // A word in brackets is a remark or a set of flags.
        if word == typed { pages += Explanation.words.filter { fold($0.name) == foldedName(folded) } }
        pages += Explanation.rowRemarks.filter { fold($0.name) == foldedRemark(word) }
        let number = word.uppercased().hasPrefix("E") ? word.uppercased() : Explanation.errnoName(number: word)
        pages += Explanation.errnos.filter { $0.name == number }
        let reason = kernelWord(word)
        pages += Explanation.kernelReasons.filter { $0.name == reason }
        if let counter = Explanation.counterName(for: word) {
            pages += Explanation.counters.filter { $0.name == counter }
        }
        if let value = UInt8(word), let page = Explanation.page(ofCompleteness: value) { pages.append(page) }
        let isNamed = !pages.isEmpty
        if let flags = Explanation.flags(named: word), !isNamed {
            pages.append(Explanation.page(of: flags))
        }
        if word.count == 1, let letter = word.first, let page = Explanation.page(ofLetter: letter) {
            pages.append(page)
        }
        if pages.isEmpty || (!isNamed && word.count > 1 && isMixed(word)), let page = Explanation.page(ofHistory: word)
        {
            pages.append(page)
        }
        if pages.isEmpty, let page = zeekPage(lowercase: word) { pages.append(page) }
        if pages.isEmpty, let page = Explanation.page(ofOtherCounter: word) { pages.append(page) }
        return pages
    }

    /// The longest input, in octets, that is treated as a word.
    private static let longestWord = 64

    /// Normalizes a kernel reason to the form that traces show, also if it is written as in the kernel's sources.
    private static func kernelWord(_ word: String) -> String {
        let folded = String(word.uppercased().map { $0 == "-" ? "_" : $0 })
        for prefix in ["SKB_DROP_REASON_", "SK_RST_REASON_"] where folded.hasPrefix(prefix) {
            return String(folded.dropFirst(prefix.count))
        }
        return folded
    }

    private static func isMixed(_ word: String) -> Bool { word != word.uppercased() && word != word.lowercased() }

    private static func zeekPage(lowercase word: String) -> Explanation? {
        Explanation.zeekStates.first { $0.name == word.uppercased() }
    }

    /// A state's name without the mark that follows it in the timeline.
    private static func unmarked(_ word: String) -> String {
        word.hasSuffix("*") || word.hasSuffix("!") ? String(word.dropLast()) : word
    }

    /// A mark without the details of its row: `6+7` and `10+` become 4+5, `12|` becomes 2|.
    private static func markName(_ word: String) -> String {
        let parts = word.split(separator: "+", omittingEmptySubsequences: false)
        func isNumber(_ part: Substring) -> Bool {
            !part.isEmpty && part.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        }
        if parts.count == 2 && isNumber(parts[0]) && (parts[1].isEmpty || isNumber(parts[1])) { return "4+5" }
        return word.hasSuffix("|") && isNumber(word.dropLast()) ? "2|" : word
    }

    /// The folded name of the page that explains a folded synonym.
    private static func foldedName(_ folded: String) -> String {
        fold(Explanation.otherWords[folded] ?? folded)
    }

    static func fold(_ word: String) -> String {
        String(word.lowercased().map { $0 == "_" || $0 == " " ? "-" : $0 })
    }

    /// A remark without the details of its row: `copy of frame 7`, `RTO, 2nd`.
    private static func foldedRemark(_ word: String) -> String {
        if word.hasPrefix("copy of frame ") { return "copy-of-frame" }
        if word == "delayed" { return "delayed-ack" }
        return fold(word.hasPrefix("RTO, ") ? "RTO" : word)
    }

    // MARK: Nearest names

    /// The names that a mistyped word may stand for, nearest first, at most five.
    public static func suggestions(for word: String) -> [String] {
        let named = names(in: word)
        if !named.isEmpty { return Array(named.prefix(mostSuggestions)) }
        // Only as much of a hostile input is examined as a name could contain.
        let folded = fold(String(String.UnicodeScalarView(word.unicodeScalars.prefix(longestWord))))
        let typed = Array(folded.unicodeScalars)
        // Up to half of a short word, or a third of a long one, may be wrong.
        let most = max(1, typed.count < 5 ? typed.count / 2 : typed.count / 3)
        var near: [(distance: Int, name: String)] = []
        for page in fixed where page.name.count > 1 && !near.contains(where: { $0.name == page.name }) {
            let name = Array(fold(page.name).unicodeScalars)
            var distance = editDistance(typed, name)
            // A word of a name is a good guess as well.
            if typed.count >= 3, hasWord(folded, page.name) { distance = min(distance, 1) }
            if distance <= most { near.append((distance, page.name)) }
        }
        return near.enumerated().sorted { ($0.element.distance, $0.offset) < ($1.element.distance, $1.offset) }
            .prefix(mostSuggestions).map { $0.element.name }
    }

    private static let mostSuggestions = 5

    /// Whether a word of the name begins with this folded text, which may extend over several words: `tail` matches
    /// tail-loss-probe, and `retrans` matches TCPSynRetrans. The middle of a word does not match: `len` does not
    /// suggest challenge-ack.
    private static func hasWord(_ text: String, _ name: String) -> Bool {
        let (text, letters, folded) = (Array(text.utf8), Array(name.utf8), Array(fold(name).utf8))
        guard folded.count == letters.count, text.count <= folded.count else { return false }
        func isLetter(_ octet: UInt8) -> Bool { 0x61...0x7a ~= octet | 0x20 }
        func isCapital(_ place: Int) -> Bool { isLetter(letters[place]) && letters[place] & 0x20 == 0 }
        return (0...folded.count - text.count).contains { place in
            guard folded[place..<place + text.count].elementsEqual(text) else { return false }
            guard place > 0, isLetter(letters[place - 1]) else { return true }
            // The S of TCPSyn, and that of RecvSeq.
            let endsCapitals = place + 1 < letters.count && isLetter(letters[place + 1]) && !isCapital(place + 1)
            return isCapital(place) && (!isCapital(place - 1) || endsCapitals)
        }
    }

    // MARK: The list

    /// All names that have a page, by group, in columns.
    public static func list(width: Int) -> [Explanation.Line] {
        var lines: [Explanation.Line] = []
        for kind in Explanation.Kind.allCases {
            var names = all.filter { $0.kind == kind }.map(\.name)
            if kind == .completeness { names = ["(a number from 0 to 63)"] }
            if kind == .history {
                // Capital letters mean the originator; listing each letter in one case is enough here.
                names = Explanation.historyLetters.map { String($0.letter) } + ["ShADadFf"]
            }
            lines.append(.init(text: kind.rawValue, isHeading: true))
            let longest = names.map(\.count).max() ?? 0
            let columns = max(1, width / (longest + 2))
            let rows = (names.count + columns - 1) / columns
            for row in 0..<rows {
                var line = ""
                for index in stride(from: row, to: names.count, by: rows) {
                    line += "  " + names[index]
                    if index + rows < names.count {
                        line += String(repeating: " ", count: longest - names[index].count)
                    }
                }
                lines.append(.init(text: line, isHeading: false))
            }
        }
        return lines
    }
}
