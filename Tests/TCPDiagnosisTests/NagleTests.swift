// Small segments that wait for delayed ACKs.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct NagleTests {
    /// This many requests in two parts, the second of which waits for the ACK of the first, and their answers.
    ///
    /// - Parameters:
    ///   - roundTrip: in seconds; the capture is at the client, or `atServer`.
    ///   - size: octets of the first part, and `second` of the other.
    ///   - handshake: how much longer than the round trip the handshake took, in seconds.
    ///   - update: whether a window update follows the delayed ACK at once.
    private func requests(
        _ count: Int, ackAfter delay: Double, roundTrip: Double = 0.0001, atServer: Bool = false, size: Int = 8,
        second: Int? = nil, mss: Int = 1460, handshake: Double = 0.00001, update: Bool = false
    ) -> String {
        let (toServer, toClient) = atServer ? (0, roundTrip) : (roundTrip, 0)
        var text =
            "> S 0:0 mss \(mss)\n\(toServer) < S. 0:0 ack 1 mss \(mss)\n\(toServer + toClient + handshake) > . 1:1 ack 1\n"
        var now = 1.0
        for index in 0..<count {
            let (first, answered) = (1 + index * (size + (second ?? size)), 1 + index * 16)
            let (middle, last) = (first + size, first + size + (second ?? size))
            text += "\(now) > P. \(first):\(middle) ack \(answered)\n"
            text += "\(now + delay) < . \(answered):\(answered) ack \(middle)\n"
            if update { text += "\(now + delay + 0.00001) < . \(answered):\(answered) ack \(middle) win 9000\n" }
            text += "\(now + delay + toClient + 0.00003) > P. \(middle):\(last) ack \(answered)\n"
            text += "\(now + delay + roundTrip + 0.0001) < P. \(answered):\(answered + 16) ack \(last)\n"
            now += 1
        }
        let (last, answered) = (1 + count * (size + (second ?? size)), 1 + count * 16)
        return text
            + "\(now) > F. \(last):\(last) ack \(answered)\n\(now + 0.001) < F. \(answered):\(answered) ack \(last + 1)\n"
            + "\(now + 0.002) > . \(last + 1):\(last + 1) ack \(answered + 1)"
    }

    @Test func fromTheThirdTimeOnItIsTold() {
        let found = findings(requests(3, ackAfter: 0.04))
        #expect(found.map { $0.code } == [.nagleDelay])
        #expect(
            found.first?.message
                == "the client held back small segments 3 times until a delayed ACK came, 120ms in all (Nagle's"
                + " algorithm): it should set TCP_NODELAY, or write related data with one call")
        #expect(found.first?.side == .originator && found.first?.frames == [6])
        #expect(found.first?.evidence.map { "\($0.name)" } == ["orig_segments", "orig_waited"])
        #expect(findings(requests(2, ackAfter: 0.04)).isEmpty)
        // On loopback a handshake may take longer than the segment that an ACK releases.
        #expect(
            findings(requests(3, ackAfter: 0.04, roundTrip: 0, handshake: 0.00006)).map { $0.code } == [.nagleDelay])
    }

    /// The ACK is as late as the round trip is long, or it is quick, or the segments are full.
    @Test func whatWaitsForSomethingElseIsNot() {
        #expect(findings(requests(5, ackAfter: 0.04, roundTrip: 0.04)).isEmpty)
        #expect(findings(requests(5, ackAfter: 0.01)).isEmpty)
        #expect(findings(requests(5, ackAfter: 0.04, size: 1460)).isEmpty)
        // Nagle's algorithm does not hold back full segments, and on this path these are full.
        #expect(findings(requests(5, ackAfter: 0.04, second: 1448)).isEmpty)
        #expect(findings(requests(5, ackAfter: 0.04, size: 524, mss: 536)).isEmpty)
        // Without the opening, the length of the round trip is unknown.
        let whole = requests(5, ackAfter: 0.04).split(separator: "\n").dropFirst(3).joined(separator: "\n")
        #expect(findings(whole).allSatisfy { $0.code != .nagleDelay })
    }

    /// At the receiver, the segment that an ACK releases follows a round trip later.
    @Test func atTheReceiverItIsSeenToo() {
        #expect(findings(requests(3, ackAfter: 0.04, roundTrip: 0.01, atServer: true)).map { $0.code } == [.nagleDelay])
        #expect(findings(requests(3, ackAfter: 0.04, roundTrip: 0.01)).map { $0.code } == [.nagleDelay])
    }

    @Test func anUpdateOfTheWindowChangesNothing() {
        #expect(findings(requests(3, ackAfter: 0.04, update: true)).map { $0.code } == [.nagleDelay])
    }

    /// A program that writes at its own pace sends whenever it likes, not when an ACK arrives.
    @Test(arguments: [0.05, 0.041, 0.2]) func whoSendsWhenItLikesIsNot(pace: Double) {
        var text = "> S 0:0\n0.0001 < S. 0:0 ack 1\n0.0002 > . 1:1 ack 1\n"
        for index in 0..<10 {
            let (now, first) = (1 + Double(index) * pace, 1 + index * 8)
            text += "\(now) > P. \(first):\(first + 8) ack 1\n\(now + 0.04) < . 1:1 ack \(first + 8)\n"
        }
        #expect(findings(text + "9 > R. 81:81 ack 1").allSatisfy { $0.code != .nagleDelay })
    }

    /// Captured at the server, with a one-way delay of 15 ms: a segment captured 10 ms after an ACK was not released by
    /// it.
    @Test func whatComesBeforeTheACKCanHaveArrivedIsNot() {
        var text = "> S 0:0\n0.0001 < S. 0:0 ack 1\n0.0151 > . 1:1 ack 1\n"
        for index in 0..<10 {
            let (now, first) = (1 + Double(index) * 0.05, 1 + index * 8)
            text += "\(now) > P. \(first):\(first + 8) ack 1\n\(now + 0.04) < . 1:1 ack \(first + 8)\n"
        }
        #expect(findings(text + "9 > R. 81:81 ack 1").allSatisfy { $0.code != .nagleDelay })
    }

    /// Among many segments sent at any time, some follow an ACK by chance.
    @Test func someThatCoincideAreChance() {
        var text = "> S 0:0\n0.0001 < S. 0:0 ack 1\n0.0002 > . 1:1 ack 1\n"
        for index in 0..<20 {
            // Every fifth segment does.
            let (now, first) = (1 + Double(index) * 0.2, 1 + index * 8)
            let delay = index % 5 == 4 ? 0.1999 : 0.04
            text += "\(now) > P. \(first):\(first + 8) ack 1\n\(now + delay) < . 1:1 ack \(first + 8)\n"
        }
        #expect(findings(text + "9 > R. 161:161 ack 1").allSatisfy { $0.code != .nagleDelay })
    }
}
