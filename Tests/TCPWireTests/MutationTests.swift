// Damaged and random frames: the decoder never traps, and its results are consistent.

import SeededRandom
import TCPModel
import TCPWire
import Testing

@Suite("Damage") struct MutationTests {
    /// Decodes octets and checks the invariants that hold for any input.
    func check(_ bytes: [UInt8], _ link: LinkType, original: Int) {
        do throws(DecodeError) {
            let decoded = try decode(bytes, link, original: original)
            if case .aggregate(var several) = decoded { try readAll(&several, bytes) }
            guard case .segment(let segment) = decoded else { return }
            let ok =
                segment.headerLength >= 20 && segment.headerLength <= 60 && segment.options.sackBlockCount <= 4
                && segment.options.present.contains(.sack) == (segment.options.sackBlockCount > 0)
                && UInt64(segment.payloadLength) + UInt64(segment.headerLength) <= UInt64(segment.ipLength)
            if !ok { Issue.record("\(link.rawValue) \(bytes) \(original): \(segment)") }
        } catch {
            let ok =
                error.offset >= 0 && error.offset <= max(bytes.count, 1) && error.available >= 0
                && (error.kind != .truncated || error.needed > error.available)
            if !ok || error.description.isEmpty { Issue.record("\(link.rawValue) \(bytes) \(original): \(error)") }
        }
    }

    /// Reads every packet of a frame, and checks that there are not endlessly many.
    private func readAll(_ several: inout Aggregate, _ bytes: [UInt8]) throws(DecodeError) {
        var count = 0
        // Every octet of an array of UInt8 is initialized; `bytes` is unsafe because it cannot know this of other
        // element types.
        while try several.next(unsafe bytes.span.bytes) != nil { count += 1 }
        #expect(count <= bytes.count / 14)
    }

    @Test("100,000 mutations of whole frames")
    func mutations() {
        let samples = sampleFrames + aggregateFrames
        var random = SplitMix(seed: 0x7463_7074_7261_6365)
        for round in 0..<100_000 {
            let sample = samples[round % samples.count]
            var bytes = sample.bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch UInt8.random(in: 0..<4, using: &random) {
                case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: bytes[at] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
                case 2: bytes[at] = .random(in: 0...255, using: &random)
                default: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...3, using: &random)))
                }
                if bytes.isEmpty { break }
            }
            if round % 5 == 0 { bytes.removeLast(Int.random(in: 0...bytes.count, using: &random)) }
            let original = [bytes.count, sample.bytes.count, 0, 70_000, Int(UInt32.max)]
            check(bytes, sample.link, original: original[round % 7 % 5])
        }
    }

    @Test("random octets for every link type")
    func noise() {
        var random = SplitMix(seed: 42)
        let links = Set(sampleFrames.map(\.link)).union([LinkType(127), LinkType(65535)])
            .sorted { $0.rawValue < $1.rawValue }
        for link in links {
            for _ in 0..<2000 {
                var bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                // Half of the time the noise has a plausible start, so that it reaches deeper headers.
                if Bool.random(using: &random), let sample = sampleFrames.first(where: { $0.link == link }) {
                    let keep = Int.random(in: 0...min(bytes.count, 60), using: &random)
                    bytes.replaceSubrange(0..<keep, with: sample.bytes.prefix(keep))
                }
                check(bytes, link, original: bytes.count)
            }
        }
    }
}
