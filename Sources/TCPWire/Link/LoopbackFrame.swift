// Whether a frame was captured on a loopback interface, as far as the frame itself shows: only there does a host see
// its own packets again.

public import TCPModel

/// Tells frames of loopback interfaces from others.
public enum LoopbackFrame {
    /// Whether a frame may come from a loopback interface: it does, or nothing in it says otherwise.
    @inline(__always) public static func mayBe(_ bytes: RawSpan, _ linkType: LinkType) -> Bool {
        switch linkType {
        case .ethernet: isEthernet(bytes)
        case .linuxSLL, .linuxSLL2: isCookedLoopback(bytes, linkType)
        default: true
        }
    }

    /// Whether both addresses of an Ethernet frame are all zeros, as on Linux's `lo`.
    @inlinable @inline(__always) public static func isEthernet(_ bytes: RawSpan) -> Bool {
        // Two overlapping words cover both addresses, of six octets each.
        bytes.byteCount >= 12 && bytes.big64(0) | bytes.big64(4) == 0
    }
}
