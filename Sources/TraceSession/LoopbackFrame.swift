// Whether a frame was captured on a loopback interface, as far as it says itself: only there a host meets its own packets.

import TCPModel

/// Whether a frame may be from a loopback interface: it is, or nothing in it tells.
@inline(__always) func mayBeLoopback(_ bytes: RawSpan, _ linkType: LinkType) -> Bool {
    switch linkType {
    case .ethernet: isLoopback(ethernet: bytes)
    // Both have the hardware type (see the tcpdump registry of link types).
    case .linuxSLL: hardwareType(bytes, at: 2) == loopbackType
    case .linuxSLL2: hardwareType(bytes, at: 8) == loopbackType
    default: true
    }
}

/// Whether a frame of Ethernet has addresses of zeros, as on Linux's `lo`.
@inline(__always) func isLoopback(ethernet bytes: RawSpan) -> Bool {
    guard bytes.byteCount >= 12 else { return false }
    // Both words lie within the twelve octets that were just counted; any bits are a UInt64.
    let first = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
    let last = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt64.self)
    return first | last == 0
}

/// ARPHRD_LOOPBACK.
private let loopbackType: UInt16 = 772

private func hardwareType(_ bytes: RawSpan, at place: Int) -> UInt16 {
    guard bytes.byteCount >= place + 2 else { return 0 }
    // The two octets were just counted; any bits are a UInt16.
    return unsafe bytes.unsafeLoadUnaligned(fromByteOffset: place, as: UInt16.self).bigEndian
}
