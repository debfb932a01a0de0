// The Internet checksum (RFC 1071) of TCP segments and IPv4 headers, and what offload leaves in its place.

import TCPModel

/// Offsets of the checksums in their headers.
private enum ChecksumOffset {
    static let ipv4 = 10
    static let tcp = 16
}

extension RawSpan {
    /// The sum of the octets from `start` to `end` as 16-bit numbers, not folded yet; an odd last one is padded with 0.
    /// No more than 2^31 octets: the sum cannot overflow.
    fileprivate func checksumSum(_ start: Int, _ end: Int) -> UInt64 {
        var sum: UInt64 = 0
        var at = start
        while end - at >= 8 {
            let word = big64(at)
            // 2^32 is 1 modulo 2^16 - 1, so that larger pieces may be added first (RFC 1071 2 C, parallel summation).
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

/// A sum of 16-bit numbers in ones' complement.
private func folded(_ sum: UInt64) -> UInt16 {
    var sum = sum
    while sum >> 16 != 0 { sum = (sum & 0xffff) &+ sum >> 16 }
    return UInt16(truncatingIfNeeded: sum)
}

/// Whether an IPv4 header's checksum is wrong. 0 is what a sender leaves to its network card.
@inline(never) func isBadIPv4Checksum(_ bytes: RawSpan, _ frame: FrameExtent, at start: Int, length: Int) -> Bool {
    guard frame.captured - start >= length, bytes.big16(start + ChecksumOffset.ipv4) != 0 else { return false }
    return folded(bytes.checksumSum(start, start + length)) != 0xffff
}

/// Whether a segment's checksum (RFC 9293 3.1) is wrong although all of the segment was captured.
///
/// A segment captured on its way to a network card that computes checksums has the sum of the pseudo-header only (Linux's
/// CHECKSUM_PARTIAL; always so on loopback), with its own length or 0 (some drivers, with segmentation offload).
///
/// Takes plain numbers: the packet itself would have to go through memory for it, on the hot path too.
@inline(never) func isBadTCPChecksum(
    _ bytes: RawSpan, captured: Int, from source: IPAddress, to destination: IPAddress, at start: Int, length: Int,
    ipLength: Int, _ remarks: SegmentRemarks
) -> Bool {
    let end = start + length
    // A length that the capture had to guess, or that is not all here.
    guard captured >= end, remarks.isDisjoint(with: [.lengthFromCapture, .lengthBeyondFrame]) else {
        return false
    }
    // A routing header replaces the destination that the checksum covers (RFC 8200 8.1): only plain IPv6 is verified.
    let isIPv4 = source.isV4 && destination.isV4
    guard isIPv4 || ipLength - length == 40 else { return false }
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
