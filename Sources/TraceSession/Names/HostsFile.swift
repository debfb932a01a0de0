// /etc/hosts, this machine's own names for addresses. It is read once, so that these names need no query.

import TCPModel

/// The names in a file of hosts(5).
enum HostsFile {
    /// The limit for the octets read and the limit for the addresses kept: lists that block hosts are long, but they
    /// give all hosts one address.
    static let most = 1 << 20
    static let mostAddresses = 16_384

    /// The first name of each address; empty if the file cannot be read.
    static func names(_ path: String = "/etc/hosts") -> [IPAddress: String] {
        guard let text = SmallFile.text(path, most: most) else { return [:] }
        // A longer file is cut, and its last line may be incomplete.
        let isWhole = text.utf8.count < most
        return names(in: isWhole ? text[...] : text[..<(text.lastIndex(where: \.isNewline) ?? text.startIndex)])
    }

    /// Parses lines of an address, a name and aliases; `#` starts a comment. As in getnameinfo(3), the first line with
    /// an address counts.
    static func names(in text: Substring) -> [IPAddress: String] {
        var names: [IPAddress: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split(maxSplits: 2, whereSeparator: \.isWhitespace)
            guard words.count > 1, let address = IPAddress(numeric: String(words[0])), names[address] == nil else {
                continue
            }
            names[address] = String(words[1])
            if names.count == mostAddresses { break }
        }
        return names
    }
}
