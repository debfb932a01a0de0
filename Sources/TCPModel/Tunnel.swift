// The tunnels that a segment may have come through, by name.

/// A way to carry IP packets inside IP packets. VLAN tags, MPLS, PPPoE and the like are link layers, not tunnels.
///
/// With nested tunnels, a segment's tunnel is the innermost one: the one that the network stack next to the segment's
/// endpoints put it into.
public enum Tunnel: UInt8, CaseIterable, BitwiseCopyable, Sendable {
    /// No tunnel.
    case none
    /// Generic routing encapsulation (RFC 2784), including PPTP's variant (RFC 2637) and GRE in UDP (RFC 8086).
    case gre
    /// A mirrored frame in GRE: ERSPAN type I, II or III.
    case erspan
    /// IPv4 in IPv4 (RFC 2003), and either version in IPv6 (RFC 2473).
    case ipip
    /// IPv6 in IPv4 (RFC 4213), including 6to4 and ISATAP.
    case sixInFour
    /// VXLAN (RFC 7348), its generic protocol extension, and OTV, which has the same layout.
    case vxlan
    /// Geneve (RFC 8926).
    case geneve
    /// The user plane of the GPRS tunnelling protocol (3GPP TS 29.281).
    case gtp
    /// Teredo (RFC 4380).
    case teredo
    /// AYIYA (draft-massar-v6ops-ayiya-02).
    case ayiya
    /// L2TP, version 2 (RFC 2661).
    case l2tp
    /// CAPWAP's data channel (RFC 5415), between a wireless access point and its controller.
    case capwap

    /// For programs: snake_case.
    public var name: StaticString {
        switch self {
        case .none: "none"
        case .gre: "gre"
        case .erspan: "erspan"
        case .ipip: "ipip"
        case .sixInFour: "six_in_four"
        case .vxlan: "vxlan"
        case .geneve: "geneve"
        case .gtp: "gtp"
        case .teredo: "teredo"
        case .ayiya: "ayiya"
        case .l2tp: "l2tp"
        case .capwap: "capwap"
        }
    }
}
