// What rows show of congestion and loss: ECN's flags, SACK blocks, timestamps.

import Testing

@Suite struct CongestionRowTests {
    @Test("H29, E9: what ECN's flags and SACK say")
    func congestionAndBlocks() {
        let text = """
            > SEW 0:0 win 64240 mss 1460 sackOK ts 100 0
            < SE. 0:0 ack 1 win 65160 mss 1460 sackOK ts 900 100
            > . 1:1 ack 1 ts 101 900
            > P. 1:11 ack 1 ts 102 900
            < E. 1:1 ack 1 sack 11:21,31:41 ts 902 101

            """
        #expect(ladder(text)[4].contains("mss 1460 ecn"), "\(ladder(text))")
        let all = ladder(text, width: 140, verbosity: 2).joined(separator: "\n")
        #expect(all.contains("sack 11:21 and 1 more"), "\(all)")
        #expect(all.contains("ts 102 ecr 900"), "\(all)")
        #expect(all.contains(" ECE"), "\(all)")
    }
}
