// A SYN that a TIME_WAIT takes for an old one, as the kernel reports.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct OldStampTests {
    /// The previous connection was not captured: the kernel's reason is enough.
    @Test func H18_anOldTimeStampInTimeWait() {
        let play = KernelCase("> S 0:0\n< . 7000:7000 ack 90000\n")
        play.tellsDropEnds = true
        play.event(0.2, .responder, .dropped(reason: "TCP_RFC7323_TW_PAWS"))
        play.feed("> R 90000:90000\n0.01 > S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1")
        #expect(play.conclude(900) == [.portReused], "\(play.found)")
        #expect(
            play.message(.portReused).hasPrefix(
                "the same ports were used again, after a connection that was not captured; the server was still in"
                    + " TIME_WAIT after it, and answered the SYN with an ACK of the old numbers, because the SYN's"
                    + " timestamp was older than the last one seen there (PAWS; "
            ),
            "\(play.found)")
        #expect(play.found.first?.evidence.isEmpty == true)
    }
}
