// How long a window was shut, by what opens it and what ends it.

import Exchanges
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct ShutWindowTests {
    private let shut =
        handshake + """
            > P. 1:11 ack 1
            < . 1:1 ack 11 win 0
            0.4 > . 10:10 ack 1
            0.5 < F. 1:1 ack 11 win 0

            """

    @Test("E4: a FIN does not open the window of its sender")
    func finWithWindow0() {
        let found = findings(shut + "0.9 > . 10:10 ack 2\n1.1 < . 2:2 ack 11 win 500")
        #expect(found.map { $0.code } == [.zeroWindowStall])
        #expect(found.first?.message.contains("shut for 1") == true)
    }

    @Test("E4: a FIN asks for no room")
    func finIsNoProbe() {
        let text = handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n> F. 11:11 ack 1 win 0\n< . 1:1 ack 12\n"
        #expect(codes(text + "2.1 < F. 1:1 ack 12\n> . 12:12 ack 2 win 0") == [])
    }

    @Test("E4: text that was on its way is no probe")
    func textInFlight() {
        let text = handshake + "> P. 1:11 ack 1\n> P. 11:21 ack 1\n< . 1:1 ack 11 win 0\n> P. 11:21 ack 1\n"
        #expect(!codes(text + "8 < . 1:1 ack 21 win 500").contains(.zeroWindowStall))
    }

    @Test("E4: nor does a probe of another time vouch for an idle one")
    func probesOfAnotherTime() {
        let text =
            handshake
            + "> P. 1:11 ack 1\n< . 1:1 ack 11 win 0\n0.2 > . 10:10 ack 1\n< . 1:1 ack 11 win 500\n1 < . 1:1 ack 11 win 0\n"
        #expect(codes(text + "9 < . 1:1 ack 11 win 500") == [])
    }

    @Test("E4: a window that stays shut until a RST held the peer up all the same")
    func shutUntilReset() {
        let found = findings(
            handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11 win 0\n0.4 > . 10:10 ack 1\n3 < R 1:1", after: 9)
        #expect(found.map { $0.code }.contains(.zeroWindowStall))
        #expect(found.first?.message.contains("shut for 2.9s") == true)
    }
}
