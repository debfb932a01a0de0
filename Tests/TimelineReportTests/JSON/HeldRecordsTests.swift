// Records held until their connection can be selected: all of them are written or none, within limits.

import TCPModel
import TCPTimeline
import Testing

@testable import TimelineReport

@Suite("Held records") struct HeldRecordsTests {
    private let one = ConnectionID(slot: 0)
    private let other = ConnectionID(slot: 1)

    private func text(_ out: OutputBuffer) -> String { String(decoding: out.bytes, as: UTF8.self) }

    @Test("records come when the choice is made, and at once after it")
    func chosen() {
        var held = HeldRecords(mostOctets: .max)
        var out = OutputBuffer()
        held.add(one, number: 1, &out) { $0.append("a") }
        held.add(other, number: 2, &out) { $0.append("x") }
        held.add(one, number: 1, &out) { $0.append("b") }
        #expect(text(out) == "")
        #expect(held.decide(one, number: 1, isShown: true, &out) == 0)
        #expect(held.decide(other, number: 2, isShown: false, &out) == 0)
        held.add(one, number: 1, &out) { $0.append("c") }
        held.add(other, number: 2, &out) { $0.append("y") }
        #expect(text(out) == "abc")
        // A later connection in the same slot inherits nothing from the earlier one.
        held.add(other, number: 3, &out) { $0.append("z") }
        #expect(held.decide(other, number: 3, isShown: true, &out) == 0)
        #expect(text(out) == "abcz")
    }

    @Test("what there is no memory for is counted with its connection; what is over makes room")
    func bounded() {
        var held = HeldRecords(mostOctets: 8)
        var out = OutputBuffer()
        held.add(one, number: 1, &out) { $0.append("12345") }
        held.add(other, number: 2, &out) { $0.append("abcde") }
        held.add(other, number: 2, &out) { $0.append("fghij") }
        held.add(one, number: 1, &out) { $0.append("67890") }
        held.add(one, number: 1, &out) { $0.append("67890") }
        #expect(held.decide(one, number: 1, isShown: true, &out) == 2)
        #expect(text(out) == "12345")
        held.add(other, number: 2, &out) { $0.append("klm") }
        #expect(held.decide(other, number: 2, isShown: true, &out) == 1)
        #expect(text(out) == "12345abcdeklm")
        // A connection for which no record was held.
        #expect(held.decide(one, number: 9, isShown: true, &out) == 0)
    }

    @Test("the connection's record says how many are missing")
    func counted() {
        var timeline = Timeline(seed: 1)
        var selection = ConnectionSelection()
        selection.outcomes = [.noAnswer]
        var report = JSONReport(selection: selection, packets: true, mostHeld: 1)
        var out = OutputBuffer()
        let tuple = FourTuple(
            source: SocketAddress(.loopbackV4, 35924), destination: SocketAddress(.loopbackV4, 9500))
        let syn = Segment(tuple: tuple, sequence: SequenceNumber(1000), flags: .syn)
        for frame in 1...3 as ClosedRange<UInt64> {
            let time = Timestamp(nanoseconds: Int64(frame) * Span.second)
            report.segment(timeline.observe(syn, time: time, frame: frame), timeline.connections, &out)
        }
        report.finish(timeline.remaining()[0], timeline.connections, nil, &out)
        let lines = text(out).split(separator: "\n")
        #expect(lines.filter { $0.contains(#""_path":"packet""#) }.count == 1)
        #expect(lines.last?.contains(#""records_left_out":2"#) == true)
    }
}
