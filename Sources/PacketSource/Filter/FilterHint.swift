// Guesses what a mistyped filter was meant to be: a keyword with a wrong letter, or an address joined to its port.

import TCPModel

extension FilterFault {
    /// The keywords that people commonly type.
    private static let usual = [
        "port", "portrange", "host", "net", "src", "dst", "tcp", "udp", "icmp", "icmp6", "ip6", "ether", "vlan",
        "proto",
        "and", "not", "less", "greater", "inbound", "outbound",
    ]
    /// The longest word, in octets, that can be a typing error.
    private static let longest = 64

    /// What to type in place of the offending word; nil if that is unclear.
    public var hint: String? {
        if let meant = DisplayFilter.translated(text) { return meant }
        guard let range, !range.isEmpty, range.lowerBound >= 0, range.upperBound <= text.utf8.count,
            range.count <= Self.longest
        else { return nil }
        if let meant = bracketed(around: range) { return meant }
        let word = String(decoding: Array(text.utf8)[range], as: UTF8.self)
        if let meant = Self.apart(word) ?? Self.portRange(word) ?? Self.hostAndPort(word) { return meant }
        let letters = Array(word.lowercased().utf8)
        guard letters.count > 2, !FilterKeywords.all.contains(word[...]) else { return nil }
        return Self.usual.first { keyword in
            // One letter can turn a short word into another one, so only a distance of 1 counts.
            abs(keyword.utf8.count - letters.count) <= 1 && editDistance(letters, Array(keyword.utf8)) == 1
        }
    }

    /// `port9500`: a keyword and its number without a space between them, if separating them makes a valid filter.
    /// Names may begin with a keyword too.
    private static func apart(_ word: String) -> String? {
        let letters = word.utf8.prefix { (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) }
        let keyword = String(decoding: letters, as: UTF8.self).lowercased()
        var number = String(decoding: word.utf8.dropFirst(letters.count), as: UTF8.self)
        let isNumber = number.utf8.allSatisfy { (0x30...0x39).contains($0) }
        switch keyword {
        case "port", "vlan", "proto", "less", "greater": guard isNumber else { return nil }
        case "portrange":
            number = number.replacing(":", with: "-")
            guard number.contains("-") else { return nil }
        // Only addresses: a name would be looked up, which takes time.
        case "host", "net":
            guard number.contains(".") || number.contains(":"),
                number.utf8.allSatisfy({ (0x2e...0x3a).contains($0) || (0x41...0x46).contains($0 & 0x5f) })
            else { return nil }
        default: return nil
        }
        let meant = "\(keyword) \(number)"
        guard number.utf8.first.map({ (0x30...0x39).contains($0) }) == true,
            (try? FilterSet(meant, linkType: .ethernet)) != nil
        else { return nil }
        return meant
    }

    /// `[::1]:9500`: libpcap's complaint is about some part of it.
    private func bracketed(around range: Range<Int>) -> String? {
        let octets = Array(text.utf8)
        func isBlank(_ octet: UInt8) -> Bool { octet <= 0x20 }
        let start = octets[..<range.lowerBound].lastIndex(where: isBlank).map { $0 + 1 } ?? 0
        let end = octets[range.lowerBound...].firstIndex(where: isBlank) ?? octets.count
        guard start < end, octets[start] == 0x5b, let bracket = octets[start..<end].lastIndex(of: 0x5d),
            bracket + 1 < end, octets[bracket + 1] == 0x3a,
            let port = UInt16(String(decoding: octets[(bracket + 2)..<end], as: UTF8.self))
        else { return nil }
        let address = String(decoding: octets[(start + 1)..<bracket], as: UTF8.self)
        let meant = "host \(address) and port \(port)"
        // Only addresses: a name would be looked up, which takes time.
        guard address.contains(":"), address.utf8.allSatisfy({ $0 == 0x2e || isHexOrColon($0) }),
            (try? FilterSet(meant, linkType: .ethernet)) != nil
        else { return nil }
        return meant
    }

    private func isHexOrColon(_ octet: UInt8) -> Bool {
        (0x30...0x3a).contains(octet) || (0x61...0x66).contains(octet | 0x20)
    }

    /// `7101:7110`, a port range in the notation of firewalls; no host name is a plain number.
    private static func portRange(_ word: String) -> String? {
        let ports = word.split(separator: ":", omittingEmptySubsequences: false)
        guard ports.count == 2, let first = UInt16(ports[0]), let last = UInt16(ports[1]) else { return nil }
        return "portrange \(first)-\(last)"
    }

    /// `127.0.0.1:9500`, a notation that pcap-filter(7) lacks. It cannot be an IPv6 address, since it has only one
    /// colon.
    private static func hostAndPort(_ word: String) -> String? {
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let port = UInt16(parts[1]), !parts[0].isEmpty,
            parts[0].utf8.allSatisfy({ $0 < 0x7f && $0 > 0x20 })
        else { return nil }
        return "host \(parts[0]) and port \(port)"
    }
}
