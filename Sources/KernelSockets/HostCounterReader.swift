// Reads host-wide counters from /proc/net: TCP's from snmp and netstat, by name; packets without a route; and packets
// dropped by connection tracking.

public import TCPModel

/// Reads the counters of this process's network namespace. Needs no privilege.
public struct HostCounterReader: Sendable {
    /// The groups that are kept in full: those of TCP.
    private static let groups: Set<String> = ["Tcp", "TcpExt", "MPTcpExt"]
    /// The only counters kept from IP: a connect() that finds no route leaves no other trace.
    private static let noRoutes = (v4: "IpOutNoRoutes", v6: "Ip6OutNoRoutes")
    /// An upper bound on file size; the largest known is about 6 KiB.
    private static let sizeLimit = 256 << 10

    private let folder: String

    /// A reader of the files below `root`. Anything but /proc is for tests.
    public init(root: String = "/proc") { folder = root + "/net" }

    /// Reads the counters now. A missing file only means that its counters are missing; nil if there are no counters at
    /// all.
    public func read() -> HostCounters? {
        guard let directory = Descriptor(path: folder) else { return nil }
        let time = wallClockNow()
        var values: [String: UInt64] = [:]
        for name in ["snmp", "netstat"] {
            guard let bytes = directory.contents(of: name, limit: Self.sizeLimit) else { continue }
            values.merge(Self.parse(bytes)) { first, _ in first }
        }
        if !values.isEmpty, let bytes = directory.contents(of: "snmp6", limit: Self.sizeLimit) {
            values[Self.noRoutes.v6] = Self.value(of: Self.noRoutes.v6, in: bytes)
        }
        if !values.isEmpty, let bytes = directory.contents(of: "stat/nf_conntrack", limit: Self.sizeLimit) {
            values["ConntrackDrop"] = Self.sum("drop", in: bytes)
        }
        return values.isEmpty ? nil : HostCounters(time: time, values: values)
    }

    /// Parses pairs of lines: `Tcp: name name ...`, then `Tcp: number number ...`. Columns without a counterpart, and
    /// values that are negative or not numbers, are left out.
    static func parse(_ bytes: [UInt8]) -> [String: UInt64] {
        var values: [String: UInt64] = [:]
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        var index = 0
        while index + 1 < lines.count {
            let names = lines[index].split(separator: " ")
            let numbers = lines[index + 1].split(separator: " ")
            guard let group = names.first, group.last == ":", numbers.first == group else {
                index += 1
                continue
            }
            index += 2
            let prefix = String(group.dropLast())
            guard groups.contains(prefix) || prefix == "Ip" else { continue }
            for (name, number) in zip(names.dropFirst(), numbers.dropFirst()) {
                guard prefix != "Ip" || prefix + name == noRoutes.v4 else { continue }
                guard let value = UInt64(number), name.utf8.allSatisfy(HostCounters.isNameOctet) else { continue }
                values[prefix + name] = value
            }
        }
        return values
    }

    /// The value of the counter `name` in a file with one `NAME VALUE` pair per line; nil if it is absent.
    static func value(of name: String, in bytes: [UInt8]) -> UInt64? {
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "\t" }
            if words.count == 2, words[0] == name { return UInt64(words[1]) }
        }
        return nil
    }

    /// Sums the column `name` of a table with a line of column names and a line of hexadecimal numbers per processor;
    /// nil if there is no such column.
    static func sum(_ name: String, in bytes: [UInt8]) -> UInt64? {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { $0.split(separator: " ") }
        guard let column = lines.first?.firstIndex(where: { $0 == name }) else { return nil }
        return lines.dropFirst().reduce(0) { sum, line in
            sum &+ (column < line.count ? UInt64(line[column], radix: 16) ?? 0 : 0)
        }
    }
}
