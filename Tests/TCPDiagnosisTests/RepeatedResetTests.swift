// Several RSTs from one side: a host without the connection answers each segment with one (RFC 9293 3.10.7.1).

import Exchanges
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct RepeatedResetTests {
    @Test func E13_twoSegmentsInFlightForAnUnknownConnection() {
        let found = findings(handshake + "60 > P. 1:101 ack 1\n> P. 101:201 ack 1\n< R 1:1\n< R 1:1")
        #expect(found.map { $0.code } == [.halfOpenPeer])
        #expect(found.first?.side == .responder)
        #expect(found.first?.frames == [5, 6])
    }

    @Test func T14_twoSegmentsForASocketThatWasClosed() {
        let found = findings(
            handshake + """
                < F. 1:1 ack 1
                > . 1:1 ack 2
                > P. 1:11 ack 2
                > P. 11:21 ack 2
                < R 2:2
                < R 2:2
                """)
        #expect(found.map { $0.code } == [.resetAfterClose])
        #expect(found.first?.frames == [4, 7, 8])
        #expect(found.first?.message.contains("sent 20 octets") == true)
    }

    @Test func T14_threeSegmentsAfterTheClientsFin() {
        let found = findings(
            handshake + """
                > F. 1:1 ack 1
                < . 1:1 ack 2
                < P. 1:11 ack 2
                < P. 11:21 ack 2
                < P. 21:31 ack 2
                > R 2:2
                > R 2:2
                > R 2:2
                """)
        #expect(found.map { $0.code } == [.resetAfterClose])
        #expect(found.first?.side == .originator)
    }

    @Test func T12_anAbortAndTheAnswerToWhatCrossedIt() {
        let found = findings(
            handshake + "> P. 1:11 ack 1\n< . 1:1 ack 11\n< R. 1:1 ack 11\n> P. 11:21 ack 1\n< R 1:1")
        #expect(found.map { $0.code } == [.reset])
        #expect(found.first?.frames == [6])
    }

    /// The first RST was not obeyed, and its apparent sender continued; then a real one came.
    @Test func E16_anotherRSTEndsIt() {
        let found = findings(
            handshake + """
                < P. 1:5 ack 1
                > . 1:1 ack 5
                < R 2000000000:2000000000
                < P. 5:9 ack 1
                > . 1:1 ack 9
                < R. 9:9 ack 1
                """)
        #expect(found.last?.code == .reset)
        #expect(found.last?.frames == [9])
    }
}
