// The ports named by a filter, so that the kernel is asked only for what may be traced.

/// The ports named by a pcap-filter(7) expression: every segment that passes it uses at least one of them. Empty if the
/// expression does not determine such ports. `or icmp` lets no segment pass and is ignored.
///
/// Only plain expressions are understood: alternatives that each name a port by number, or a small range. Asking the
/// kernel for too much costs time; asking for too little would lose events.
func portsNamed(in filter: String) -> [UInt16] {
    let words = filter.split { $0 == " " || $0 == "\t" || $0 == "\n" }
    // Rejects anything that could invert a meaning, and anything that is not a plain word.
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

/// The ports of one alternative: `port 80`, or `portrange 80-89` with at most `mostOfRange` ports.
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
