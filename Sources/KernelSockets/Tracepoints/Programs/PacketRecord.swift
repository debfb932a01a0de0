// One record of the packet program: its layout, and how it is decoded into a SocketEvent. Every access is checked.

import TCPModel

/// The offsets of a record's fields. The kind is at the same offset as in a socket's record.
enum PacketRecord {
    static let time = 0
    static let socket = 8
    static let packet = 16
    static let reason = 24
    static let kind = SocketRecord.kind
    /// In network order, like all fields below.
    static let protocolNumber = 30
    /// The packet from its network header on: room for the longest IPv4 header (RFC 791 3.1) and TCP's ports after it.
    static let header = 32
    static let headerSize = 64
    static let size = 96

    /// The kind number of these records.
    static let kindNumber = 3

    /// Whether this is a complete record of this kind.
    static func isOne(_ record: RawSpan) -> Bool {
        record.byteCount >= size && unsigned(record, kind, 2) == UInt64(kindNumber)
    }

    /// Decodes the event in `record`, whose clock is `offset` nanoseconds behind the wall clock; nil if it is not a TCP
    /// packet. The event's local end is the packet's destination.
    static func decode(_ record: RawSpan, offset: Int64, word: (Int64) -> KernelWord) -> SocketEvent? {
        guard let stamp = unsigned(record, time, 8), let receiver = unsigned(record, socket, 8),
            let address = unsigned(record, packet, 8), let why = unsigned(record, reason, 4), let ends = ends(record)
        else { return nil }
        return SocketEvent(
            time: Timestamp(nanoseconds: Int64(clamping: stamp)).advanced(by: offset),
            kind: .dropped(reason: word(Int64(why))), socket: receiver, packet: address, local: ends.destination,
            remote: ends.source)
    }

    /// TCP's protocol number (RFC 9293 3.1).
    private static let tcp: UInt64 = 6

    private static func ends(_ record: RawSpan) -> (source: SocketAddress, destination: SocketAddress)? {
        guard let version = unsigned(record, header, 1).map({ $0 >> 4 }) else { return nil }
        switch (bigEndian(record, protocolNumber, 2), version) {
        case (0x0800, 4):
            // RFC 791 3.1: the header length is in words of four octets; only the first fragment has ports.
            guard let length = unsigned(record, header, 1).map({ Int($0 & 15) * 4 }), length >= 20,
                unsigned(record, header + 9, 1) == tcp, let fragment = bigEndian(record, header + 6, 2),
                fragment & 0x1fff == 0, let source = bigEndian(record, header + 12, 4),
                let destination = bigEndian(record, header + 16, 4)
            else { return nil }
            return ports(record, header + length).map {
                (
                    SocketAddress(IPAddress(v4: UInt32(truncatingIfNeeded: source)), $0.source),
                    SocketAddress(IPAddress(v4: UInt32(truncatingIfNeeded: destination)), $0.destination)
                )
            }
        case (0x86dd, 6):
            // RFC 8200 3. Packets with extension headers are ignored.
            guard unsigned(record, header + 6, 1) == tcp, let source = address6(record, header + 8),
                let destination = address6(record, header + 24)
            else { return nil }
            return ports(record, header + 40).map {
                (SocketAddress(source, $0.source), SocketAddress(destination, $0.destination))
            }
        default: return nil
        }
    }

    private static func ports(_ record: RawSpan, _ place: Int) -> (source: UInt16, destination: UInt16)? {
        guard place + 4 <= header + headerSize, let source = bigEndian(record, place, 2),
            let destination = bigEndian(record, place + 2, 2), source != 0, destination != 0
        else { return nil }
        return (UInt16(truncatingIfNeeded: source), UInt16(truncatingIfNeeded: destination))
    }

    private static func address6(_ record: RawSpan, _ place: Int) -> IPAddress? {
        guard let high = bigEndian(record, place, 8), let low = bigEndian(record, place + 8, 8) else { return nil }
        return IPAddress(high: high, low: low)
    }
}
