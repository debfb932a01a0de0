// Wireshark's tcp.completeness: which kinds of segments a connection has had.

import TCPModel

/// The bits of `tcp.completeness`.
public struct Completeness: OptionSet, BitwiseCopyable, Sendable {
    /// The number that Wireshark prints.
    public var rawValue: UInt8
    /// The completeness with these bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A SYN without ACK.
    public static let syn = Completeness(rawValue: 1)
    /// A SYN-ACK.
    public static let synAck = Completeness(rawValue: 2)
    /// A segment with ACK but neither SYN nor payload, RST and FIN included.
    public static let ack = Completeness(rawValue: 4)
    /// Payload with ACK, or payload on the first SYN (Fast Open).
    public static let data = Completeness(rawValue: 8)
    /// A FIN with ACK.
    public static let fin = Completeness(rawValue: 16)
    /// A RST.
    public static let reset = Completeness(rawValue: 32)

    mutating func note(_ segment: Segment, isFirst: Bool) {
        let flags = segment.flags
        if flags.has(.syn) {
            if flags.has(.ack) {
                insert(.synAck)
            } else if isFirst {
                insert(.syn)
                if segment.payloadLength > 0 { insert(.data) }
            }
        } else if flags.has(.ack) {
            insert(segment.payloadLength > 0 ? .data : .ack)
        }
        if flags.has([.fin, .ack]) { insert(.fin) }
        if flags.has(.rst) { insert(.reset) }
    }
}
