// X15, X17: gaps in a capture are not blamed on either side, and findings that a complete capture would disprove are
// not made.

import Exchanges
import TCPDiagnosis
import TCPModel
import TCPTimeline
import Testing

private let handshake = "> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1\n"

@Suite("Captures that lack something") struct IncompleteCaptureTests {
    /// The client sent its FIN just before the capture began; this is the server's.
    @Test func X17_whoHasClosedBeforeTheCaptureLeaksNothing() {
        #expect(codes("< F. 501:501 ack 101\n> . 101:101 ack 502", after: 60) == [])
        // Text of its own shows that it had not closed.
        let leak = codes("> P. 101:110 ack 501\n< F. 501:501 ack 110\n> . 110:110 ack 502", after: 60)
        #expect(leak == [.closeWaitLeak])
    }

    /// A socket that still exists would retransmit its text.
    @Test func T11_whoseTextIsNeitherHeardNorRepeatedIsGone() {
        let text = handshake + "> F. 1:1 ack 1\n< . 1:1 ack 2\n< P. 1:5 ack 2\n"
        #expect(codes(text, after: 60) == [])
        #expect(codes(text + "> . 2:2 ack 5\n", after: 60).contains(.closeWaitLeak))
    }

    /// close() and shutdown() of one direction look alike until the peer's text is answered.
    @Test func T5_aHalfCloseIsHeardOf() {
        let text = handshake + "> F. 1:1 ack 1\n< P. 1:5 ack 2\n"
        #expect(codes(text) == [])
        #expect(codes(text + "> . 2:2 ack 5\n") == [.halfClose])
    }

    /// The network delayed an ACK past its sender's abort, whose host answers later segments with RST.
    @Test func E13_anAckThatTheAbortOvertook() {
        let text = handshake + "> P. 1:101 ack 1\n> R. 101:101 ack 1\n> . 101:101 ack 1\n< P. 1:11 ack 101\n> R 101:101"
        #expect(codes(text) == [.reset])
        // If the sender later acknowledges more than its RST did, it lives on, and the RST was forged.
        #expect(
            !codes(text.replacing("> . 101:101 ack 1\n", with: "< P. 1:11 ack 101\n> . 101:101 ack 11\n")).contains(
                .reset))
    }

    /// A host with the same address answers the client's text with RST, while the real server continues.
    @Test func E16_aRSTInTheNameOfOneWhoGoesOn() {
        let text = handshake + "> P. 1:6 ack 1\n< R 1:1\n< . 1:1 ack 6\n> R 6:6\n< P. 1:6 ack 6\n> R 6:6"
        let found = findings(text)
        #expect(found.map(\.code) == [.middlebox], "\(found)")
        #expect(found.first?.side == .responder && found.first?.message.contains("a third party sent it") == true)
        // Text that its sender's abort overtook was not sent afterwards.
        let abort = handshake + "> P. 1:6 ack 1\n< R. 11:11 ack 6\n< P. 1:11 ack 6\n> R 6:6"
        #expect(!codes(abort).contains(.middlebox))
    }

    /// Only one direction was captured, so the answers to the keep-alives are missing.
    @Test func E3_keepAlivesOfOneDirection() {
        let text = "> . 101:101 ack 501\n60 > . 100:100 ack 501\n120 > . 100:100 ack 501\n180 > R. 101:101 ack 501"
        #expect(!codes(text).contains(.keepaliveDead))
        #expect(codes("< . 501:501 ack 101\n" + text).contains(.keepaliveDead))
    }

    /// One host has two hop limits, as at a mirror of both sides of a router, or where routes differ.
    @Test func E16_hopLimitsOfOneHost() {
        func found(reset: UInt8, others: [UInt8]) -> [FindingCode] {
            var timeline = Timeline(seed: 1)
            var diagnosis = Diagnosis(isLive: false)
            let client = SocketAddress(.loopbackV4, 35924)
            let server = SocketAddress(.loopbackV4, 9500)
            var frame: UInt64 = 0
            func see(_ flags: TCPFlags, _ sequence: UInt32, _ ack: UInt32, isClient: Bool, hops: UInt8) {
                frame += 1
                var segment = Segment(
                    tuple: FourTuple(source: isClient ? client : server, destination: isClient ? server : client),
                    sequence: SequenceNumber(sequence), acknowledgment: SequenceNumber(ack), flags: flags,
                    window: 1000, payloadLength: 0, ipLength: 40, ipIdentification: UInt16(frame), hopLimit: hops)
                segment.hopLimit = hops
                let time = Timestamp(nanoseconds: 1_000_000_000 + Int64(frame) * 1_000_000)
                diagnosis.observe(
                    timeline.observeOnce(segment, time: time, frame: frame, interface: 0, vantage: UInt32(hops)))
            }
            see(.syn, 1000, 0, isClient: true, hops: others[0])
            see([.syn, .ack], 5000, 1001, isClient: false, hops: 64)
            for hops in others { see(.ack, 1001, 5001, isClient: true, hops: hops) }
            see([.rst, .ack], 1001, 5001, isClient: true, hops: reset)
            var codes: [FindingCode] = []
            for id in timeline.remaining() {
                codes += diagnosis.conclude(
                    id, timeline.connections, nil, now: Timestamp(nanoseconds: 3_000_000_000)
                ).map(\.code)
            }
            return codes
        }
        #expect(found(reset: 61, others: [63]).contains(.middlebox))
        #expect(!found(reset: 62, others: [63, 62]).contains(.middlebox))
        #expect(found(reset: 61, others: [63, 62]).contains(.middlebox))
    }

    /// The round trip is longer than the client's first timeout.
    @Test func H6_aSynSentAgainOnALongWay() {
        let text = "> S 0:0\n< S. 0:0 ack 1\n1 > S 0:0\n1.01 < S. 0:0 ack 1\n"
        #expect(!codes(text, after: 1).contains(.synAckLost))
        #expect(!codes(text + "1.6 > . 1:1 ack 1\n", after: 1).contains(.synAckLost))
        #expect(codes(text + "3 > S 0:0\n3.01 < S. 0:0 ack 1\n", after: 1).contains(.synAckLost))
        #expect(codes(text, after: 5).contains(.synAckLost))
    }

    /// Frames of the client are missing, but the server's text shows that the server received them.
    @Test func H6_whoAnswersMoreThanTheSynWasHeard() {
        let text = "> S 0:0\n< S. 0:0 ack 1\n1 > S 0:0\n3 > S 0:0\n14 < P. 1:1361 ack 246\n"
        #expect(!codes(text, after: 5).contains(.synAckLost))
    }

    /// An unanswered SYN would be retransmitted: without a retransmission it was answered, or the client gave up.
    @Test func H2_aSynThatIsNotSentAgain() {
        let others = "> S 0:0\n< S. 0:0 ack 1\n"
        let play = KernelCase(others)
        play.play.client.port += 1
        play.feed("> S 0:0")
        _ = play.conclude(6000)
        #expect(play.message(.synUnanswered).contains("it was not retransmitted"), "\(play.found)")
    }
}
