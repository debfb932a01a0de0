// Fields of CSV (RFC 4180) that come from outside.

extension OutputBuffer {
    /// Appends untrusted text as one field: always quoted, quotes doubled, nothing that acts on a terminal, and no
    /// beginning that a spreadsheet takes for a formula (an apostrophe is put before it).
    public mutating func appendCSVField(_ text: String) {
        append("\"")
        if let first = text.utf8.first, "=+-@".utf8.contains(first) { append("'") }
        appendCSVText(text)
        append("\"")
    }

    /// Appends untrusted text inside a quoted field that has more than it.
    mutating func appendCSVText(_ text: some StringProtocol) {
        for (index, part) in text.split(separator: "\"", omittingEmptySubsequences: false).enumerated() {
            if index > 0 { append("\"\"") }
            appendPrintable(String(part))
        }
    }
}
