// Ports held by TIME_WAIT: when the kernel is asked, how its answer is reported, and when nothing is.

import TCPModel
import Testing

@testable import TCPDiagnosis

private let start = Timestamp(nanoseconds: 1_000_000_000_000)
private let server = SocketAddress(IPAddress(192, 0, 2, 1), 443)
private let own = IPAddress(192, 0, 2, 7)

private func tuple(_ port: Int, _ destination: SocketAddress = server) -> FourTuple {
    FourTuple(source: SocketAddress(own, UInt16(port)), destination: destination)
}

@Suite struct PortUseTests {
    private func use(_ ports: Int, in span: Int64, reuse: UInt8 = 2, to destination: SocketAddress = server) -> PortUse
    {
        var use = PortUse()
        use.supply = PortSupply(first: 40000, last: 40999, reuse: reuse)
        for number in 0..<ports {
            use.note(
                tuple(40000 + number, destination), at: start.advanced(by: span * Int64(number) / Int64(max(1, ports))))
        }
        return use
    }

    @Test func aQuarterInAShortTimeIsAskedAboutAndTold() throws {
        var use = use(250, in: 10 * Span.second)
        let question = try #require(use.questions.first)
        #expect(question.own == own && question.destination == server && use.questions.count == 1)
        let now = start.advanced(by: 10 * Span.second)
        #expect(use.pressure(tuple(40000), now: now) == nil, "the kernel has not answered yet")
        use.answer(question, PortCount(timeWaits: 260, others: 40))
        let pressure = try #require(use.pressure(tuple(40000), now: now))
        #expect(pressure.left == 700 && pressure.perMinute == 1500)
        // 700 ports are left, at 1500 a minute.
        #expect(pressure.remaining == 28 * Span.second)
        use.markReported(tuple(40000))
        #expect(use.pressure(tuple(40000), now: now) == nil, "once a destination")
        #expect(use.questions.isEmpty)
    }

    @Test func atAPaceThatCanGoOnForEverNothingIsTold() throws {
        // A connection every 200 ms: 300 a minute, from a thousand ports.
        var use = use(1000, in: 200 * Span.second)
        let now = start.advanced(by: 200 * Span.second)
        let question = try #require(use.questions.first)
        use.answer(question, PortCount(timeWaits: 300, others: 0))
        #expect(use.pressure(tuple(40000), now: now)?.runsOut != true)
        use.answer(question, PortCount(timeWaits: 800, others: 0))
        #expect(use.pressure(tuple(40000), now: now) != nil, "three quarters are worth a word all the same")
    }

    @Test func whatMayBeReusedIsNotHeld() {
        let local = SocketAddress(.loopbackV4, 443)
        #expect(use(900, in: Span.second, to: local).questions.isEmpty)
        #expect(use(900, in: Span.second, reuse: 1).questions.isEmpty)
        #expect(!use(900, in: Span.second, reuse: 0, to: local).questions.isEmpty)
    }

    @Test func portsOutsideTheRangeAndRepetitionsDoNotCount() {
        var use = PortUse()
        use.supply = PortSupply(first: 40000, last: 40999, reuse: 0)
        for number in 0..<2000 {
            use.note(tuple(20000 + number), at: start)
            use.note(tuple(40000 + number % 10), at: start)
        }
        #expect(use.questions.isEmpty)
        use.supply = PortSupply(first: 9, last: 3, reuse: 0)
        use.note(tuple(5), at: start)
        #expect(use.questions.isEmpty)
    }
}
