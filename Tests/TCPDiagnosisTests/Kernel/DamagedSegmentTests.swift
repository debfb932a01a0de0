// Segments that the kernel dropped for their checksum: no finding relies on what they seemed to say.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct DamagedSegmentTests {
    /// A flipped bit turns an ACK into one of octets that were never sent.
    @Test(arguments: [nil, "TCP_CSUM", "TCP_ZEROWINDOW"] as [KernelWord?])
    func E18_aBlindAckWhoseChecksumIsWrong(reason: KernelWord?) {
        let play = KernelCase(exchange + "> . 6:6 ack 1500000000\n")
        play.tellsDropEnds = true
        if let reason { play.event(7.02, .responder, .dropped(reason: reason)) }
        #expect(play.conclude(900).contains(.challengeAck) == (reason != "TCP_CSUM"), "\(play.found)")
    }

    /// A packet dropped long after the ACK was another segment.
    @Test func E18_anotherSegmentsChecksum() {
        let play = KernelCase(exchange + "> . 6:6 ack 1500000000\n0.5 > P. 6:9 ack 6\n")
        play.tellsDropEnds = true
        play.event(500.02, .responder, .dropped(reason: "TCP_CSUM"))
        #expect(play.conclude(900).contains(.challengeAck), "\(play.found)")
    }

    /// Nothing else tells of the drop: the segment was all that its sender had to say.
    @Test func E18_whatWasDroppedSaysWhy() {
        let play = KernelCase(exchange + "> . 6:6 ack 1\n")
        play.tellsDropEnds = true
        play.event(7.02, .responder, .dropped(reason: "TCP_CSUM"))
        #expect(play.conclude(900).contains(.segmentsDropped), "\(play.found)")
        #expect(
            play.message(.segmentsDropped).hasPrefix(
                "this host's kernel dropped 1 segment for the server: TCP_CSUM, its checksum is wrong: it was damaged on its way"
            ))
    }
}
