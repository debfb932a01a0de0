// Headers that the reader of a replay hands to its parts: whatever their length, the copy decodes to the same segment.

import TCPModel
import TCPWire
import Testing

@testable import TraceSession

@Suite struct ReplayItemTests {
    /// The segment of an item, decoded as its part does.
    private func segment(of item: ReplayItem, _ version: PlainHeaders.Version) -> Segment {
        var item = item
        item.content = version == .ipv4 ? .ipv4 : .ipv6
        var segment = Segment.blank
        unsafe withUnsafePointer(to: item) { items in
            unsafe withUnsafePointer(to: Segment.blank) { segments in
                // There is one item, and it refers to no decoded segment; both live through the call.
                unsafe ReplayShare(items: items, count: 1, segments: segments).decode(0, into: &segment)
            }
        }
        return segment
    }

    @Test func noMoreIsDecodedThanThereIs() {
        // Another process may be writing to the file: the data offset may now say 60 octets, although only 56 fit
        // behind the IPv6 header.
        for count in [40, 60, 80, 96] {
            var item = ReplayItem()
            let longest = [UInt8](repeating: 0xff, count: 14 + 96)
            // Every octet of an array of UInt8 is initialized, and the array lives through the call.
            unsafe item.copyHeaders(longest.span.bytes, from: 14, count: count)
            #expect(segment(of: item, .ipv6).headerLength == (count > 52 ? 60 : 0))
        }
    }

    @Test func headersOfEveryLengthArriveWhole() throws {
        for version in [PlainHeaders.Version.ipv4, .ipv6] {
            for words in UInt8(5)...15 {
                let count = version.length + Int(words) * 4
                guard count <= PlainHeaders.most else { continue }
                var octets = (0..<count).map { UInt8(truncatingIfNeeded: 0x40 &+ $0 &* 37) }
                octets[version.length + 12] = words << 4
                // The headers lie at the end of the memory, with a varying number of octets before them.
                for before in [0, 1, 14, 18] {
                    let frame = [UInt8](repeating: 0xff, count: before) + octets
                    var item = ReplayItem()
                    // Every octet of an array of UInt8 is initialized, and the arrays live through the calls.
                    unsafe item.copyHeaders(frame.span.bytes, from: before, count: count)
                    let padded = octets + [UInt8](repeating: 0, count: PlainHeaders.most - count)
                    let expected = unsafe PlainHeaders.segment(padded.span.bytes, version)
                    #expect("\(segment(of: item, version))" == "\(expected)", "\(version) \(count) \(before)")
                }
            }
        }
    }
}
