// What the IP header tells the TCP decoder, the same for both versions; and the IP protocol numbers.

import TCPModel

/// One IP packet, up to its transport header.
struct NetworkPacket: BitwiseCopyable {
    /// Whether a TCP header is next; if not, only `other` is meaningful.
    var isTCP: Bool
    /// What is next if not TCP.
    var other: OtherTraffic
    /// The sender.
    var source: IPAddress
    /// The receiver.
    var destination: IPAddress
    /// Where the transport header starts.
    var offset: Int
    /// Octets from there to the end of the IP packet.
    var length: Int
    /// Octets of the whole IP packet.
    var ipLength: Int
    /// IPv4 identification, or 0.
    var identification: UInt16
    /// TTL or hop limit.
    var hopLimit: UInt8
    /// What there is to remark so far.
    var remarks: SegmentRemarks
    /// Which field `length` comes from.
    var limit: DecodeError.Limit

    @inline(__always) init(
        tcpAt offset: Int, length: Int, limit: DecodeError.Limit, source: IPAddress, destination: IPAddress,
        ipLength: Int, identification: UInt16, hopLimit: UInt8, remarks: SegmentRemarks
    ) {
        self.isTCP = true
        self.other = .otherTransport
        self.source = source
        self.destination = destination
        self.offset = offset
        self.length = length
        self.ipLength = ipLength
        self.identification = identification
        self.hopLimit = hopLimit
        self.remarks = remarks
        self.limit = limit
    }

    @inline(__always) init(other: OtherTraffic) {
        self.init(
            tcpAt: 0, length: 0, limit: .frame, source: IPAddress(high: 0, low: 0),
            destination: IPAddress(high: 0, low: 0), ipLength: 0, identification: 0, hopLimit: 0,
            remarks: SegmentRemarks(rawValue: 0))
        self.isTCP = false
        self.other = other
    }

    /// A packet of another protocol.
    @inline(never) init(notTCP protocolNumber: UInt8) {
        switch protocolNumber {
        case IPProtocol.udp: self.init(other: .udp)
        case IPProtocol.icmp, IPProtocol.icmpV6: self.init(other: .icmp)
        case IPProtocol.ipInIP, IPProtocol.ipv6InIP, IPProtocol.gre: self.init(other: .tunnel)
        default: self.init(other: .otherTransport)
        }
    }
}

/// IP protocol numbers and IPv6 next header values (IANA's "Assigned Internet Protocol Numbers").
enum IPProtocol {
    static let hopByHop: UInt8 = 0
    static let icmp: UInt8 = 1
    static let ipInIP: UInt8 = 4
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17
    static let ipv6InIP: UInt8 = 41
    static let routing: UInt8 = 43
    static let fragment: UInt8 = 44
    static let gre: UInt8 = 47
    static let authentication: UInt8 = 51
    static let icmpV6: UInt8 = 58
    static let destinationOptions: UInt8 = 60
    static let mobility: UInt8 = 135
    static let hostIdentity: UInt8 = 139
    static let shim6: UInt8 = 140
}
