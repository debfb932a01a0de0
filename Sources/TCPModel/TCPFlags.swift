// The control bits of the TCP header (RFC 9293 3.1, RFC 3168, RFC 9768).

/// The control bits of a segment: the header's bytes 12 (low bit) and 13.
public struct TCPFlags: OptionSet, Hashable, BitwiseCopyable, Sendable {
    /// The nine bits, FIN lowest, AE (formerly NS) highest.
    public var rawValue: UInt16

    /// The flags with these bits.
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// No more data from the sender.
    @inlinable public static var fin: TCPFlags { TCPFlags(rawValue: 0x001) }
    /// Synchronize sequence numbers.
    @inlinable public static var syn: TCPFlags { TCPFlags(rawValue: 0x002) }
    /// Reset the connection.
    @inlinable public static var rst: TCPFlags { TCPFlags(rawValue: 0x004) }
    /// Push.
    @inlinable public static var psh: TCPFlags { TCPFlags(rawValue: 0x008) }
    /// The acknowledgment field is significant.
    @inlinable public static var ack: TCPFlags { TCPFlags(rawValue: 0x010) }
    /// The urgent pointer is significant.
    @inlinable public static var urg: TCPFlags { TCPFlags(rawValue: 0x020) }
    /// ECN-Echo (RFC 3168).
    @inlinable public static var ece: TCPFlags { TCPFlags(rawValue: 0x040) }
    /// Congestion window reduced (RFC 3168).
    @inlinable public static var cwr: TCPFlags { TCPFlags(rawValue: 0x080) }
    /// Accurate ECN (RFC 9768); NS in RFC 3540.
    @inlinable public static var ae: TCPFlags { TCPFlags(rawValue: 0x100) }

    /// SYN or FIN: the controls that take up a sequence number each (RFC 9293 3.4).
    @inlinable public static var synFin: TCPFlags { [.syn, .fin] }
    /// SYN, FIN or RST.
    @inlinable public static var synFinRst: TCPFlags { [.syn, .fin, .rst] }

    /// Whether all of `flags` are set.
    @inlinable public func has(_ flags: TCPFlags) -> Bool { rawValue & flags.rawValue == flags.rawValue }
    /// Whether any of `flags` is set.
    @inlinable public func hasAny(_ flags: TCPFlags) -> Bool { rawValue & flags.rawValue != 0 }
}
