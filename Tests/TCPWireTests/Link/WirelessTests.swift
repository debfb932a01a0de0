// 802.11 frames that cannot be read, and frames with several packets.

import TCPModel
import TCPWire
import Testing

/// Frames with two TCP segments of one connection and a segment of another connection between them.
let aggregateFrames: [(name: String, link: LinkType, bytes: [UInt8])] = {
    let first = tcp(flags: 0x018) + Array("hello".utf8)
    let other = hex("d431 0050") + Array(tcp().dropFirst(4))
    let second = Array(tcp(flags: 0x011))
    let body =
        subframe(snap + ipv4(first.count) + first) + subframe(snap + ipv4(other.count) + other)
        + subframe(hex("424203 0000000000")) + subframe(snap + ipv4(second.count) + second)
    let frame = wireless("8802", "8000") + body
    return [
        ("802.11", .wireless, frame),
        ("GRE", .ipv4, inIPv4(47, hex("0000 8240") + frame)),
        ("CAPWAP", .ipv4, inIPv4(17, udp(5247, hex("00100300 00000000") + frame))),
    ]
}()

@Suite("802.11") struct WirelessTests {
    @Test(
        "frames that carry nothing to read",
        arguments: [
            "8000", "b400", "4801", "c801", "0841", "0901",
        ])
    func others(control: String) throws {
        let packet = ipv4(20) + tcp()
        #expect(
            try other(wireless(control, control == "c801" ? "0000" : "") + snap + packet, .wireless) == .otherProtocol)
    }

    @Test("later fragments, also where the octets are swapped")
    func fragments() throws {
        let packet = ipv4(20) + tcp()
        #expect(try other(wireless("0801", sequence: "0130") + snap + packet, .wireless) == .otherProtocol)
        for (sequence, isFirst) in [("3001", false), ("0130", true)] {
            let frame = hex("00100300 00000000") + wireless("0108", sequence: sequence) + snap + packet
            let found = try decode(inIPv4(17, udp(5247, frame)), .ipv4)
            if case .segment = found { #expect(isFirst) } else { #expect(!isFirst) }
        }
    }

    @Test("a frame with a wrong check sequence is not read")
    func badCheck() throws {
        let packet = hex("0000 0900 02000000 40") + wireless("0802") + snap + ipv4(20) + tcp()
        #expect(try other(packet, .radiotap) == .otherProtocol)
    }

    @Test("several packets: the first segment and those of its connection", arguments: aggregateFrames.indices)
    func several(index: Int) throws {
        let (name, link, bytes) = aggregateFrames[index]
        let (all, leftOut) = try packets(bytes, link)
        var segments: [Segment] = []
        for case .segment(let segment) in all { segments.append(segment) }
        #expect(all.count == 3, "\(name)")
        #expect(segments.map(\.payloadLength) == [5, 0], "\(name)")
        #expect(segments.map(\.flags) == [[.ack, .psh], [.ack, .fin]], "\(name)")
        #expect(segments.allSatisfy { $0.tuple.source.port == 49152 && $0.remarks.isEmpty }, "\(name)")
        #expect(segments.allSatisfy { $0.tunnel == (index == 0 ? .none : index == 1 ? .gre : .capwap) })
        #expect(leftOut == 1, "\(name)")
    }

    @Test("several packets, cut at every length: a beginning of them", arguments: aggregateFrames.indices)
    func cut(index: Int) throws {
        let (name, link, bytes) = aggregateFrames[index]
        for length in 0..<bytes.count {
            let cut = Array(bytes.prefix(length))
            do throws(DecodeError) {
                guard case .aggregate = try decode(cut, link, original: bytes.count) else { continue }
            } catch {
                #expect(error.kind == .truncated, "\(name) cut at \(length): \(error)")
                continue
            }
            let (all, _) = try packets(cut, link, original: bytes.count)
            #expect(all.count <= 3, "\(name) cut at \(length)")
        }
    }

    @Test("lengths that lie end the reading")
    func lies() throws {
        let packet = snap + ipv4(20) + tcp()
        for length in [0, 1, 0xffff] {
            let frame = wireless("8802", "8000") + subframe(packet, length: length) + subframe(packet)
            let (all, _) = try packets(frame, .wireless)
            #expect(all.count <= 2)
        }
        // A SYN of the same connection would start another connection under the same frame number, so it is left out.
        let syn = snap + ipv4(20) + tcp(flags: 0x002)
        let (all, leftOut) = try packets(wireless("8802", "8000") + subframe(packet) + subframe(syn), .wireless)
        #expect(all.count == 1 && leftOut == 1)
    }
}

@Suite("CAPWAP") struct CAPWAPTests {
    @Test(
        "encrypted packets, keep-alives and later fragments are UDP",
        arguments: [
            "01000000", "00100308 00000000", "00100380 00010008", "00080300 00000000",
        ])
    func others(start: String) throws {
        let frame = hex(start) + wireless("0801") + snap + ipv4(20) + tcp()
        #expect(try other(inIPv4(17, udp(5247, frame)), .ipv4) == .udp)
    }

    @Test("the first fragment has the segment")
    func firstFragment() throws {
        let frame = hex("00100380 00010000") + wireless("0801") + snap + ipv4(1460) + tcp()
        let segment = try segment(inIPv4(17, udp(5247, frame)), .ipv4)
        #expect(segment.payloadLength == 1440)
        #expect(segment.remarks == .lengthBeyondFrame)
    }
}
