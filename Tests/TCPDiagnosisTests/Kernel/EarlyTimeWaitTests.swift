// A TIME_WAIT that no timer ended.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct EarlyTimeWaitTests {
    @Test func aTimeWaitThatIsGoneEarly() {
        func isEarly(_ milliseconds: Double) -> Bool? {
            let play = KernelCase(handshake + "> F. 1:1 ack 1\n< F. 1:1 ack 2\n> . 2:2 ack 2")
            play.event(3, .originator, .transition(from: .finWait2, to: .closed), socket: 0xa)
            play.read(milliseconds)
            return play.read(milliseconds + 100).first {
                if case .dropped(from: .timeWait) = $0.kind { true } else { false }
            }?.isEarly
        }
        #expect(isEarly(500) == true && isEarly(61_000) == false)
    }
}
