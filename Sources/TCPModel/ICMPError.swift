// ICMP errors about TCP segments: their meaning, the quoted segment, and how Linux reacts to them.

/// An ICMP error that quotes a TCP segment (RFC 792, RFC 4443).
public struct ICMPError: BitwiseCopyable, Sendable, Equatable {
    /// The sender of the error: a router on the path, or the segment's receiver.
    public var sender: IPAddress
    /// The quoted segment's four-tuple. Its source is the receiver of the error.
    public var quoted: FourTuple
    /// SEG.SEQ of the quoted segment.
    public var sequence: SequenceNumber
    /// The ICMP type.
    public var type: UInt8
    /// The ICMP code.
    public var code: UInt8
    /// MTU of the next hop in octets if the packet was too big; 0 if not reported (routers before RFC 1191).
    public var nextHopMTU: UInt32

    /// An error from its fields.
    public init(
        sender: IPAddress, quoted: FourTuple, sequence: SequenceNumber, type: UInt8, code: UInt8, nextHopMTU: UInt32 = 0
    ) {
        self.sender = sender
        self.quoted = quoted
        self.sequence = sequence
        self.type = type
        self.code = code
        self.nextHopMTU = nextHopMTU
    }

    /// Which kind of error it is.
    public var kind: Kind { Kind(isIPv4: quoted.source.address.isV4, type: type, code: code) }

    /// Whether Linux drops a connection request that it has answered with a SYN-ACK when that SYN-ACK causes this error
    /// (`tcp_v4_err`, and `icmpv6_err_convert` for IPv6).
    public var endsRequest: Bool {
        switch kind {
        case .networkUnreachable, .hostUnreachable: quoted.source.address.isV4 && type == 3 && code <= 1
        case .hopLimitExceeded, .reassemblyTimeExceeded: quoted.source.address.isV4
        case .prohibited, .portUnreachable: !quoted.source.address.isV4
        case .parameterProblem: true
        case .other, .protocolUnreachable, .packetTooBig, .sourceRouteFailed, .beyondScope, .sourceQuench, .redirect,
            .networkProhibited, .hostProhibited, .hostUnknown, .sourceIsolated:
            false
        }
    }

    /// The meaning of an error, named as in IANA's registries; one case for both versions where they mean the same.
    public enum Kind: UInt8, CaseIterable, BitwiseCopyable, Sendable {
        /// Any error not listed below.
        case other
        /// 3/0, 3/6, 3/11; in ICMPv6 1/0.
        case networkUnreachable
        /// 3/1, 3/12; in ICMPv6 1/3.
        case hostUnreachable
        /// 3/2.
        case protocolUnreachable
        /// 3/3; in ICMPv6 1/4.
        case portUnreachable
        /// 3/4; in ICMPv6 2.
        case packetTooBig
        /// 3/5.
        case sourceRouteFailed
        /// 3/7.
        case hostUnknown
        /// 3/8: obsolete (RFC 1812 5.2.7.1).
        case sourceIsolated
        /// 3/9: a firewall prohibits traffic to the network.
        case networkProhibited
        /// 3/10: a firewall prohibits traffic to the host.
        case hostProhibited
        /// 3/13 to 3/15; in ICMPv6 1/1, 1/5, 1/6: a firewall prohibits the traffic.
        case prohibited
        /// ICMPv6 1/2.
        case beyondScope
        /// 4: deprecated (RFC 6633).
        case sourceQuench
        /// 5.
        case redirect
        /// 11/0; in ICMPv6 3/0.
        case hopLimitExceeded
        /// 11/1; in ICMPv6 3/1.
        case reassemblyTimeExceeded
        /// 12; in ICMPv6 4.
        case parameterProblem

