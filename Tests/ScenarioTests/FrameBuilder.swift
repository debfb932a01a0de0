// Builds the bytes of a segment's frames: Ethernet, IPv4 or IPv6, TCP with options, and
// correct checksums unless the scenario asks for a wrong one.

import CaptureBuilding
import TCPModel

/// How the frames of a segment differ from a single plain frame.
struct FrameWords {
    /// Octets of Ethernet padding after the IP packet.
    var padding = 0
    /// The number of octets captured of the frame; nil for all of them.
    var snapLength: Int?
    /// The frame's VLAN tag; nil for none.
    var vlan: UInt16?
    /// The TCP checksum is wrong, as in a frame captured before checksum offload.
    var badChecksum = false
    /// The length in the IP header is 0, as in a frame captured before segmentation offload.
    var zeroLength = false
    /// The packet is split into two IP fragments (IPv4 only).
    var fragmented = false
    /// The frame is captured twice.
    var twice = false
    /// The packet is IPv6, with IPv4-mapped addresses.
    var mapped = false
    /// The packet travels in a GRE tunnel.
    var tunnelled = false

    /// Applies one word of the notation; returns how many values belong to it, or nil if the word is not about frames.
    mutating func take(_ word: String, _ value: String?) -> Int? {
        let number = value.flatMap { Int($0) }
        switch word {
        case "pad":
            padding = number ?? 0
            return 1
        case "snap":
            snapLength = number
            return 1
        case "vlan":
            vlan = UInt16(number ?? 1)
            return 1
        case "badsum": badChecksum = true
        case "iplen0": zeroLength = true
        case "fragments": fragmented = true
        case "twice": twice = true
        case "mapped": mapped = true
        case "gre": tunnelled = true
        default: return nil
        }
        return 0
    }
}

/// One frame as captured.
struct BuiltFrame {
    var bytes: [UInt8]
    var originalLength: Int
}

enum FrameBuilder {
    static func frames(_ segment: Segment, _ words: FrameWords, identification: UInt16) -> [BuiltFrame] {
        let isV6 = words.mapped || !segment.tuple.source.address.isV4
        var packets: [[UInt8]]
        if isV6 {
            packets = [v6(segment, words)]
        } else if words.fragmented {
            packets = fragments(segment, words, identification)
        } else {
            packets = [v4(segment, words, identification)]
        }
        if words.tunnelled { packets = packets.map { gre($0) } }
        let type: UInt16 = isV6 && !words.tunnelled ? 0x86dd : 0x0800
        let tag = words.vlan.map { big(UInt16(0x8100)) + big($0) } ?? []
        var frames = packets.map { packet in
            // 02:... are locally administered addresses.
            let bytes: [UInt8] =
                [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1] + tag + big(type) + packet
                + [UInt8](repeating: 0, count: words.padding)
            return BuiltFrame(
                bytes: Array(bytes.prefix(words.snapLength ?? bytes.count)), originalLength: bytes.count)
        }
        if words.twice { frames += frames }
        return frames
    }

    private static func address(_ address: IPAddress, asV6: Bool) -> [UInt8] {
        asV6 ? big(address.high) + big(address.low) : big(UInt32(truncatingIfNeeded: address.low))
    }

    private static func tcp(_ segment: Segment, _ words: FrameWords, pseudoV6: Bool) -> [UInt8] {
        var bytes = tcpSegment(
            from: segment.tuple.source.port, to: segment.tuple.destination.port, sequence: segment.sequence.rawValue,
            acknowledgment: segment.acknowledgment.rawValue, flags: segment.flags.rawValue, window: segment.window,
            urgentPointer: segment.urgentPointer, options: Self.options(segment.options),
            [UInt8](repeating: 0x2e, count: Int(segment.payloadLength)))
        let ends =
            address(segment.tuple.source.address, asV6: pseudoV6)
            + address(segment.tuple.destination.address, asV6: pseudoV6)
        let sum = internetChecksum(ends + [0, 6] + big(UInt32(bytes.count)) + bytes)
        bytes.replaceSubrange(16..<18, with: big(words.badChecksum ? sum ^ 0x5555 : sum))
        return bytes
    }

