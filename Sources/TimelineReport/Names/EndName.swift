// The names of hosts and services: where they come from, and how much of them may be shown. Names come from a network
// and may be anything.

public import TCPModel

/// A source of names. Reports query it and look nothing up themselves. Several threads may use it at once.
public protocol NameBook: AnyObject, Sendable {
    /// Announces that the names of both ends will be needed, so that they can be looked up in the meantime.
    func prepare(_ tuple: FourTuple)
    /// Whether unknown names of an end may become known in a moment, so that its heading should wait. Live only.
    func isPending(_ end: SocketAddress) -> Bool
    /// The names of an end, as far as they are known.
    func name(of end: SocketAddress) -> EndName
}

/// The names of one end: ASCII without spaces, nil where there is none that may be shown.
public struct EndName: Equatable, Sendable {
    /// The maximum number of octets used of a host name: a domain name has no more (RFC 1035 2.3.4).
    private static let mostOfHost = 255
    /// The maximum number of octets used of a service name (RFC 6335 5.1 allows 15; older names are longer).
    private static let mostOfService = 24

    /// The name of the host.
    public let host: String?
    /// The service name of the port.
    public let service: String?

    /// Takes the names as given. Everything that could act on a terminal is escaped, as are spaces and all non-ASCII
    /// characters: a space would split a column in two, and a letter of another script may look like an ASCII one. A
    /// name that looks like a number is ignored.
    public init(host: String?, service: String?) {
        self.host = host.flatMap { Self.shown($0, most: Self.mostOfHost) }
        self.service = service.flatMap { Self.shown($0, most: Self.mostOfService) }
    }

    private static func shown(_ name: String, most: Int) -> String? {
        let octets = name.utf8.prefix(most)
        guard !octets.isEmpty, !looksLikeNumber(octets) else { return nil }
        var text = OutputBuffer()
        for scalar in String(decoding: octets, as: UTF8.self).unicodeScalars { text.append(visible: scalar) }
        return String(decoding: text.bytes, as: UTF8.self)
    }

    /// Whether a name may be mistaken for an address or a port: it has a colon or a bracket, or its last label is a
    /// number, which it never is in the DNS (inet_aton(3) also accepts `127.1` and `0x7f000001`).
    static func looksLikeNumber(_ name: some BidirectionalCollection<UInt8>) -> Bool {
        if name.contains(where: { $0 == 0x3a || $0 == 0x5b || $0 == 0x5d }) { return true }
        let labels = name.split(separator: 0x2e)
        guard let last = labels.last else { return true }
        let isHexadecimal = last.starts(with: [0x30, 0x78]) || last.starts(with: [0x30, 0x58])
        return isHexadecimal
            ? last.dropFirst(2).allSatisfy { Unicode.Scalar($0).properties.isASCIIHexDigit }
            : last.allSatisfy { 0x30...0x39 ~= $0 }
    }
}

extension TextStyle {
    /// The names of both ends; nil if neither host has one, or names are not wanted.
    func names(of tuple: FourTuple) -> (client: EndName, server: EndName)? {
        guard let names else { return nil }
        let (client, server) = (names.name(of: tuple.source), names.name(of: tuple.destination))
        return client.host == nil && server.host == nil ? nil : (client, server)
    }
}

extension OutputBuffer {
    /// Appends an end as in `localhost:ssh`, with numbers where there are no names. If it exceeds `room` columns, a
    /// host name is cut, and `~` marks the cut.
    mutating func append(_ end: SocketAddress, named name: EndName, room: Int = .max) {
        let start = count
        if let host = name.host { append(text: host) } else { append(addressOf: end) }
        let hostEnd = count
        append(byte: 0x3a)
        // Some of the host name must remain.
        if let service = name.service, service.utf8.count + 8 <= room {
            append(text: service)
        } else {
            append(number: end.port)
        }
        guard count - start > room, name.host != nil else { return }
        let port = Array(bytes[hostEnd...])
        truncate(to: start + max(1, room - port.count - 1))
        if EndName.looksLikeNumber(bytes[start...]) {
            // Such as the rest of a cut `10.0.0.1.example`.
            truncate(to: start)
            append(addressOf: end)
        } else {
            append(byte: 0x7e)
        }
        append(contentsOf: port)
    }

    /// Appends an address in the form in which it precedes a port.
    private mutating func append(addressOf end: SocketAddress) {
        if !end.address.isV4 { append(byte: 0x5b) }
        append(end.address)
        if !end.address.isV4 { append(byte: 0x5d) }
    }
}
