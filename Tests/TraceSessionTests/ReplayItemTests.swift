// Headers handed from the reader of a replay to its parts: whatever their length, the copy says the same.

import TCPModel
import TCPWire
import Testing

@testable import TraceSession

@Suite struct ReplayItemTests {
    @Test func noMoreIsCopiedThanThereIs() {
        // A file that is written to while it is read may say another length the second time.
        for count in [0, 20, 39, 60, 96, 1000, .max] {
            var item = ReplayItem()
            let frame = [UInt8](repeating: 0x45, count: 14 + 52)
            // Every octet of an array of UInt8 is initialized, and the array lives through the call.
            unsafe item.copyHeaders(frame.span.bytes, from: 14, count: count)
            #expect(item.plainSegment(.ipv4).sequence.rawValue == 0x4545_4545)
            // More TCP header than there is room for behind IPv6's.
            let longest = [UInt8](repeating: 0xff, count: 14 + 96)
            unsafe item.copyHeaders(longest.span.bytes, from: 14, count: count)
            #expect(item.plainSegment(.ipv6).headerLength == (count > 52 ? 60 : 0))
        }
    }

    @Test func headersOfEveryLengthArriveWhole() throws {
        for version in [PlainHeaders.Version.ipv4, .ipv6] {
            for words in UInt8(5)...15 {
                let count = version.length + Int(words) * 4
                guard count <= PlainHeaders.most else { continue }
                var octets = (0..<count).map { UInt8(truncatingIfNeeded: 0x40 &+ $0 &* 37) }
                octets[version.length + 12] = words << 4
                // At the end of the memory, and with something before them.
                for before in [0, 1, 14, 18] {
                    let frame = [UInt8](repeating: 0xff, count: before) + octets
                    var item = ReplayItem()
                    // Every octet of an array of UInt8 is initialized, and the arrays live through the calls.
                    unsafe item.copyHeaders(frame.span.bytes, from: before, count: count)
                    let padded = octets + [UInt8](repeating: 0, count: PlainHeaders.most - count)
                    let expected = unsafe PlainHeaders.segment(padded.span.bytes, version)
                    #expect("\(item.plainSegment(version))" == "\(expected)", "\(version) \(count) \(before)")
                }
            }
        }
    }
}
