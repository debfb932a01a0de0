// What hosts and services are called: who knows it, and what of it may be shown. Names come from a network, and may be anything.

public import TCPModel

/// Who knows names. Reports ask it, and look nothing up themselves. It may be asked by several threads.
public protocol NameBook: AnyObject, Sendable {
    /// The names of both ends will be asked for: they may be looked up meanwhile.
    func prepare(_ tuple: FourTuple)
    /// Whether what is not known of an end may be known in a moment, so that its heading is to wait. Live only.
    func isPending(_ end: SocketAddress) -> Bool
    /// The names of an end, as far as they are known.
    func name(of end: SocketAddress) -> EndName
}

/// The names of one end: ASCII without spaces, nil where there is none that may be shown.
public struct EndName: Equatable, Sendable {
    /// Octets of a host's name that are looked at: a domain name has no more (RFC 1035 2.3.4).
    private static let mostOfHost = 255
    /// The same of a service (RFC 6335 5.1 allows 15, older ones are longer).
    private static let mostOfService = 24

    /// The host's.
    public let host: String?
    /// The port's.
    public let service: String?

    /// The names as somebody gave them. What a terminal may act on, a space and all beyond ASCII is escaped: a space makes two
    /// columns of one, and a letter of another script may look like one of ours. What looks like a number is no name.
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

    /// Whether somebody may take a name for an address or a port: it has a colon or a bracket, or its last label, which in the
    /// DNS is never a number, is one (inet_aton(3) reads `127.1` and `0x7f000001`, too).
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
    /// The names of both ends; nil if neither host has one, or none are asked for.
    func names(of tuple: FourTuple) -> (client: EndName, server: EndName)? {
        guard let names else { return nil }
        let (client, server) = (names.name(of: tuple.source), names.name(of: tuple.destination))
        return client.host == nil && server.host == nil ? nil : (client, server)
    }
}

extension OutputBuffer {
    /// Appends `localhost:ssh`, with the number of what has no name, and in `room` columns if a name can be cut for that: `~` is
    /// where the rest was.
    mutating func append(_ end: SocketAddress, named name: EndName, room: Int = .max) {
        let start = count
        if let host = name.host { append(text: host) } else { append(addressOf: end) }
        let hostEnd = count
        append(byte: 0x3a)
        // Some of the host's is to be left.
        if let service = name.service, service.utf8.count + 8 <= room {
            append(text: service)
        } else {
            append(number: end.port)
        }
        guard count - start > room, name.host != nil else { return }
        let port = Array(bytes[hostEnd...])
        truncate(to: start + max(1, room - port.count - 1))
        if EndName.looksLikeNumber(bytes[start...]) {
            // What the cut left of `10.0.0.1.example`.
            truncate(to: start)
            append(addressOf: end)
        } else {
            append(byte: 0x7e)
        }
        append(contentsOf: port)
    }

    /// Appends an address as it stands before its port.
    private mutating func append(addressOf end: SocketAddress) {
        if !end.address.isV4 { append(byte: 0x5b) }
        append(end.address)
        if !end.address.isV4 { append(byte: 0x5d) }
    }
}
