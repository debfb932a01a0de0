// `tcptrace doctor` as text and as JSON: one line per check, saying what is missing and what that costs.

public import TCPModel

/// The result of one check.
public struct DoctorCheck: Sendable {
    /// The outcome of a check.
    public enum Status: String, Sendable {
        /// Available.
        case ok
        /// Not available, at some cost.
        case missing
        /// A fact that is neither good nor bad.
        case note
    }

    /// The group of the check: `capture`, `kernel` and so on.
    public var group: StaticString
    /// What was checked.
    public var name: String
    /// The outcome.
    public var status: Status
    /// The value that was found; untrusted if it comes from outside. May be empty.
    public var value: String
    /// The cost of not having it, or what the fact means for reading a trace. May be empty.
    public var meaning: String

    /// A check with these properties.
    public init(_ group: StaticString, _ name: String, _ status: Status, _ value: String = "", meaning: String = "") {
        self.group = group
        self.name = name
        self.status = status
        self.value = value
        self.meaning = meaning
    }
}

/// Writes the results of checks.
public struct DoctorReport: Sendable {
    private static let nameColumn = 10
    private static let valueColumn = 37

    /// The page width in columns.
    public var width: Int

    /// A report for a page of this width, at least 60.
    public init(width: Int = 80) { self.width = max(60, width) }

    /// Appends the checks as text, with a heading for each group.
    public func append(text checks: [DoctorCheck], to out: inout OutputBuffer) {
        var group = ""
        for check in checks {
            if "\(check.group)" != group {
                if !group.isEmpty { out.newline() }
                group = "\(check.group)"
                out.append(text: group)
                out.newline()
            }
            let start = out.count
            out.append("  ")
            // A note gets no status word, as it is neither good nor bad.
            if check.status != .note { out.append(text: check.status.rawValue) }
            out.pad(to: Self.nameColumn, from: start)
            out.appendPrintable(check.name)
            var column = max(Self.valueColumn, out.count - start + 2)
            var words = words(check.value)
            if check.status == .missing && !check.meaning.isEmpty {
                // The value and the cost are two statements.
                if let last = words.popLast() { words.append(last + ";") }
                words += ["costs:"] + self.words(check.meaning)
            } else if !check.meaning.isEmpty {
                words += ["("] + self.words(check.meaning) + [")"]
            }
            var isFirst = true
            var line = start
            for word in joined(words) {
                let wanted = isFirst ? column - (out.count - line) : 1
                if out.count - line + wanted + word.utf8.count > width {
                    out.newline()
                    line = out.count
                    column = Self.valueColumn
                    out.pad(to: column, from: line)
                } else {
                    out.append(repeating: 0x20, count: wanted)
                }
                isFirst = false
                out.append(text: word)
            }
            out.newline()
        }
    }

    /// Splits a text into words, with everything that could act on a terminal escaped.
    private func words(_ text: String) -> [String] {
        printable(text).split(separator: " ").map(String.init)
    }

    /// Attaches brackets to the adjacent words.
    private func joined(_ words: [String]) -> [String] {
        var result: [String] = []
        var open = ""
        for word in words {
            if word == "(" {
                open = "("
            } else if word == ")", let last = result.last {
                result[result.count - 1] = last + ")"
            } else {
                result.append(open + word)
                open = ""
            }
        }
        return result
    }

    /// Appends the checks as NDJSON, one record per check.
    public func append(json checks: [DoctorCheck], at time: Timestamp, to out: inout OutputBuffer) {
        for check in checks {
            out.record("doctor") { object in
                object.add(time)
                object.add("group", literal: check.group)
                object.add("check", string: check.name)
                object.add("status", string: check.status.rawValue)
                if !check.value.isEmpty { object.add("value", string: check.value) }
                if !check.meaning.isEmpty {
                    object.add(check.status == .missing ? "costs" : "meaning", string: check.meaning)
                }
            }
        }
    }
}
