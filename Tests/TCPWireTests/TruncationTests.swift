// Every frame cut at every length gives an error that names the place, or the same segment with fewer options.

import TCPModel
import TCPWire
import Testing

@Suite("Truncation") struct TruncationTests {
    @Test("whole frames decode", arguments: sampleFrames.indices)
    func whole(index: Int) throws {
        let sample = sampleFrames[index]
        let segment = try segment(sample.bytes, sample.link)
        #expect(segment.sequence == SequenceNumber(1000), "\(sample.name)")
        #expect(segment.remarks == [], "\(sample.name)")
    }

    @Test("cut by the snapshot length", arguments: sampleFrames.indices)
    func cutByCapture(index: Int) throws {
        let sample = sampleFrames[index]
        let whole = try segment(sample.bytes, sample.link)
        for length in 0..<sample.bytes.count {
            let cut = Array(sample.bytes.prefix(length))
            do throws(DecodeError) {
                guard case .segment(let part) = try decode(cut, sample.link, original: sample.bytes.count) else {
                    Issue.record("\(sample.name) cut at \(length) is something else")
                    continue
                }
                #expect(part.tuple == whole.tuple)
                #expect(part.sequence == whole.sequence)
                #expect(part.acknowledgment == whole.acknowledgment)
                #expect(part.flags == whole.flags)
                #expect(part.window == whole.window)
                #expect(part.payloadLength == whole.payloadLength)
                #expect(part.ipLength == whole.ipLength)
                #expect(part.headerLength == whole.headerLength)
                #expect(part.options.present.isSubset(of: whole.options.present))
                let headerCut = sample.bytes.count - Int(whole.payloadLength) > length
                #expect(part.remarks == (headerCut ? .truncatedOptions : []))
            } catch {
                #expect(error.kind == .truncated, "\(sample.name) cut at \(length): \(error)")
                #expect(error.limitedBy == .capture)
                #expect(error.offset <= length)
                #expect(error.available == length - error.offset)
                #expect(error.needed > error.available)
            }
        }
    }

    @Test("a frame that was that short on the wire", arguments: sampleFrames.indices)
    func cutOnWire(index: Int) {
        let sample = sampleFrames[index]
        for length in 0..<sample.bytes.count {
            if let error = failure(Array(sample.bytes.prefix(length)), sample.link) {
                #expect(error.kind == .truncated)
                #expect(error.limitedBy == .frame)
            }
        }
    }
}
