// Why a frame could not be decoded: a few facts, and a sentence for people made from them.

/// A frame that should hold a TCP segment, or at least an IP packet, but cannot be read.
///
/// It states which header failed and why, where the header starts, how many octets were needed and how many were
/// available, and what set that limit.
public struct DecodeError: Error, Hashable, BitwiseCopyable, Sendable {
    /// The header that could not be read.
    public enum Layer: UInt8, CaseIterable, BitwiseCopyable, Sendable {
        /// Ethernet II.
        case ethernet
        /// An 802.1Q or 802.1ad tag.
        case vlanTag
        /// Linux cooked capture, version 1.
        case linuxSLL
        /// Linux cooked capture, version 2.
        case linuxSLL2
        /// The address family before a loopback packet (NULL, LOOP).
        case loopback
        /// An MPLS label stack, or the control word of a pseudowire after it.
        case mpls
        /// A PPPoE session header.
        case pppoe
        /// PPP's address, control and protocol fields, or Cisco HDLC's header.
        case ppp
        /// An LLC header, with SNAP or without.
        case llc
        /// An FDDI header.
        case fddi
        /// An ARCNET header.
        case arcnet
        /// The header of a Juniper router's capture.
        case juniper
        /// An 802.11 header.
        case wireless
        /// A radiotap, Prism or AVS header before an 802.11 header.
        case wirelessCapture
        /// A Cisco FabricPath, VN-Tag or provider backbone header.
        case bridgeTag
        /// IP of unknown version: the first octet is missing, or its version is neither 4 nor 6.
        case ip
        /// The IPv4 header.
        case ipv4
        /// The fixed IPv6 header.
        case ipv6
        /// An IPv6 extension header.
        case ipv6Extension
        /// The IP authentication header, in IPv4.
        case authentication
        /// The network service header.
        case nsh
        /// The GRE header.
        case gre
        /// The ERSPAN header after a GRE header.
        case erspan
        /// The TCP header.
        case tcp
    }

    /// Whether the header was truncated or malformed.
    public enum Kind: Hashable, BitwiseCopyable, Sendable {
        /// The header is incomplete.
        case truncated
        /// The header is complete but impossible.
        case malformed(Reason)
    }

    /// What makes a header impossible.
    public enum Reason: UInt8, CaseIterable, BitwiseCopyable, Sendable {
        /// More VLAN tags than any network uses.
        case tooManyTags
        /// More MPLS labels than any network uses, or a stack without a bottom.
        case tooManyLabels
        /// More link headers of other kinds than any network uses.
        case tooManyLinkHeaders
        /// More nested tunnels than this decoder opens.
        case tooManyTunnels
        /// An IP version other than the one that the preceding header announced.
        case ipVersion
        /// An IPv4 header length below 20 octets.
        case headerLength
        /// An IPv4 total length below the header's own length.
        case totalLength
        /// More IPv6 extension headers than any host sends.
        case tooManyExtensionHeaders
        /// A TCP data offset below 20 octets.
        case dataOffset
        /// A TCP data offset beyond the end of the IP packet.
        case dataOffsetBeyondPacket
    }

    /// What limited the octets available.
    public enum Limit: UInt8, CaseIterable, BitwiseCopyable, Sendable {
        /// The capture: its snapshot length cut the frame.
        case capture
        /// The frame itself was that short on the wire.
        case frame
        /// The IPv4 total length field.
        case ipv4Length
        /// The IPv6 payload length field.
        case ipv6Length
        /// The IPv6 jumbo payload option.
        case jumboLength
        /// A length field of the packet around the innermost tunnel.
        case outerLength
        /// The end of a packet's last fragment.
        case fragments
        /// A length field of the header itself (data offset, IHL), or a limit of this decoder.
        case header
    }

    /// The header that failed.
    public var layer: Layer
    /// What is wrong with it.
    public var kind: Kind
    /// Where that header starts, in octets from the start of the frame.
    public var offset: Int
    /// Octets needed from `offset` on; for `tooMany...` the number of headers, for `ipVersion` the version expected.
    public var needed: Int
    /// Octets available; for `tooMany...` the most headers that are read, for `ipVersion` the version found.
    public var available: Int
    /// What limited the octets available.
    public var limitedBy: Limit

