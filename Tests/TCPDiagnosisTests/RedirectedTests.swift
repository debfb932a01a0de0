// A host redirects a connection to itself, to a port without a listener: two addresses, and one cause.

import Exchanges
import TCPModel
import TCPTimeline
import Testing

@testable import TCPDiagnosis

@Suite struct RedirectedTests {
    private static let client = SocketAddress(IPAddress(10, 2, 0, 2), 45636)
    private static let asked = SocketAddress(IPAddress(10, 1, 0, 2), 99)
    private static let redirected = SocketAddress(IPAddress(127, 0, 0, 1), 7099)

    private func findings(acknowledging number: UInt32) -> [(connection: UInt64, finding: Finding)] {
        var timeline = Timeline(seed: 1)
        var diagnosis = Diagnosis(isLive: false)
        let syn = Segment(
            tuple: FourTuple(source: Self.client, destination: Self.redirected), sequence: SequenceNumber(1000),
            acknowledgment: SequenceNumber(0), flags: .syn, window: 64240, payloadLength: 0, ipLength: 40,
            ipIdentification: 5, hopLimit: 64)
        let answer = Segment(
            tuple: FourTuple(source: Self.asked, destination: Self.client), sequence: SequenceNumber(0),
            acknowledgment: SequenceNumber(number), flags: [.rst, .ack], window: 0, payloadLength: 0, ipLength: 40,
            ipIdentification: 0, hopLimit: 64)
        let start = Timestamp(nanoseconds: 1_000_000_000)
        var redirections = Redirections()
        for (index, captured) in [syn, answer].enumerated() {
            let time = start.advanced(by: Int64(index) * 30_000)
            var segment = captured
            let found = redirections.restore(&segment, time: time)
            let event = timeline.observeOnce(
                segment, time: time, frame: UInt64(index + 1), interface: 0, vantage: 0)
            if let found { timeline.note(answer: segment.tuple, called: found.called) }
            diagnosis.observe(event)
        }
        let end = start.advanced(by: 2 * Span.second)
        var found: [(connection: UInt64, finding: Finding)] = []
        for id in timeline.remaining() {
            for finding in diagnosis.conclude(id, timeline.connections, nil, now: end) {
                found.append((timeline[id].number, finding))
            }
        }
        return found
    }

    @Test func X1_theRefusalIsToldOnce() throws {
        let found = findings(acknowledging: 1001)
        #expect(found.map(\.finding.code) == [.refused], "\(found)")
        let refusal = try #require(found.first)
        #expect(refusal.connection == 1)
        #expect(
            refusal.finding.message
                == "nothing listens on 127.0.0.1:7099, to which the client's host redirects 10.1.0.2:99 (REDIRECT,"
                + " DNAT), or a firewall answers in its place; connect() fails with ECONNREFUSED")
        #expect(refusal.finding.evidence.map { "\($0.name)" } == ["called"])
    }

    @Test func X1_anotherAnswerIsNotItsOwn() {
        let codes = Set(findings(acknowledging: 1002).map(\.finding.code))
        #expect(codes == [.refused, .synUnanswered])
    }
}
