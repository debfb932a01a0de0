// The doctor's check for address translation on this host (NAT: nftables, iptables; REDIRECT, DNAT, SNAT), as seen by
// connection tracking.

import TimelineReport

enum DoctorTranslation {
    private static let table = "/proc/net/nf_conntrack"
    private static let count = "/proc/sys/net/netfilter/nf_conntrack_count"

    static func checks() -> [DoctorCheck] {
        guard let text = SmallFile.text(table) else {
            guard let tracked = SmallFile.line(count) else { return [check("no connection tracking")] }
            return [check("\(tracked) connections tracked; only root can see which are translated (\(table))")]
        }
        let (tracked, translated, example) = connections(text)
        guard let example else {
            return [
                check(
                    tracked == 0
                        ? "no TCP connection is tracked" : "none of \(tracked) TCP connections that were examined")
            ]
        }
        return [
            check(
                "\(translated) of \(tracked) TCP connections that were examined, such as \(example)",
                meaning: "each is traced as two, before and after translation, and each half has the process of one end"
            )
        ]
    }

    private static func check(_ value: String, meaning: String = "") -> DoctorCheck {
        DoctorCheck("kernel", "address translation", .note, value, meaning: meaning)
    }

    /// The number of TCP connections in a table, the number of translated ones, and an example of these. Each line has
    /// the addresses of both directions; without translation one is the reverse of the other.
    static func connections(_ text: String) -> (tracked: Int, translated: Int, example: String?) {
        var tracked = 0
        var translated = 0
        var example: String?
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.contains("tcp") else { continue }
            func values(_ name: String) -> [Substring] {
                words.filter { $0.hasPrefix(name + "=") }.map { $0.dropFirst(name.count + 1) }
            }
            let (from, to) = (values("src"), values("dst"))
            let (fromPort, toPort) = (values("sport"), values("dport"))
            // The last line may be truncated.
            guard from.count == 2, to.count == 2, fromPort.count == 2, toPort.count == 2 else { continue }
            tracked += 1
            let isReverse =
                from[0] == to[1] && to[0] == from[1] && fromPort[0] == toPort[1] && toPort[0] == fromPort[1]
            if isReverse { continue }
            translated += 1
            example =
                example ?? "\(from[0]) port \(fromPort[0]) to \(to[0]) port \(toPort[0]),"
                + " which is \(to[1]) port \(toPort[1]) to \(from[1]) port \(fromPort[1]) behind it"
        }
        return (tracked, translated, example)
    }
}
