// The duration of a handshake that was captured completely, or without its last ACK.

import Exchanges
import TCPModel
import Testing

@testable import TCPTimeline

@Suite struct HandshakeTimeTests {
    /// The times in milliseconds to the SYN-ACK, to its ACK, and to whatever the client sent next; -1 if unknown.
    private func times(_ text: String) -> [Int64] {
        let connection = Play(text).connection
        return [connection.synAckDelay, connection.handshakeTime, connection.openDelay].map {
            $0 < 0 ? -1 : $0 / Span.millisecond
        }
    }

    private static let opening = "> S 0:0\n0.02 < S. 0:0 ack 1\n"

    @Test func H01_theAckWasCaptured() {
        #expect(times(Self.opening + "0.03 > . 1:1 ack 1") == [20, 30, 30])
        #expect(times(Self.opening + "0.03 > . 1:1 ack 1\n0.5 > P. 1:11 ack 1\n2 > F. 11:11 ack 1") == [20, 30, 30])
        #expect(times(Self.opening) == [20, -1, -1])
    }

    /// Text may carry the handshake's ACK, but only within the time of a delayed ACK.
    @Test func H08_textCarriesIt() {
        #expect(times(Self.opening + "0.03 > P. 1:11 ack 1") == [20, 30, 30])
        #expect(times(Self.opening + "0.53 > P. 1:11 ack 1") == [20, -1, 530])
    }

    /// The capture has only SYNs, FINs and RSTs: the FIN is not the ACK that the handshake waited for.
    @Test func X15_aFinIsNotTheAck() {
        #expect(times(Self.opening + "1 > F. 1:1 ack 1") == [20, -1, 1000])
        #expect(times(Self.opening + "1 > F. 101:101 ack 501\n1.1 > . 102:102 ack 501") == [20, -1, 1000])
        #expect(times(Self.opening + "1 < F. 501:501 ack 101\n2 > F. 101:101 ack 502") == [20, -1, 2000])
    }

    /// The capture lacks the ACK: the next segment follows a hole, or acknowledges more, or the server sent text before
    /// it.
    @Test func X07_theAckWasLost() {
        #expect(times(Self.opening + "0.1 > P. 11:21 ack 1") == [20, -1, 100])
        #expect(times(Self.opening + "0.1 > . 1:1 ack 101") == [20, -1, 100])
        #expect(times(Self.opening + "0.1 < P. 1:101 ack 1\n0.11 > . 1:1 ack 101") == [20, -1, 110])
        // After a clock that stepped back, the time is unknown.
        #expect(times(Self.opening + "-1 > . 1:1 ack 1\n0.04 > P. 1:11 ack 1") == [20, -1, 40])
    }

    @Test func H12_H13_otherOpenings() {
        #expect(
            times("> S 0:0\n0.01 < S 0:0\n0.02 > S. 0:0 ack 1\n0.02 < S. 0:0 ack 1\n0.03 > . 1:1 ack 1") == [
                20, 30, 30,
            ])
    }

    /// The longest time that can be stored, with and without the ACK.
    @Test func bounds() {
        var times = HandshakeTimes()
        #expect(!times.isHalfWay && times.open == -1 && times.measured == -1)
        times.synAck = 5
        #expect(times.isHalfWay)
        for time in [0, 1, 1 << 32, 1 << 47 - 2] as [Int64] {
            for isAck in [true, false] {
                var copy = times
                copy.goOn(after: time, isAck: isAck)
                #expect(copy.open == time && copy.measured == (isAck ? time : -1) && !copy.isHalfWay)
            }
        }
        times.goOn(after: .max, isAck: false)
        #expect(times.open == 1 << 47 - 2 && times.measured == -1)
    }
}
