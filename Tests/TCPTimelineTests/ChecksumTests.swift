// A segment with a bad checksum: its receiver drops it, and so does the timeline.

import Exchanges
import TCPMachine
import TCPModel
import TCPTimeline
import Testing

@Suite("Bad checksums") struct BadChecksumTests {
    private func damaged(_ play: Play, _ flags: TCPFlags, seq: UInt32, text: UInt32 = 0) -> SegmentEvent {
        play.clock += 1_000_000
        let segment = Segment(
            tuple: FourTuple(source: play.client, destination: play.server),
            sequence: SequenceNumber(play.clientISN &+ seq), acknowledgment: SequenceNumber(play.serverISN &+ 1),
            flags: flags, remarks: .badChecksum, payloadLength: text)
        return play.timeline.observe(segment, time: play.now, frame: 50)
    }

    @Test("neither side moves, whatever the segment says", arguments: [TCPFlags.fin, .rst, .syn, .ack])
    func nothingMoves(_ flags: TCPFlags) {
        let play = Play(handshake + "> P. 1:11 ack 1")
        let before = play.connection
        let event = damaged(play, [flags, .ack], seq: 11, text: 5)
        #expect(event.notes == .badChecksum && !event.hasTransitions && !event.ended && !event.isFirst)
        #expect(play.connection.originator.state == .established && play.connection.responder.state == .established)
        #expect(play.connection.originator.sendNext == before.originator.sendNext)
        #expect(play.connection.counters[0].packets == before.counters[0].packets)
        // The same octets in an intact segment are not a retransmission, since the damaged ones were not taken.
        play.feed("> P. 11:16 ack 1")
        #expect(play.last.notes == [])
    }

    @Test("Zeek's letter, once a direction; alone it is OTH")
    func history() {
        let play = Play()
        let first = damaged(play, .syn, seq: 0)
        _ = damaged(play, .syn, seq: 0)
        let connection = play.timeline[first.connection]
        #expect((0..<connection.history.count).map { connection.history[$0] } == [UInt8(ascii: "C")])
        #expect("\(connection.zeekConnectionState)" == "OTH")
        play.feed("> S 0:0\n< S. 0:0 ack 1\n> . 1:1 ack 1")
        #expect(play.timeline.trackedCount == 1)
        #expect(play.connection.originator.state == .established)
    }
}