    private static func v4(
        _ segment: Segment, length: Int? = nil, identification: UInt16, fragment: UInt16 = 0x4000,
        _ content: some Collection<UInt8>
    ) -> [UInt8] {
        ipv4Packet(
            from: address(segment.tuple.source.address, asV6: false),
            to: address(segment.tuple.destination.address, asV6: false), length: length,
            identification: identification, fragment: fragment, content)
    }

    private static func v4(_ segment: Segment, _ words: FrameWords, _ identification: UInt16) -> [UInt8] {
        v4(
            segment, length: words.zeroLength ? 0 : nil, identification: identification,
            tcp(segment, words, pseudoV6: false))
    }

    /// Two fragments, cut 64 octets into the segment: a multiple of eight, and beyond any TCP header (RFC 791 3.2).
    private static func fragments(_ segment: Segment, _ words: FrameWords, _ identification: UInt16) -> [[UInt8]] {
        let tcp = Self.tcp(segment, words, pseudoV6: false)
        let cut = min(tcp.count, 64)
        return [
            v4(segment, identification: identification, fragment: 0x2000, tcp[..<cut]),
            v4(segment, identification: identification, fragment: UInt16(cut / 8), tcp[cut...]),
        ]
    }

    private static func v6(_ segment: Segment, _ words: FrameWords) -> [UInt8] {
        ipv6Packet(
            from: address(segment.tuple.source.address, asV6: true),
            to: address(segment.tuple.destination.address, asV6: true), length: words.zeroLength ? 0 : nil,
            tcp(segment, words, pseudoV6: true))
    }

    /// Wraps a packet in GRE (RFC 2784), sent from 203.0.113.1 to 203.0.113.2.
    private static func gre(_ packet: [UInt8]) -> [UInt8] {
        ipv4Packet(
            from: [203, 0, 113, 1], to: [203, 0, 113, 2], protocol: 47, identification: 1, [0, 0, 8, 0] + packet)
    }

    /// An ICMP error (RFC 792), sent to the sender of `segment`; it quotes the IP header and the first eight octets.
    static func icmp(type: UInt8, code: UInt8, quoting segment: Segment) -> BuiltFrame {
        let quoted = v4(segment, FrameWords(), 1).prefix(28)
        // "Fragmentation needed" reports the next hop's MTU, here 576 octets.
        var message: [UInt8] = [type, code, 0, 0, 0, 0] + big(UInt16(type == 3 && code == 4 ? 576 : 0)) + quoted
        message.replaceSubrange(2..<4, with: big(internetChecksum(message)))
        let packet = ipv4Packet(
            from: address(segment.tuple.destination.address, asV6: false),
            to: address(segment.tuple.source.address, asV6: false), protocol: 1, identification: 1, fragment: 0, message
        )
        let bytes: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0] + packet
        return BuiltFrame(bytes: bytes, originalLength: bytes.count)
    }

    private static func options(_ options: TCPOptions) -> [UInt8] {
        var bytes: [UInt8] = []
        if options.present.contains(.maximumSegmentSize) { bytes += [2, 4] + big(options.maximumSegmentSize) }
        if options.present.contains(.sackPermitted) { bytes += [4, 2] }
        if options.present.contains(.timestamps) {
            bytes += [8, 10] + big(options.timestampValue) + big(options.timestampEchoReply)
        }
        if options.present.contains(.windowScale) { bytes += [3, 3, options.windowScale] }
        if options.present.contains(.sack) {
            bytes += [5, 2 + 8 * options.sackBlockCount]
            for index in 0..<Int(options.sackBlockCount) {
                bytes += big(options.sackBlocks[index].left.rawValue) + big(options.sackBlocks[index].right.rawValue)
            }
        }
        if options.present.contains(.fastOpen) {
            bytes += [34, 2 + options.fastOpenCookieLength]
            bytes += [UInt8](repeating: 0xc0, count: Int(options.fastOpenCookieLength))
        }
        // Always four octets, like an MP_CAPABLE of version 1 without a key: only the subtype is examined.
        if options.present.contains(.multipath) { bytes += [30, 4, options.multipathSubtype << 4 | 1, 0] }
        if options.present.contains(.md5Signature) { bytes += [19, 18] + [UInt8](repeating: 0xd5, count: 16) }
        if options.present.contains(.authentication) { bytes += [29, 16, 1, 1] + [UInt8](repeating: 0xa0, count: 12) }
        while bytes.count % 4 != 0 { bytes.append(1) }
        return bytes
    }
}
