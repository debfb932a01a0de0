// Counts with their nouns, for sentences that people read.

/// A count with its noun, whose plural ends in s: `1 SYN`, `7 SYNs`.
public func counted(_ number: some BinaryInteger, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
}
