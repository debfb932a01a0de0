// Small segments that wait for delayed ACKs.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct NagleTests {
    /// So many requests in two parts, of which the second waits for the ACK of the first, and their answers.
    private func requests(_ count: Int, ackAfter delay: Double, roundTrip: Double = 0.0001, size: Int = 8) -> String {
        var text = "> S 0:0\n\(roundTrip) < S. 0:0 ack 1\n\(roundTrip + 0.00001) > . 1:1 ack 1\n"
        var now = 1.0
        for index in 0..<count {
            let (first, answered) = (1 + index * 2 * size, 1 + index * 16)
            let (middle, last) = (first + size, first + 2 * size)
            text += "\(now) > P. \(first):\(middle) ack \(answered)\n"
            text += "\(now + delay) < . \(answered):\(answered) ack \(middle)\n"
            text += "\(now + delay + 0.00003) > P. \(middle):\(last) ack \(answered)\n"
            text += "\(now + delay + roundTrip + 0.0001) < P. \(answered):\(answered + 16) ack \(last)\n"
            now += 1
        }
        let (last, answered) = (1 + count * 2 * size, 1 + count * 16)
        return text
            + "\(now) > F. \(last):\(last) ack \(answered)\n\(now + 0.001) < F. \(answered):\(answered) ack \(last + 1)\n"
            + "\(now + 0.002) > . \(last + 1):\(last + 1) ack \(answered + 1)"
    }

    @Test func fromTheThirdTimeOnItIsTold() {
        let found = findings(requests(3, ackAfter: 0.04))
        #expect(found.map { $0.code } == [.nagleDelay])
        #expect(
            found.first?.message
                == "the client held small segments back 3 times until a delayed ACK came, 120ms in all (Nagle's algorithm): it should"
                + " set TCP_NODELAY, or write at once what belongs together")
        #expect(found.first?.side == .originator && found.first?.frames == [6])
        #expect(findings(requests(2, ackAfter: 0.04)).isEmpty)
    }

    /// An ACK that is as late as the way is long; one that is quick; segments that are full.
    @Test func whatWaitsForSomethingElseIsNot() {
        #expect(findings(requests(5, ackAfter: 0.04, roundTrip: 0.04)).isEmpty)
        #expect(findings(requests(5, ackAfter: 0.01)).isEmpty)
        #expect(findings(requests(5, ackAfter: 0.04, size: 1460)).isEmpty)
    }

    /// A program that writes something each 50 ms sends it when it likes, not when an ACK comes.
    @Test func whoSendsWhenItLikesIsNot() {
        var text = handshake
        for index in 0..<10 {
            let (now, first) = (1 + Double(index) * 0.05, 1 + index * 8)
            text += "\(now) > P. \(first):\(first + 8) ack 1\n\(now + 0.04) < . 1:1 ack \(first + 8)\n"
        }
        #expect(findings(text + "3 > R. 81:81 ack 1").allSatisfy { $0.code != .nagleDelay })
    }
}
