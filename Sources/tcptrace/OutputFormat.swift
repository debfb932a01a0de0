// The values of -T.

/// A format of the output.
enum OutputFormat: String, CaseIterable {
    case text, html, mermaid, json, zeek, csv

    /// All of them, as in a sentence.
    static var list: String {
        let names = allCases.map(\.rawValue)
        return names.dropLast().joined(separator: ", ") + " or " + names[names.count - 1]
    }
}
