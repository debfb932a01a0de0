// Checksums: right, wrong, left to the network card, and of segments that were not captured in full.

import TCPModel
import TCPWire
import Testing

/// The ones' complement sum of 16-bit numbers, computed in the slow and obvious way of RFC 1071.
private func sum(_ octets: [UInt8]) -> Int {
    let padded = octets.count % 2 == 0 ? octets : octets + [0]
    return stride(from: 0, to: padded.count, by: 2).reduce(0) { total, at in
        let next = total + Int(padded[at]) << 8 + Int(padded[at + 1])
        return next & 0xffff + next >> 16
    }
}

@Suite("Checksums") struct ChecksumTests {
    private static func pseudo(_ packet: [UInt8], _ length: Int) -> Int {
        packet[0] >> 4 == 4
            ? sum(Array(packet[12..<20]) + [0, 6] + big16(length))
            : sum(Array(packet[8..<40]) + big32(length) + [0, 0, 0, 6])
    }

    /// A packet whose checksums are right.
    private static func right(_ text: Int, isIPv4: Bool, options: [UInt8] = []) -> [UInt8] {
        var segment = tcp(flags: 0x018) + (0..<text).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        segment.replaceSubrange(16..<18, with: [0, 0])
        var packet = isIPv4 ? ipv4(segment.count, options: options) : ipv6(segment.count)
        let field = ~(sum(big16(pseudo(packet, segment.count)) + segment)) & 0xffff
        segment.replaceSubrange(16..<18, with: big16(field))
        if isIPv4 { packet.replaceSubrange(10..<12, with: big16(~sum(packet) & 0xffff)) }
        return packet + segment
    }

    private func isBad(_ packet: [UInt8], original: Int? = nil) throws -> Bool {
        let header = FrameHeader(
            time: Timestamp(nanoseconds: 0), capturedLength: UInt32(packet.count),
            originalLength: UInt32(original ?? packet.count), linkType: .raw)
        // Every octet of an array of UInt8 is initialized.
        let decoded = try decodeFrame(unsafe packet.span.bytes, header, verifyingChecksums: true)
        guard case .segment(let segment) = decoded else { throw NotASegment(other: .udp) }
        return segment.remarks.contains(.badChecksum)
    }

    @Test("right ones, of every length", arguments: [true, false])
    func right(isIPv4: Bool) throws {
        for text in Array(0...40) + [1459, 1460, 9000] {
            #expect(try !isBad(Self.right(text, isIPv4: isIPv4)), "\(text)")
        }
        #expect(try !isBad(Self.right(5, isIPv4: true, options: hex("94040000"))))
    }

    @Test("one wrong bit anywhere in the segment or its pseudo-header", arguments: [true, false])
    func wrong(isIPv4: Bool) throws {
        let packet = Self.right(9, isIPv4: isIPv4)
        let start = isIPv4 ? 20 : 40
        // The data offset and, for IPv4, the IP header are left to other tests: damage there changes more than the TCP
        // checksum.
        for at in (isIPv4 ? start..<packet.count : 8..<packet.count) where at != start + 12 {
            for bit in 0..<8 {
                var damaged = packet
                damaged[at] ^= 1 << UInt8(bit)
                #expect(try isBad(damaged), "\(at) \(bit)")
                #expect(try segment(damaged, .raw).remarks == [], "not verified unless asked")
            }
        }
    }

    @Test("the IPv4 header's own; 0 is left to the network card")
    func header() throws {
        var packet = Self.right(0, isIPv4: true)
        packet[8] ^= 0x01
        #expect(try isBad(packet))
        packet.replaceSubrange(10..<12, with: [0, 0])
        #expect(try !isBad(packet))
    }

    @Test("the pseudo-header's sum alone is offload (X10)", arguments: [true, false])
    func offload(isIPv4: Bool) throws {
        var packet = Self.right(1000, isIPv4: isIPv4)
        let start = isIPv4 ? 20 : 40
        for length in [packet.count - start, 0] {
            packet.replaceSubrange(start + 16..<start + 18, with: big16(Self.pseudo(packet, length)))
            #expect(try !isBad(packet))
        }
        packet.replaceSubrange(start + 16..<start + 18, with: big16(Self.pseudo(packet, 3)))
        #expect(try isBad(packet))
    }

    @Test("what was not captured as a whole, or whose length is a guess, is not verified")
    func partial() throws {
        var packet = Self.right(100, isIPv4: true)
        packet[60] ^= 1
        #expect(try isBad(packet))
        #expect(try !isBad(Array(packet.dropLast()), original: packet.count))
        #expect(try isBad(packet + [0, 0, 0]), "padding is no part of it")
    }
}
