// A Wireshark display filter used in place of a capture filter.

/// Translates the simplest display filters into pcap-filter(7) expressions.
enum DisplayFilter {
    private static let words = [
        "tcp.port": "port", "tcp.srcport": "src port", "tcp.dstport": "dst port", "ip.addr": "host",
        "ip.src": "src host",
        "ip.dst": "dst host", "ipv6.addr": "host", "ipv6.src": "src host", "ipv6.dst": "dst host", "ip.host": "host",
    ]

    /// The capture filter for a comparison such as `tcp.port == 9500`; nil for anything else.
    static func translated(_ filter: String) -> String? {
        // Longer filters are not that simple.
        guard filter.utf8.count <= 128 else { return nil }
        let parts = filter.replacing("==", with: " == ").split(whereSeparator: \.isWhitespace)
        guard parts.count == 3, parts[1] == "==" || parts[1] == "eq", let word = words[String(parts[0])],
            parts[2].allSatisfy({ $0.isHexDigit || $0 == "." || $0 == ":" }),
            word.hasSuffix("port") ? UInt16(parts[2]) != nil : parts[2].contains(where: { $0 == "." || $0 == ":" })
        else { return nil }
        return "\(word) \(parts[2])"
    }
}
