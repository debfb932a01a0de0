// Text from outside (names of files, processes, interfaces and hosts, what was typed), made fit for a terminal: the one rule for that.

extension Unicode.Scalar {
    /// Whether a terminal may act on this scalar, or show the text around it in another order or not at all.
    public var isUnsafeOnTerminals: Bool {
        // Nearly everything is ASCII, and the table of categories is slow.
        if value < 0x7f { return value < 0x20 }
        return switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }

    /// What stands for this scalar where it is not shown itself: `\x1b`, `\u{202e}`.
    public var escapeSequence: String {
        let digits = String(value, radix: 16)
        func padded(_ width: Int) -> String {
            String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        return value < 0x100 ? "\\x\(padded(2))" : "\\u{\(padded(4))}"
    }
}

/// Untrusted text so that nothing in it can act on a terminal: control characters, bidirectional and invisible format characters and the C1
/// set come out as `\x1b`, `\u{202e}`; a backslash is doubled, so that no text looks like the escape of another one.
public func printable(_ text: String) -> String { text.replacingScalars { $0 == "\\" ? "\\\\" : $0.shown } }

/// Words of ours, in one line or several, with those of others among them: everything that could act on a terminal is escaped. What has been
/// escaped, or is a shell's, stays as it is.
public func harmless(_ text: String) -> String { text.replacingScalars { $0 == "\n" ? nil : $0.shown } }

extension Unicode.Scalar {
    /// What is to be shown in its place, if anything.
    fileprivate var shown: String? { isUnsafeOnTerminals ? escapeSequence : nil }
}

extension String {
    /// The text with what `substitute` has in the place of some scalars.
    fileprivate func replacingScalars(_ substitute: (Unicode.Scalar) -> String?) -> String {
        var text = ""
        for scalar in unicodeScalars {
            if let instead = substitute(scalar) { text += instead } else { text.unicodeScalars.append(scalar) }
        }
        return text
    }
}
