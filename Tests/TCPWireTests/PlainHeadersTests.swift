// The fast path through plain headers gives the same result as `decodeFrame`, for every sample frame: whole, cut, and
// with each octet changed.

import TCPModel
import TCPWire
import Testing

@Suite("Plain headers") struct PlainHeadersTests {
    private func told(_ decode: () throws(DecodeError) -> DecodedFrame) -> String {
        do throws(DecodeError) { return "\(try decode())" } catch { return "\(error)" }
    }

    /// What the fast path decodes from a copy of a frame's headers; nil if it leaves the frame to `decodeFrame`.
    private func plain(_ frame: [UInt8], _ link: LinkType, original: Int) -> String? {
        // Every octet of an array of UInt8 is initialized, and the arrays live through the calls.
        let bytes = unsafe frame.span.bytes
        let isUsual = link == .ethernet && PlainFrame.usualCount(bytes, originalLength: UInt32(original)) != nil
        guard let (start, count, version) = PlainFrame.headers(bytes, originalLength: UInt32(original), linkType: link)
        else {
            #expect(!isUsual)
            return nil
        }
        #expect(isUsual == (link == .ethernet && start == PlainFrame.afterEthernet && version == .ipv4))
        #expect(PlainHeaders.least...PlainHeaders.most ~= count)
        // The octets behind the headers in the copy do not matter.
        var copy = Array(frame[start..<start + count])
        copy += Array(repeating: 0xa5, count: PlainHeaders.most - count)
        let segment = unsafe PlainHeaders.segment(copy.span.bytes, version)
        #expect(segment.tuple == PlainHeaders.tuple(bytes, at: start, version))
        #expect(segment.ipIdentification == PlainHeaders.identification(bytes, at: start, version))
        return "\(DecodedFrame.segment(segment))"
    }

    @Test("the fast path says the same as the general one, whole, cut, and with each octet changed")
    func plainFrames() {
        var plainOnes: [LinkType: Int] = [:]
        for sample in sampleFrames {
            var frames = (0...sample.bytes.count).map { Array(sample.bytes.prefix($0)) }
            for at in sample.bytes.indices {
                for mask: UInt8 in [0x01, 0x04, 0x10, 0x20, 0x80, 0xff] {
                    frames.append(sample.bytes)
                    frames[frames.count - 1][at] ^= mask
                }
            }
            for frame in frames {
                guard let short = plain(frame, sample.link, original: sample.bytes.count) else { continue }
                plainOnes[sample.link, default: 0] += 1
                let long = told { () throws(DecodeError) in
                    try decode(frame, sample.link, original: sample.bytes.count)
                }
                #expect(short == long, "\(sample.name)")
            }
        }
        #expect(plainOnes[.ethernet, default: 0] > 1000, "\(plainOnes)")
        // The fast path covers every link type.
        for link in [LinkType.linuxSLL, .linuxSLL2, .null, .raw] {
            #expect(plainOnes[link, default: 0] > 100, "\(link): \(plainOnes)")
        }
    }
}