    /// The error with these facts.
    public init(layer: Layer, kind: Kind, offset: Int, needed: Int, available: Int, limitedBy: Limit) {
        self.layer = layer
        self.kind = kind
        self.offset = offset
        self.needed = needed
        self.available = available
        self.limitedBy = limitedBy
    }
}

extension DecodeError: CustomStringConvertible {
    /// One clause for people: `TCP header at octet 34 is cut: needs 20 octets, has 6 (snapshot length)`.
    public var description: String {
        switch kind {
        case .truncated:
            "\(layer.text) at octet \(offset) is cut: needs \(needed) octets, has \(available) (\(limitedBy.text))"
        case .malformed(.tooManyTags), .malformed(.tooManyExtensionHeaders), .malformed(.tooManyLabels),
            .malformed(.tooManyLinkHeaders):
            "\(layer.text) at octet \(offset): more than \(available) in a row"
        case .malformed(.tooManyTunnels):
            "\(layer.text) at octet \(offset) is inside more than \(available) tunnels"
        case .malformed(.ipVersion):
            "\(layer.text) at octet \(offset): version \(available)"
                + (needed == 0 ? " is neither 4 nor 6" : " where \(needed) was announced")
        case .malformed(.headerLength), .malformed(.dataOffset):
            "\(layer.text) at octet \(offset) says it is \(available) octets long; the least is \(needed)"
        case .malformed(.totalLength):
            "\(layer.text) at octet \(offset) says the packet has \(available) octets; its header alone has \(needed)"
        case .malformed(.dataOffsetBeyondPacket):
            "\(layer.text) at octet \(offset) says it is \(needed) octets long; \(available) are left "
                + "(\(limitedBy.text))"
        }
    }
}

extension DecodeError.Layer {
    /// For people.
    var text: StaticString {
        switch self {
        case .ethernet: "Ethernet header"
        case .vlanTag: "VLAN tag"
        case .linuxSLL: "Linux cooked header"
        case .linuxSLL2: "Linux cooked v2 header"
        case .loopback: "loopback header"
        case .mpls: "MPLS label stack"
        case .pppoe: "PPPoE header"
        case .ppp: "PPP header"
        case .llc: "LLC header"
        case .fddi: "FDDI header"
        case .arcnet: "ARCNET header"
        case .juniper: "Juniper header"
        case .wireless: "802.11 header"
        case .wirelessCapture: "header before 802.11"
        case .bridgeTag: "bridge tag"
        case .ip: "IP header"
        case .ipv4: "IPv4 header"
        case .ipv6: "IPv6 header"
        case .ipv6Extension: "IPv6 extension header"
        case .authentication: "authentication header"
        case .nsh: "NSH header"
        case .gre: "GRE header"
        case .erspan: "ERSPAN header"
        case .tcp: "TCP header"
        }
    }
}

extension DecodeError.Limit {
    /// For people.
    var text: StaticString {
        switch self {
        case .capture: "snapshot length"
        case .frame: "end of the frame"
        case .ipv4Length: "IPv4 total length"
        case .ipv6Length: "IPv6 payload length"
        case .jumboLength: "IPv6 jumbo payload length"
        case .outerLength: "length of the packet around the tunnel"
        case .fragments: "end of the last fragment"
        case .header: "header length"
        }
    }
}

extension DecodeError {
    /// The error for a malformed header. Out of line, to keep the path of good frames short.
    @inline(never) static func malformed(
        _ layer: Layer, _ reason: Reason, at offset: Int, needed: Int, available: Int, limitedBy: Limit = .header
    ) -> DecodeError {
        DecodeError(
            layer: layer, kind: .malformed(reason), offset: offset, needed: needed, available: available,
            limitedBy: limitedBy)
    }

    /// The error for a header that a length field cuts off. Out of line, to keep the path of good frames short.
    @inline(never) static func truncated(
        _ layer: Layer, at offset: Int, needed: Int, available: Int, limitedBy: Limit
    ) -> DecodeError {
        DecodeError(
            layer: layer, kind: .truncated, offset: offset, needed: needed, available: available, limitedBy: limitedBy)
    }
}
