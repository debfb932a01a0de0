// The Internet checksum (RFC 1071) of TCP segments and IPv4 headers, and the values that offload leaves in its place.

import TCPModel

/// Offsets of the checksums in their headers.
private enum ChecksumOffset {
    static let ipv4 = 10
    static let tcp = 16
}

extension RawSpan {
    /// The unfolded sum of the octets from `start` to `end` as 16-bit numbers; an odd last octet is padded with 0. At
    /// most 2^31 octets, so that the sum cannot overflow.
    fileprivate func checksumSum(_ start: Int, _ end: Int) -> UInt64 {
        var sum: UInt64 = 0
        var at = start
        while end - at >= 8 {
            let word = big64(at)
            // 2^32 is 1 modulo 2^16 - 1, so larger units may be added (RFC 1071 2 C, parallel summation).
            sum &+= word >> 32 &+ (word & 0xffff_ffff)
            at += 8
        }
        while end - at >= 2 {
            sum &+= UInt64(big16(at))
            at += 2
        }
        if end > at { sum &+= UInt64(octet(at)) << 8 }
        return sum
    }
}

/// Folds a sum of 16-bit numbers into ones' complement.
private func folded(_ sum: UInt64) -> UInt16 {
    var sum = sum
    while sum >> 16 != 0 { sum = (sum & 0xffff) &+ sum >> 16 }
    return UInt16(truncatingIfNeeded: sum)
}

/// Whether an IPv4 header's checksum is wrong. A checksum of 0 is not: the sender left it to its network card.
@inline(never) func isBadIPv4Checksum(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int, length: Int) -> Bool {
    guard frame.captured - start >= length, bytes.big16(start + ChecksumOffset.ipv4) != 0 else { return false }
    return folded(bytes.checksumSum(start, start + length)) != 0xffff
}

/// Whether a segment was captured in full and its checksum is wrong (RFC 9293 3.1).
///
/// A segment captured before a network card computes its checksum has only the sum of the pseudo-header (Linux's
/// CHECKSUM_PARTIAL; always so on loopback), with the segment's length or with 0 (some drivers, with segmentation
/// offload). That sum is accepted.
///
/// Takes plain numbers, since passing the packet itself would force it into memory, on the hot path too.
@inline(never) func isBadTCPChecksum(
    _ bytes: RawSpan, captured: Int, from source: IPAddress, to destination: IPAddress, at start: Int, length: Int,
    ipLength: Int, _ remarks: SegmentRemarks
) -> Bool {
    let end = start + length
    // The length was inferred from the capture, or the segment is incomplete.
    guard captured >= end, remarks.isDisjoint(with: [.lengthFromCapture, .lengthBeyondFrame]) else {
        return false
    }
    // A routing header replaces the destination address that the checksum covers (RFC 8200 8.1), so IPv6 is verified
    // only without extension headers.
    let isIPv4 = source.isV4 && destination.isV4
    guard isIPv4 || ipLength - length == IPv6Header.length else { return false }
    var addresses: UInt64 = UInt64(IPProtocol.tcp)
    for address in [source, destination] {
        if isIPv4 {
            addresses &+= UInt64(address.v4)
        } else {
            for half in [address.high, address.low] { addresses &+= half >> 32 &+ (half & 0xffff_ffff) }
        }
    }
    let pseudoHeader = addresses &+ UInt64(length)
    if folded(pseudoHeader &+ bytes.checksumSum(start, end)) == 0xffff { return false }
    let field = bytes.big16(start + ChecksumOffset.tcp)
    return field != folded(pseudoHeader) && field != folded(addresses)
}
