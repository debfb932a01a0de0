// The words on an arrow: which of them stay if there is not room for all.

import Testing

@testable import TimelineReport

@Suite struct LaneWordsTests {
    private static func words() -> LaneWords {
        var words = LaneWords()
        words.add(100) { $0.append("SYN") }
        words.add(80) { $0.append("seq 0") }
        words.add(20) { $0.append("win 65535") }
        words.add(40) { $0.append("mss 1460") }
        words.add(remark: "(other ISN)")
        return words
    }

    private static func text(_ room: Int) -> String {
        var words = words()
        words.fit(room)
        return String(decoding: words.bytes, as: UTF8.self)
    }

    @Test func theLeastNeededGoesFirst() {
        #expect(Self.text(43) == "SYN seq 0 win 65535 mss 1460  (other ISN)")
        #expect(Self.text(41) == "SYN seq 0 win 65535 mss 1460  (other ISN)")
        #expect(Self.text(40) == "SYN seq 0 mss 1460  (other ISN)")
        #expect(Self.text(30) == "SYN seq 0  (other ISN)")
        #expect(Self.text(21) == "SYN  (other ISN)")
        // The remark does not fit, although words of less weight do.
        #expect(Self.text(15) == "SYN seq 0")
        #expect(Self.text(8) == "SYN")
    }

    @Test func theFirstOneStaysAndIsCut() {
        #expect(Self.text(2) == "SY")
        #expect(Self.text(0) == "S")
        #expect(Self.text(-5) == "S")
    }

    @Test func whatIsLeftOutIsKept() {
        var words = Self.words()
        words.fit(30)
        #expect(String(decoding: words.rest.bytes, as: UTF8.self) == " win 65535 mss 1460")
        words.clear()
        #expect(words.rest.count == 0)
    }

    @Test func theMemoryIsUsedAgain() {
        var words = Self.words()
        words.clear()
        #expect(words.count == 0)
        words.add(100) { $0.append("ACK") }
        words.add(90, spacing: "  ") { $0.append("(answer)") }
        #expect(String(decoding: words.bytes, as: UTF8.self) == "ACK  (answer)")
    }

    @Test func textIsIndentedInPlace() {
        var buffer = OutputBuffer()
        buffer.append("+")
        buffer.append("12.5ms")
        buffer.indent(from: 1, to: 9)
        buffer.append("|")
        #expect(String(decoding: buffer.bytes, as: UTF8.self) == "+   12.5ms|")
        // The text is wide enough already, and there is nothing to move.
        buffer.indent(from: 1, to: 3)
        buffer.indent(from: buffer.count, to: 2)
        #expect(String(decoding: buffer.bytes, as: UTF8.self) == "+   12.5ms|  ")
    }

    /// The text is about as long as the indentation, so that source and destination overlap in every way.
    @Test func indentingKeepsEveryOctet() {
        for width in 0..<40 {
            for columns in 0..<90 {
                var buffer = OutputBuffer()
                buffer.append("head ")
                let letters = (0..<width).map { UInt8(0x61 + $0 % 26) }
                buffer.append(contentsOf: letters[...])
                buffer.indent(from: 5, to: columns)
                let expected = Array("head ".utf8) + Array(repeating: 0x20, count: max(0, columns - width)) + letters
                #expect(Array(buffer.bytes) == expected)
            }
        }
    }
}
