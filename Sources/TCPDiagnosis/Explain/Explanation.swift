// One page of `tcptrace explain`: a name, its kind, a one-line summary, and sections.

/// A page that explains a name.
public struct Explanation: Sendable {
    /// The groups in which names are listed.
    public enum Kind: String, CaseIterable, Sendable {
        /// A code of a finding.
        case finding
        /// A situation worth knowing that is covered by other findings, or by none.
        case situation
        /// A state of RFC 9293.
        case state
        /// Control bits of the TCP header.
        case flags
        /// The outcome of a connection.
        case outcome
        /// Zeek's conn_state.
        case zeekState = "Zeek conn_state"
        /// Zeek's history, or a letter of it.
        case history = "Zeek history"
        /// Wireshark's tcp.completeness.
        case completeness = "Wireshark completeness"
        /// How certain a state is.
        case certainty
        /// A mark in the timeline.
        case mark
        /// A word used in rows, columns and findings.
        case word
        /// A remark in brackets on a row, or a word of the closing lines.
        case remark
        /// An error that a call returns.
        case errno
        /// The kernel's word for why it dropped a segment or sent a RST.
        case kernelReason = "kernel's reason"
        /// A host counter.
        case counter = "host counter"
    }

    /// A section of a page.
    public struct Section: Sendable {
        /// Its heading.
        public var heading: String
        /// Its paragraphs, or the items of a numbered list.
        public var paragraphs: [String]
        /// Whether the paragraphs are a numbered list, because their order matters.
        public var isNumbered: Bool
    }

    /// The name, as displayed.
    public var name: String
    /// What kind of name it is.
    public var kind: Kind
    /// A one-sentence summary.
    public var summary: String
    /// The rest of the page.
    public var sections: [Section]

    /// A page with these parts.
    init(_ kind: Kind, _ name: String, _ summary: String, _ sections: Section...) {
        self.init(kind, name, summary, sections: sections)
    }

    init(_ kind: Kind, _ name: String, _ summary: String, sections: [Section]) {
        self.kind = kind
        self.name = name
        self.summary = summary
        self.sections = sections
    }
}

extension Explanation.Section {
    init(_ heading: String, _ paragraphs: [String], isNumbered: Bool = false) {
        self.heading = heading
        self.paragraphs = paragraphs
        self.isNumbered = isNumbered
    }

    static func meaning(_ text: String) -> Self { Self("Meaning", [text]) }
    static func wire(_ text: String) -> Self { Self("On the wire", [text]) }
    static func linux(_ text: String) -> Self { Self("In Linux", [text]) }
    static func causes(_ causes: String...) -> Self { Self("Causes, likeliest first", causes, isNumbered: true) }
    static func remedy(_ text: String) -> Self { Self("What to do", [text]) }
    static func see(_ text: String) -> Self { Self("See", [text]) }
}

// MARK: Lines

extension Explanation {
    /// A line of a page. User-supplied names appear in it verbatim, so escape it before displaying it.
    public struct Line: Sendable {
        /// The text without its line end.
        public var text: String
        /// Whether it is a heading.
        public var isHeading: Bool
    }

    /// The page as lines no wider than `width`, unless a single word is.
    public func lines(width: Int) -> [Line] {
        var result: [Line] = []
        Self.wrap("\(name): \(kind.rawValue)", indent: 0, hanging: 4, width) {
            result.append(Line(text: $0, isHeading: true))
        }
        Self.wrap(summary, indent: 2, hanging: 2, width) { result.append(Line(text: $0, isHeading: false)) }
        for section in sections {
            result.append(Line(text: section.heading, isHeading: true))
            for (index, paragraph) in section.paragraphs.enumerated() {
                let number = section.isNumbered ? "\(index + 1). " : ""
                Self.wrap(number + paragraph, indent: 2, hanging: 2 + number.utf8.count, width) {
                    result.append(Line(text: $0, isHeading: false))
                }
            }
        }
        return result
    }

    /// Splits a paragraph into words. A citation (RFC 9293 3.6) counts as one word, as does a command between back
    /// quotes.
    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var citation = 0
        var isCommand = false
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            let quotes = word.count { $0 == "`" }
            defer { if quotes % 2 == 1 { isCommand.toggle() } }
            if isCommand, let last = words.popLast() {
                words.append(last + " " + word)
                continue
            }
            let isNumber = word.first?.isNumber == true
            if citation > 0 && isNumber, let last = words.popLast() {
                words.append(last + " " + word)
                // The RFC's number may be followed by its section, unless a comma ended it.
                citation = citation == 2 && word.last?.isNumber == true ? 1 : 0
            } else {
                words.append(String(word))
                citation = word.hasSuffix("RFC") ? 2 : 0
            }
        }
        return words
    }

    /// Wraps a paragraph at spaces and line ends. The first line is indented by `indent`, the others by `hanging`.
    private static func wrap(_ text: String, indent: Int, hanging: Int, _ width: Int, _ emit: (String) -> Void) {
        var line = String(repeating: " ", count: indent)
        var isEmpty = true
        for word in words(of: text) {
            if !isEmpty && line.count + 1 + word.count > width {
                emit(line)
                line = String(repeating: " ", count: hanging)
                isEmpty = true
            }
            if !isEmpty { line += " " }
            line += word
            isEmpty = false
        }
        if !isEmpty { emit(line) }
    }
}