        /// The kind of this type and code.
        public init(isIPv4: Bool, type: UInt8, code: UInt8) {
            switch (isIPv4, type, code) {
            case (true, 3, 0), (true, 3, 6), (true, 3, 11), (false, 1, 0): self = .networkUnreachable
            case (true, 3, 1), (true, 3, 12), (false, 1, 3): self = .hostUnreachable
            case (true, 3, 7): self = .hostUnknown
            case (true, 3, 8): self = .sourceIsolated
            case (true, 3, 2): self = .protocolUnreachable
            case (true, 3, 3), (false, 1, 4): self = .portUnreachable
            case (true, 3, 4), (false, 2, _): self = .packetTooBig
            case (true, 3, 5): self = .sourceRouteFailed
            case (true, 3, 9): self = .networkProhibited
            case (true, 3, 10): self = .hostProhibited
            case (true, 3, 13...15), (false, 1, 1), (false, 1, 5), (false, 1, 6): self = .prohibited
            case (false, 1, 2): self = .beyondScope
            case (true, 4, _): self = .sourceQuench
            case (true, 5, _): self = .redirect
            case (true, 11, 0), (false, 3, 0): self = .hopLimitExceeded
            case (true, 11, 1), (false, 3, 1): self = .reassemblyTimeExceeded
            case (true, 12, _), (false, 4, _): self = .parameterProblem
            default: self = .other
            }
        }

        /// For programs: snake_case.
        public var name: StaticString {
            switch self {
            case .other: "other"
            case .networkUnreachable: "net_unreachable"
            case .hostUnreachable: "host_unreachable"
            case .protocolUnreachable: "protocol_unreachable"
            case .portUnreachable: "port_unreachable"
            case .hostUnknown: "host_unknown"
            case .sourceIsolated: "source_isolated"
            case .packetTooBig: "packet_too_big"
            case .sourceRouteFailed: "source_route_failed"
            case .networkProhibited: "net_prohibited"
            case .hostProhibited: "host_prohibited"
            case .prohibited: "prohibited"
            case .beyondScope: "beyond_scope"
            case .sourceQuench: "source_quench"
            case .redirect: "redirect"
            case .hopLimitExceeded: "hop_limit_exceeded"
            case .reassemblyTimeExceeded: "reassembly_time_exceeded"
            case .parameterProblem: "parameter_problem"
            }
        }

        /// For people.
        public var displayName: StaticString {
            switch self {
            case .other: "error"
            case .networkUnreachable: "net unreachable"
            case .hostUnreachable: "host unreachable"
            case .protocolUnreachable: "protocol unreachable"
            case .portUnreachable: "port unreachable"
            case .hostUnknown: "host unknown"
            case .sourceIsolated: "source host isolated"
            case .packetTooBig: "packet too big"
            case .sourceRouteFailed: "source route failed"
            case .networkProhibited: "net prohibited"
            case .hostProhibited: "host prohibited"
            case .prohibited: "admin prohibited"
            case .beyondScope: "beyond scope of source"
            case .sourceQuench: "source quench"
            case .redirect: "redirect"
            case .hopLimitExceeded: "TTL exceeded"
            case .reassemblyTimeExceeded: "reassembly timed out"
            case .parameterProblem: "parameter problem"
            }
        }

        /// The error that connect() returns on Linux if this error ends the attempt (`icmp_err_convert`,
        /// `tab_unreach`), or nil if it does not. Every error ends an attempt except those about the path MTU,
        /// redirects and source quenches.
        public func connectError(isIPv4: Bool) -> LinuxErrno? {
            switch self {
            case .networkUnreachable, .networkProhibited: .networkUnreachable
            case .hostUnreachable, .hostProhibited, .beyondScope, .hopLimitExceeded, .reassemblyTimeExceeded:
                .hostUnreachable
            case .protocolUnreachable: .protocolUnavailable
            case .portUnreachable: .connectionRefused
            case .hostUnknown: .hostDown
            case .sourceIsolated: .noNetwork
            case .sourceRouteFailed: .notSupported
            case .prohibited: isIPv4 ? .hostUnreachable : .accessDenied
            case .parameterProblem: .protocolError
            case .other, .packetTooBig, .sourceQuench, .redirect: nil
            }
        }
    }
}
