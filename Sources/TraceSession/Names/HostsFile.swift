// /etc/hosts: what this machine's owner calls addresses. It is read once, so that nobody waits for a name server to hear of it.

import TCPModel

/// The names in a file of hosts(5).
enum HostsFile {
    /// Octets of the file that are read, and addresses that are kept: lists that block hosts are long, but give all of them one address.
    static let most = 1 << 20
    static let mostAddresses = 16_384

    /// The first name of each address; none if there is no such file.
    static func names(_ path: String = "/etc/hosts") -> [IPAddress: String] {
        guard let text = SmallFile.text(path, most: most) else { return [:] }
        // The end of a longer one may be half a name.
        let isWhole = text.utf8.count < most
        return names(in: isWhole ? text[...] : text[..<(text.lastIndex(where: \.isNewline) ?? text.startIndex)])
    }

    /// An address, a name, and others for it; `#` begins a comment. As for getnameinfo(3) the first line with an address counts.
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
