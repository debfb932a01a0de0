// Decoding to a place says the same as decoding to a value: every sample frame, whole, cut, and with each octet changed.

import TCPModel
import TCPWire
import Testing

@Suite("Decoding to a place") struct DecodeIntoTests {
    private func told(_ decode: () throws(DecodeError) -> DecodedFrame) -> String {
        do throws(DecodeError) { return "\(try decode())" } catch { return "\(error)" }
    }

    @Test("the same as a value", arguments: sampleFrames.indices)
    func same(index: Int) {
        let sample = sampleFrames[index]
        var frames = (0...sample.bytes.count).map { Array(sample.bytes.prefix($0)) }
        for at in sample.bytes.indices {
            for mask: UInt8 in [0x01, 0x20, 0xff] {
                frames.append(sample.bytes)
                frames[frames.count - 1][at] ^= mask
            }
        }
        for frame in frames {
            let value = told { () throws(DecodeError) in
                try decode(frame, sample.link, original: sample.bytes.count)
            }
            let place = told { () throws(DecodeError) in
                try decodeToPlace(frame, sample.link, original: sample.bytes.count)
            }
            #expect(value == place, "\(sample.name)")
        }
    }
}
