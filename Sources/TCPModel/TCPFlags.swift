// The control bits of the TCP header (RFC 9293 3.1, RFC 3168, RFC 9768).

/// The control bits of a segment: the header's bytes 12 (low bit) and 13.
public struct TCPFlags: OptionSet, Hashable, BitwiseCopyable, Sendable {
    /// The nine bits, FIN lowest, AE (formerly NS) highest.
    public var rawValue: UInt16

    /// The flags with these bits.
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// No more data from the sender.
    public static let fin = TCPFlags(rawValue: 0x001)
    /// Synchronize sequence numbers.
    public static let syn = TCPFlags(rawValue: 0x002)
    /// Reset the connection.
    public static let rst = TCPFlags(rawValue: 0x004)
    /// Push.
    public static let psh = TCPFlags(rawValue: 0x008)
    /// The acknowledgment field is significant.
    public static let ack = TCPFlags(rawValue: 0x010)
    /// The urgent pointer is significant.
    public static let urg = TCPFlags(rawValue: 0x020)
    /// ECN-Echo (RFC 3168).
    public static let ece = TCPFlags(rawValue: 0x040)
    /// Congestion window reduced (RFC 3168).
    public static let cwr = TCPFlags(rawValue: 0x080)
    /// Accurate ECN (RFC 9768); NS in RFC 3540.
    public static let ae = TCPFlags(rawValue: 0x100)

    /// SYN or FIN: the controls that take up a sequence number each (RFC 9293 3.4).
    public static let synFin: TCPFlags = [.syn, .fin]
    /// SYN, FIN or RST.
    public static let synFinRst: TCPFlags = [.syn, .fin, .rst]

    /// Whether all of `flags` are set.
    @inlinable public func has(_ flags: TCPFlags) -> Bool { rawValue & flags.rawValue == flags.rawValue }
    /// Whether any of `flags` is set.
    @inlinable public func hasAny(_ flags: TCPFlags) -> Bool { rawValue & flags.rawValue != 0 }
}
