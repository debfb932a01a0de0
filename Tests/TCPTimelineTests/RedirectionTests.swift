// A host that redirects its own connections to itself: which segments belong to one connection, and which sockets are
// its endpoints.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite struct RedirectionTests {
    private static let client = SocketAddress(IPAddress(10, 2, 0, 2), 45636)
    private static let called = SocketAddress(IPAddress(10, 1, 0, 2), 80)
    private static let server = SocketAddress(.loopbackV4, 15001)

    /// Segments captured at these times in milliseconds, and the endpoints that were found for each.
    private struct Capture {
        var redirections = Redirections()

        mutating func see(
            _ source: SocketAddress, _ destination: SocketAddress, _ flags: TCPFlags, _ sequence: UInt32,
            ack: UInt32 = 0,
            at milliseconds: Int64
        ) -> (tuple: FourTuple, found: Redirections.Found?) {
            var tuple = FourTuple(source: source, destination: destination)
            let time = epoch.advanced(by: milliseconds * Span.millisecond)
            guard redirections.concerns(flags) else { return (tuple, nil) }
            let found = redirections.restore(
                &tuple, flags, sequence: SequenceNumber(sequence), acknowledgment: SequenceNumber(ack), time: time)
            return (tuple, found)
        }
    }

    private typealias Own = RedirectionTests
    private static let answers = FourTuple(source: server, destination: client)

    @Test("X1: the answer to the SYN comes from what the client called: from then on its segments are the server's")
    func X1_theAnswerShowsIt() throws {
        var capture = Capture()
        #expect(capture.see(Own.client, Own.server, .syn, 99, at: 0).found == nil)
        let first = capture.see(Own.called, Own.client, [.syn, .ack], 7, ack: 100, at: 1)
        #expect(first.tuple == Own.answers)
        let found = try #require(first.found)
        #expect(found.isNew && found.called == Own.called)
        let data = capture.see(Own.called, Own.client, [.ack, .psh], 8, ack: 101, at: 5000)
        #expect(data.tuple == Own.answers && data.found?.isNew == false)
        let own = capture.see(Own.client, Own.server, .ack, 100, ack: 8, at: 5001)
        #expect(own.tuple == Own.answers.reversed && own.found == nil)
        // A RST that refuses the SYN reveals the redirection as well.
        var refused = Capture()
        _ = refused.see(Own.client, Own.server, .syn, 99, at: 0)
        #expect(refused.see(Own.called, Own.client, [.rst, .ack], 0, ack: 100, at: 1).tuple == Own.answers)
    }

    @Test("X1: what answers no SYN, or another one, stays what it is")
    func X1_othersAreNotTaken() {
        func isTaken(
            _ source: SocketAddress = Own.called, to client: SocketAddress = Own.client,
            _ flags: TCPFlags = [.syn, .ack],
            _ sequence: UInt32 = 0, ack: UInt32 = 100, at time: Int64 = 1
        ) -> Bool {
            var capture = Capture()
            _ = capture.see(Own.client, Own.server, .syn, 99, at: 0)
            let seen = capture.see(source, client, flags, sequence, ack: ack, at: time)
            return seen.found != nil || seen.tuple.source != source
        }
        #expect(isTaken() && isTaken(Own.called, [.rst, .ack]))
        #expect(!isTaken(Own.server), "the server's own answer")
        #expect(!isTaken(ack: 101), "of another SYN")
        #expect(!isTaken(Own.called, [.rst, .ack], 7), "an abort")
        #expect(!isTaken(Own.called, .rst) && !isTaken(Own.called, .ack))
        #expect(!isTaken(to: SocketAddress(Own.client.address, 1)), "another client's")
        #expect(!isTaken(at: 1100), "too late")
    }

    @Test("X1: a router shows the SYN, or its answer, with both addresses: two whole connections")
    func X1_aRouterRedirectsNobody() {
        var router = Capture()
        _ = router.see(Own.client, Own.called, .syn, 99, at: 0)
        _ = router.see(Own.client, Own.server, .syn, 99, at: 0)
        #expect(router.see(Own.called, Own.client, [.syn, .ack], 7, ack: 100, at: 1).found == nil)
        var answered = Capture()
        _ = answered.see(Own.client, Own.server, .syn, 99, at: 0)
        _ = answered.see(Own.server, Own.client, [.syn, .ack], 7, ack: 100, at: 1)
        #expect(answered.see(Own.called, Own.client, [.syn, .ack], 7, ack: 100, at: 1).found == nil)
    }

    @Test("a client that calls the same address from the same port, and is not redirected any more")
    func theRuleIsGone() {
        var capture = Capture()
        _ = capture.see(Own.client, Own.server, .syn, 99, at: 0)
        _ = capture.see(Own.called, Own.client, [.syn, .ack], 7, ack: 100, at: 1)
        #expect(capture.see(Own.client, Own.called, .syn, 5000, at: 9000).found == nil)
        #expect(
            capture.see(Own.called, Own.client, [.syn, .ack], 6000, ack: 5001, at: 9001).tuple.source == Own.called)
    }

    @Test("the next connection of the same ends is redirected anew, perhaps to another server")
    func theNextOne() {
        var capture = Capture()
        for (round, server) in [Own.server, Own.server, SocketAddress(.loopbackV4, 15006)].enumerated() {
            let start = Int64(round) * 1000
            _ = capture.see(Own.client, server, .syn, 99 + UInt32(round), at: start)
            let answer = capture.see(Own.called, Own.client, [.syn, .ack], 7, ack: 100 + UInt32(round), at: start + 1)
            #expect(answer.tuple.source == server && answer.found?.isNew == true)
            let data = capture.see(Own.called, Own.client, .ack, 8, ack: 1, at: start + 2)
            #expect(data.tuple.source == server && data.found?.isNew == false)
        }
    }

    @Test("more redirections than are remembered: the latest are, and memory does not grow")
    func floods() {
        var capture = Capture()
        func client(_ number: Int) -> SocketAddress {
            SocketAddress(IPAddress(v4: UInt32(0x0a02_0000 + number >> 12)), UInt16(30_000 + number & 4095))
        }
        for number in 0..<100_000 {
            let sequence = UInt32(number) &* 2_654_435_761
            _ = capture.see(client(number), Own.server, .syn, sequence, at: Int64(number))
            let answer = capture.see(
                Own.called, client(number), [.syn, .ack], 7, ack: sequence &+ 1, at: Int64(number))
            #expect(answer.found?.isNew == true)
        }
        let kept = (0..<100_000).filter {
            capture.see(Own.called, client($0), .ack, 8, ack: 1, at: 100_000).found != nil
        }
        #expect((10_000...16_384).contains(kept.count) && kept.contains(99_999) && !kept.contains(0), "\(kept.count)")
    }
}
