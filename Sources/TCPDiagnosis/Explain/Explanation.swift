// One page of `tcptrace explain`: a name, what it is, one line that says it, and sections.

/// What a name means, told in a page.
public struct Explanation: Sendable {
    /// The groups in which names are listed.
    public enum Kind: String, CaseIterable, Sendable {
        /// A code of a finding.
        case finding
        /// Something worth knowing that is told by other findings, or by none.
        case situation
        /// A state of RFC 9293.
        case state
        /// Control bits of the header.
        case flags
        /// What became of a connection.
        case outcome
        /// Zeek's conn_state.
        case zeekState = "Zeek conn_state"
        /// Zeek's history, or a letter of it.
        case history = "Zeek history"
        /// Wireshark's tcp.completeness.
        case completeness = "Wireshark completeness"
        /// How sure a state is.
        case certainty
        /// A mark in the timeline.
        case mark
        /// A word of rows, columns and findings.
        case word
        /// A remark in brackets on a row, or a word of the closing lines.
        case remark
        /// An error that a call returns.
        case errno
        /// The kernel's word for why it dropped a segment or sent a RST.
        case kernelReason = "kernel's reason"
        /// A counter of the host's.
        case counter = "host counter"
    }

    /// A part of a page.
    public struct Section: Sendable {
        /// Its heading.
        public var heading: String
        /// Its paragraphs; a list is numbered.
        public var paragraphs: [String]
        /// Whether the order of the paragraphs means something.
        public var isNumbered: Bool
    }

    /// The name, as it is shown.
    public var name: String
    /// What it is a name of.
    public var kind: Kind
    /// One sentence.
    public var summary: String
    /// What else there is to say.
    public var sections: [Section]

    /// A page from its parts.
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
    /// A line of a page. Names that came from a user are in it as they came: escape before showing.
    public struct Line: Sendable {
        /// The text without the line end.
        public var text: String
        /// Whether it is a heading.
        public var isHeading: Bool
    }

    /// The page, no line wider than `width` unless one word is.
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

    /// The words of a paragraph. A citation (RFC 9293 3.6) is one word, and so is a command between back quotes.
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
                // After the RFC's number its section may come, unless a comma ended it.
                citation = citation == 2 && word.last?.isNumber == true ? 1 : 0
            } else {
                words.append(String(word))
                citation = word.hasSuffix("RFC") ? 2 : 0
            }
        }
        return words
    }

    /// Breaks a paragraph at spaces and line ends. The first line is indented by `indent`, the others by `hanging`.
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
