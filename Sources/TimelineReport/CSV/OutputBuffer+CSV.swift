// CSV fields (RFC 4180) with untrusted contents.

extension OutputBuffer {
    /// Appends untrusted text as one field: always quoted, with quotes doubled and everything that could act on a
    /// terminal escaped. A beginning that a spreadsheet would take for a formula gets an apostrophe before it.
    public mutating func appendCSVField(_ text: String) {
        append("\"")
        if let first = text.utf8.first, "=+-@".utf8.contains(first) { append("'") }
        appendCSVText(text)
        append("\"")
    }

    /// Appends untrusted text as part of a quoted field.
    mutating func appendCSVText(_ text: some StringProtocol) {
        for (index, part) in text.split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
            if index > 0 { append("\"\"") }
            appendPrintable(String(part))
        }
    }
}
