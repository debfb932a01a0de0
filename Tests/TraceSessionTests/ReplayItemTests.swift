// Headers handed from the reader of a replay to its parts: whatever their length, the copy says the same.

import TCPModel
import TCPWire
import Testing

@testable import TraceSession

@Suite struct ReplayItemTests {
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
