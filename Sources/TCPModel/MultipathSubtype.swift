// The subtypes of the MPTCP option (RFC 8684 7.2, IANA's "MPTCP Option Subtypes").

/// The purpose of one MPTCP option.
public enum MultipathSubtype: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// RFC 8684 3.1: exchanges keys to open a connection.
    case capable = 0
    /// RFC 8684 3.2: adds a subflow to a connection.
    case join = 1
    /// RFC 8684 3.3: data acknowledgments and mappings.
    case dataSequence = 2
    /// RFC 8684 3.4.1: announces another address.
    case addAddress = 3
    /// RFC 8684 3.4.2: withdraws an address.
    case removeAddress = 4
    /// RFC 8684 3.3.8: changes whether a subflow is a backup.
    case priority = 5
    /// RFC 8684 3.7: reports a wrong checksum.
    case fail = 6
    /// RFC 8684 3.5: closes the connection at once.
    case fastClose = 7
    /// RFC 8684 3.6: says why a subflow is reset.
    case reset = 8

    /// For programs.
    public var name: StaticString {
        switch self {
        case .capable: "mp_capable"
        case .join: "mp_join"
        case .dataSequence: "dss"
        case .addAddress: "add_addr"
        case .removeAddress: "remove_addr"
        case .priority: "mp_prio"
        case .fail: "mp_fail"
        case .fastClose: "mp_fastclose"
        case .reset: "mp_tcprst"
        }
    }

    /// For people: RFC 8684's name.
    public var displayName: StaticString {
        switch self {
        case .capable: "MP_CAPABLE"
        case .join: "MP_JOIN"
        case .dataSequence: "DSS"
        case .addAddress: "ADD_ADDR"
        case .removeAddress: "REMOVE_ADDR"
        case .priority: "MP_PRIO"
        case .fail: "MP_FAIL"
        case .fastClose: "MP_FASTCLOSE"
        case .reset: "MP_TCPRST"
        }
    }

    /// The reason code of MP_TCPRST in words (RFC 8684 3.6).
    public static func resetReason(_ code: UInt8) -> StaticString {
        switch code {
        case 0: "unspecified"
        case 1: "MPTCP-specific error"
        case 2: "lack of resources"
        case 3: "prohibited"
        case 4: "too much outstanding data"
        case 5: "unacceptable performance"
        case 6: "middlebox interference"
        default: "unknown reason"
        }
    }
}

extension TCPOptions {
    /// Whether the segment carries an MPTCP option of this subtype.
    @inlinable public func has(_ subtype: MultipathSubtype) -> Bool {
        multipathSubtypes & 1 << UInt16(subtype.rawValue) != 0
    }
}
