// Counts with their nouns, in sentences for people.

/// A count with its noun, which takes an s: `1 SYN`, `7 SYNs`.
public func counted(_ number: some BinaryInteger, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
}
