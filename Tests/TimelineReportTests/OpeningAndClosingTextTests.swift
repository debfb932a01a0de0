// Text in a SYN and in a FIN is data like any other, and details of -vv get a line of their own if there is no room.

import Testing

@testable import TimelineReport

@Suite struct OpeningAndClosingTextTests {
    private static let corked = """
        0.000000 > S 0:0 win 65495 mss 65495 ws 10
        0.000022 < S. 0:0 ack 1 win 65483 mss 65495 ws 10
        0.000035 > . 1:1 ack 1 win 64
        0.000334 > F. 1:301 ack 1 win 64
        0.000343 < R 1:4
        """

    @Test(arguments: [80, 100, 150]) func textBeforeAFinIsShownAsData(_ width: Int) throws {
        let row = try #require(ladder(Self.corked, width: width).first { $0.contains("FIN") })
        #expect(row.contains("FIN,ACK 300 bytes 1:301 ack 1") && !row.contains("seq"), "\(row)")
        #expect(row.contains("|== FIN,ACK ") && row.contains("=>|"), "\(row)")
    }

    /// RFC 9293 3.5.2: a RST's text explains the reset; it is not data.
    @Test func theTextOfARSTIsNone() throws {
        let row = try #require(ladder(Self.corked).first { $0.contains("RST") })
        #expect(row.contains("RST seq 1:4 --|"), "\(row)")
    }

    /// RFC 9293 3.4: the SYN takes a sequence number, and its text begins after that.
    @Test func textInASynIsCountedFromOne() throws {
        let row = try #require(ladder("0.000000 > S 0:10 win 65495 mss 1460").first { $0.contains("SYN ") })
        #expect(row.contains("|== SYN 10 bytes 1:11 win 65495 mss 1460 =="), "\(row)")
    }

    /// The SYN's window is shown too; without -vv it may be left out.
    @Test(arguments: [80, 100]) func nothingIsLeftOutOfAVeryVerboseRow(_ width: Int) throws {
        let lines = ladder(Self.corked, width: width, verbosity: 2)
        let syn = try #require(lines.firstIndex { $0.contains("- SYN seq 0") })
        let text = lines[syn...(syn + 1)].joined()
        for word in ["mss 65495", "ws 10", "win 65495"] { #expect(text.contains(word), "\(text)") }
        #expect(lines.allSatisfy { $0.count <= width })
    }
}
