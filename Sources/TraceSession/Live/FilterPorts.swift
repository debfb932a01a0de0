// Which ports a filter names, so that no more is asked of the kernel than what may be traced.

/// The ports that every segment passing these pcap-filter(7) words has one of; empty if that cannot be told from the words. `or icmp` lets
/// no segment pass.
///
/// Only plain expressions are understood: alternatives of which each names a port by number, or a range of few. Asking the kernel
/// for too much costs time, for too little it would cost events.
func portsNamed(in filter: String) -> [UInt16] {
    let words = filter.split { $0 == " " || $0 == "\t" || $0 == "\n" }
    // Anything that could turn a meaning round, or that is not words.
    let plain = words.allSatisfy { word in
        word != "not" && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".:/_-".contains($0)) }
    }
    guard plain else { return [] }
    var ports: [UInt16] = []
    for alternative in words.split(separator: "or", omittingEmptySubsequences: false) {
        if alternative == ["icmp"] || alternative == ["icmp6"] { continue }
        guard let named = portsNamed(among: Array(alternative)) else { return [] }
        ports += named
    }
    return Array(Set(ports)).sorted()
}

/// The ports of one alternative: `port 80`, or `portrange 80-89` with at most `mostOfRange`.
private func portsNamed(among words: [Substring]) -> ClosedRange<UInt16>? {
    let mostOfRange = 64
    guard let place = words.firstIndex(where: { $0 == "port" || $0 == "portrange" }), place + 1 < words.count else {
        return nil
    }
    let numbers = words[place + 1].split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
    guard numbers.count == (words[place] == "port" ? 1 : 2), let first = numbers[0],
        let last = numbers[numbers.count - 1], first <= last, Int(last) - Int(first) < mostOfRange
    else { return nil }
    return first...last
}
