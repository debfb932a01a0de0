// What somebody meant whose filter has a slip: a keyword with letters in the wrong place, or an address with its port.

extension FilterFault {
    /// The keywords that people type.
    private static let usual = [
        "port", "portrange", "host", "net", "src", "dst", "tcp", "udp", "icmp", "icmp6", "ip6", "ether", "vlan",
        "proto",
        "and", "not", "less", "greater", "inbound", "outbound",
    ]
    /// Longer words are no slips of the finger.
    private static let longest = 64

    /// What to type in place of the offending word; nil if that is not clear.
    var hint: String? {
        guard let range, !range.isEmpty, range.lowerBound >= 0, range.upperBound <= text.utf8.count,
            range.count <= Self.longest
        else { return nil }
        let word = String(decoding: Array(text.utf8)[range], as: UTF8.self)
        if let meant = Self.hostAndPort(word) ?? Self.apart(word) { return meant }
        let letters = Array(word.lowercased().utf8)
        guard letters.count > 2, !FilterKeywords.all.contains(word[...]) else { return nil }
        return Self.usual.first { keyword in
            // Of a short word a single letter may make another one.
            abs(keyword.utf8.count - letters.count) <= 1 && editDistance(letters, Array(keyword.utf8)) == 1
        }
    }

    /// `port9500`: a keyword and its number without a space between them.
    private static func apart(_ word: String) -> String? {
        let keyword = word.prefix { $0.isASCII && $0.isLetter }
        let number = word.dropFirst(keyword.count)
        guard ["port", "portrange", "host", "net", "vlan", "proto", "less", "greater"].contains(keyword.lowercased()),
            number.utf8.first.map({ $0 >= 0x30 && $0 <= 0x39 }) == true,
            number.allSatisfy({ $0.isHexDigit || ".:-/".contains($0) })
        else { return nil }
        return "\(keyword.lowercased()) \(number)"
    }

    /// `127.0.0.1:9500`, which pcap-filter(7) does not know; a lone colon in an IPv6 address there is not.
    private static func hostAndPort(_ word: String) -> String? {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let port = UInt16(parts[1]), !parts[0].isEmpty,
            parts[0].utf8.allSatisfy({ $0 < 0x7f && $0 > 0x20 })
        else { return nil }
        return "host \(parts[0]) and port \(port)"
    }
}

/// Letters to put in, take out, replace or change with their neighbour to make one word of the other (optimal string alignment).
public func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var before: [Int] = []
    var row = Array(0...right.count)
    for (index, letter) in left.enumerated() {
        var next = [index + 1]
        for (place, other) in right.enumerated() {
            var least = min(row[place] + (letter == other ? 0 : 1), row[place + 1] + 1, next[place] + 1)
            if index > 0, place > 0, letter == right[place - 1], other == left[index - 1] {
                least = min(least, before[place - 1] + 1)
            }
            next.append(least)
        }
        before = row
        row = next
    }
    return row[right.count]
}
