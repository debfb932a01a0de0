// Seeded random damage: whatever a file contains, reading it terminates, with frames or with an error.

import CaptureBuilding
import PacketSource
import SeededRandom
import Testing

@Suite("Random damage") struct MutationTests {
    @Test("1200 mutations of pcap and pcapng never crash, and frames before the first changed byte are intact")
    func mutations() throws {
        var pcap = CaptureBytes.pcap()
        for number in 0..<5 { pcap.record(seconds: UInt32(number), fraction: 0, frame(number)) }
        let seeds = [
            pcap.bytes, PcapngReadingTests.sample(isBigEndian: false).bytes,
            PcapngReadingTests.sample(isBigEndian: true).bytes,
        ]
        var generator = SplitMix(seed: 9500)
        for bytes in seeds {
            let intact = try readAll(bytes).frames
            for _ in 0..<400 {
                var damaged = bytes
                var first = bytes.count
                for _ in 0..<Int.random(in: 1...8, using: &generator) {
                    let at = Int.random(in: 0..<bytes.count, using: &generator)
                    first = min(first, at)
                    let values: [UInt8] = [0, 1, 0x7f, 0x80, 0xff, UInt8.random(in: 0...255, using: &generator)]
                    damaged[at] = values[Int.random(in: 0..<values.count, using: &generator)]
                }
                if Bool.random(using: &generator) {
                    damaged = Array(damaged.prefix(Int.random(in: 0...damaged.count, using: &generator)))
                    first = min(first, damaged.count)
                }
                let result = try readAll(damaged)
                for (frame, original) in zip(result.frames, intact) {
                    // A frame that ends well before the first damaged byte must be unchanged.
                    guard let place = firstRange(of: original.bytes, in: bytes), place.upperBound + 16 <= first else {
                        break
                    }
                    #expect(frame.bytes == original.bytes)
                }
                if damaged.count < 4000 {
                    let piped = try readThroughPipe(damaged, piece: 64)
                    #expect(piped.frames == result.frames)
                    #expect(piped.error?.reason == result.error?.reason)
                }
            }
        }
    }

    private func firstRange(of part: [UInt8], in whole: [UInt8]) -> Range<Int>? {
        guard !part.isEmpty, part.count <= whole.count else { return nil }
        for start in 0...(whole.count - part.count) where whole[start..<start + part.count].elementsEqual(part) {
            return start..<start + part.count
        }
        return nil
    }
}
