// CASES H33, H34: a subflow is a connection of its own, linked to the one from whose key its token is derived.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@Suite("MPTCP subflows") struct MultipathTests {
    private static func segment(
        _ port: UInt16, _ flags: TCPFlags, _ subtype: MultipathSubtype, version: UInt8 = 0, value: UInt64,
        isAnswer: Bool = false
    ) -> Segment {
        let tuple = FourTuple(source: SocketAddress(.loopbackV4, port), destination: SocketAddress(.loopbackV4, 9500))
        var segment = Segment(
            tuple: isAnswer ? tuple.reversed : tuple, sequence: SequenceNumber(isAnswer ? 5000 : 1000),
            acknowledgment: SequenceNumber(isAnswer ? 1001 : 0), flags: flags)
        segment.options.present = .multipath
        segment.options.multipathSubtypes = 1 << UInt16(subtype.rawValue)
        segment.options.multipathDetail = version
        segment.options.multipathValue = value
        return segment
    }

    /// The tokens are digests of the key 0102030405060708, as any SHA-256 and SHA-1 compute them.
    @Test(
        "H34: the token is of the server's key", arguments: [(1, 0x6684_0dda), (0, 0xdd57_83bc)] as [(UInt8, UInt32)])
    func linked(_ version: UInt8, _ token: UInt32) {
        let play = Play()
        play.observe(Self.segment(4000, .syn, .capable, version: version, value: 0))
        let parent = play.last.connection
        play.observe(
            Self.segment(
                4000, [.syn, .ack], .capable, version: version, value: 0x0102_0304_0506_0708, isAnswer: true))
        play.observe(Self.segment(4001, .syn, .join, value: UInt64(token)))
        let subflow = play.last.connection
        #expect(subflow != parent)
        #expect(play.timeline.connections.subflow(subflow)?.token == token)
        #expect(play.timeline.connections.subflow(subflow)?.connection?.number == 1)
        #expect(play.timeline.connections.subflow(parent) == nil)
        play.timeline.retire(parent)
        #expect(play.timeline.connections.subflow(subflow)?.token == token, "the label stays")
        #expect(play.timeline.connections.subflow(subflow)?.connection?.number == 1, "and whose it is")
    }

    @Test("H34: a token of nobody's is a label only")
    func unknown() {
        let play = Play()
        play.observe(Self.segment(4001, .syn, .join, value: 7))
        #expect(play.timeline.connections.subflow(play.last.connection)?.token == 7)
        #expect(play.timeline.connections.subflow(play.last.connection)?.connection == nil)
    }
}
