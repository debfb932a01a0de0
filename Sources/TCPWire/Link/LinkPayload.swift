// From a link type to the network header: which one, and where it starts.

import TCPModel

/// The network header of a frame: which protocol, and where it starts.
struct LinkPayload: BitwiseCopyable {
    /// The network protocols that may carry TCP, and containers of them.
    enum Network: UInt8, BitwiseCopyable {
        case none
        case ipv4
        case ipv6
        /// Several packets, see `Aggregate`.
        case aggregate
    }

    /// The network protocol.
    var network: Network
    /// Why there is none; meaningful only if `network` is `none`.
    var other: OtherTraffic
    /// Where the network header starts.
    var offset: Int

    @inline(__always) init(_ network: Network, at offset: Int) {
        self.network = network
        self.other = .otherProtocol
        self.offset = offset
    }

    @inline(__always) init(other: OtherTraffic) {
        self.network = .none
        self.other = other
        self.offset = 0
    }
}

/// Reads the link header of a frame. Ethernet is tested first, since it is the most common.
@inline(__always) func linkPayload(
    _ bytes: RawSpan, _ frame: FrameExtent, _ linkType: LinkType
) throws(DecodeError) -> LinkPayload {
    if linkType.rawValue == 1 { return try ethernetPayload(bytes, frame) }
    return try rarerLinkPayload(bytes, frame, linkType)
}

/// Reads link headers other than Ethernet.
private func rarerLinkPayload(
    _ bytes: RawSpan, _ frame: FrameExtent, _ linkType: LinkType
) throws(DecodeError) -> LinkPayload {
    switch linkType {
    case .linuxSLL: try linuxSLLPayload(bytes, frame)
    case .linuxSLL2: try linuxSLL2Payload(bytes, frame)
    case .null, .loop: try loopbackPayload(bytes, frame)
    case .raw, .rawBSD, .rawOpenBSD: try rawIPPayload(bytes, frame)
    case .ipv4: LinkPayload(.ipv4, at: 0)
    case .ipv6: LinkPayload(.ipv6, at: 0)
    case .ppp, .pppSerial: try serialStep(bytes, frame).payload(bytes, frame)
    case .pppEther: try pppoeStep(bytes, frame, at: 0).payload(bytes, frame)
    case .fddi: try fddiStep(bytes, frame).payload(bytes, frame)
    case .ciscoHDLC: try ciscoHDLCStep(bytes, frame).payload(bytes, frame)
    case .arcnetBSD: try arcnetPayload(bytes, frame, isLinux: false)
    case .arcnetLinux: try arcnetPayload(bytes, frame, isLinux: true)
    case .juniperEthernet: try juniperPayload(bytes, frame, .ethernet)
    case .juniperPPP: try juniperPayload(bytes, frame, .ppp)
    case .juniperCiscoHDLC: try juniperPayload(bytes, frame, .ciscoHDLC)
    case .wireless: try wirelessStep(bytes, frame, at: 0).payload(bytes, frame)
    case .radiotap: try radiotapStep(bytes, frame).payload(bytes, frame)
    case .prism: try oldCaptureStep(bytes, frame, mayBePrism: true).payload(bytes, frame)
    case .avs: try oldCaptureStep(bytes, frame, mayBePrism: false).payload(bytes, frame)
    default: LinkPayload(other: .unsupportedLinkType)
    }
}
