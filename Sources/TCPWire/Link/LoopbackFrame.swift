// Whether a frame was captured on a loopback interface, as far as it says itself: only there a host meets its own packets.

public import TCPModel

/// What tells frames of loopback interfaces from others.
public enum LoopbackFrame {
    /// Whether a frame may be one: it is, or nothing in it tells.
    @inline(__always) public static func mayBe(_ bytes: RawSpan, _ linkType: LinkType) -> Bool {
        switch linkType {
        case .ethernet: isEthernet(bytes)
        case .linuxSLL, .linuxSLL2: isCookedLoopback(bytes, linkType)
        default: true
        }
    }

    /// Whether a frame of Ethernet has addresses of zeros, as on Linux's `lo`.
    @inlinable @inline(__always) public static func isEthernet(_ bytes: RawSpan) -> Bool {
        // Both addresses, of six octets each, in two words that overlap.
        bytes.byteCount >= 12 && bytes.big64(0) | bytes.big64(4) == 0
    }
}
