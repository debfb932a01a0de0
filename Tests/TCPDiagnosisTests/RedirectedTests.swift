// A connection that this host redirects to itself, to a port where nobody listens: two halves under two addresses, and one cause.

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
        for (index, segment) in [syn, answer].enumerated() {
            let event = timeline.observeOnce(
                segment, time: start.advanced(by: Int64(index) * 30_000), frame: UInt64(index + 1), interface: 0,
                vantage: 0)
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
        #expect(refusal.connection == 2)
        #expect(
            refusal.finding.message
                == "a RST refused the SYN of TCP 1, which went to 127.0.0.1:7099: a NAT where this was captured (REDIRECT, DNAT) puts that in"
                + " the place of 10.1.0.2:99, and nobody listens there, or a firewall answers for it; connect() fails with ECONNREFUSED"
        )
        #expect(refusal.finding.evidence.map { "\($0.name)" } == ["syn_of"])
    }

    @Test func X1_anotherAnswerIsNotItsOwn() {
        let codes = Set(findings(acknowledging: 1002).map(\.finding.code))
        #expect(codes == [.refused, .synUnanswered])
    }
}
