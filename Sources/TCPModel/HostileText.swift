// Makes untrusted text (names of files, processes, interfaces and hosts, user input) safe for a terminal: the single
// place that decides what is safe.

extension Unicode.Scalar {
    /// Whether a terminal may interpret this scalar as a command, hide it, or use it to reorder or hide the text around
    /// it.
    public var isUnsafeOnTerminals: Bool {
        // Nearly all text is ASCII, and looking up general categories is slow.
        if value < 0x7f { return value < 0x20 }
        return switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }

    /// The escape sequence shown in place of this scalar: `\x1b`, `\u{202e}`.
    public var escapeSequence: String {
        let digits = String(value, radix: 16)
        func padded(_ width: Int) -> String {
            String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        return value < 0x100 ? "\\x\(padded(2))" : "\\u{\(padded(4))}"
    }
}

/// Untrusted text, escaped so that nothing in it can control a terminal. Control characters (C1 included) and
/// bidirectional or invisible format characters become `\x1b`, `\u{202e}`; a backslash is doubled, so that no text
/// looks like the escape of another.
public func printable(_ text: String) -> String { text.replacingScalars { $0 == "\\" ? "\\\\" : $0.shown } }

/// The program's own text, of one or more lines, that may have untrusted text in it: everything that could control a
/// terminal is escaped. Backslashes are not doubled, so text that is already escaped or quoted for a shell is
/// unchanged.
public func harmless(_ text: String) -> String { text.replacingScalars { $0 == "\n" ? nil : $0.shown } }

extension Unicode.Scalar {
    /// The escape sequence to show in its place; nil to show the scalar itself.
    fileprivate var shown: String? { isUnsafeOnTerminals ? escapeSequence : nil }
}

extension String {
    /// The text with every scalar replaced for which `substitute` returns a replacement.
    fileprivate func replacingScalars(_ substitute: (Unicode.Scalar) -> String?) -> String {
        var text = ""
        for scalar in unicodeScalars {
            if let instead = substitute(scalar) { text += instead } else { text.unicodeScalars.append(scalar) }
        }
        return text
    }
}
