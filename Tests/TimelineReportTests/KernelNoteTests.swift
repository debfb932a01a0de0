// What the kernel reports about a connection, as the text timeline keeps it until it is written.

import Exchanges
import TCPMachine
import TCPModel
import Testing

@testable import TCPTimeline
@testable import TimelineReport

@Suite struct KernelNoteTests {
    private func event(_ time: Int64) -> KernelEvent {
        KernelEvent(
            connection: ConnectionID(slot: 0), side: .originator, time: Timestamp(nanoseconds: time),
            kind: .traced(.retransmit), socket: nil, process: nil, source: .tracepoint)
    }

    @Test func theyHaveTheLimitOfRows() {
        // Each event would be placed before all earlier ones, as a file may demand.
        for step in [1, -1] as [Int64] {
            var text = ConnectionText(number: 1, limit: 100)
            text.keep(.midstream)
            for number in 1...10_000 { text.keep(event(step * Int64(number))) }
            #expect(text.items.count == 100)
        }
    }

    @Test func theyStandInTheOrderOfTime() {
        var text = ConnectionText(number: 1, limit: 100)
        text.keep(.midstream)
        for time in [5, 3, 4] as [Int64] { text.keep(event(time)) }
        let times = text.items.head.compactMap { item -> Int64? in
            if case .note(.kernel(let event)) = item { return event.time.nanoseconds }
            return nil
        }
        #expect(times == [3, 4, 5])
    }

    /// A dropped segment opens nothing: its row has no state, and the row of the drop says the rest. If its row has been
    /// written already, another row corrects it. The handshake has one heading.
    @Test func H7_whatIsDroppedOpensNothing() {
        var text = ConnectionText(number: 1, limit: 100)
        let play = Play()
        play.observer = { event, _ in text.take(event, nil, TimelineDetail()) }
        play.feed(handshake + "> P. 1:4 ack 1\n")
        play.feed("1 < S. 0:0 ack 1\n> . 4:4 ack 1")
        play.observer = nil
        text.seal()
        var event = KernelEvent(
            connection: ConnectionID(slot: 0), side: .responder, time: play.now,
            kind: .contradiction(kernel: .synReceived, wire: .established), socket: nil, process: nil,
            source: .tracepoint)
        event.isCorrected = true
        text.keep(event)
        var states: [TCPState] = []
        var phases: [TimelinePhase] = []
        for case .row(let row, _) in text.items.head {
            states.append(row.states.responder)
            phases.append(row.phase)
        }
        #expect(states == [.synReceived, .unseen, .established, .unseen, .synReceived, .unseen])
        #expect(phases == [.handshake, .handshake, .handshake, .data, .data, .data])
        let count = text.items.take().count
        text.keep(event)
        #expect(count == 6 && text.items.count == 1)
    }

    /// However long the block is, the kernel obeyed the latest RST, not one that precedes the rows left out in the
    /// middle.
    @Test(arguments: [2000, 12])
    func E16_theRowOfARstThatWasObeyed(_ limit: Int) {
        var text = ConnectionText(number: 1, limit: limit)
        var detail = TimelineDetail()
        detail.verbosity = 1
        let play = Play()
        play.observer = { event, _ in text.take(event, nil, detail) }
        play.feed(handshake + "> P. 1:5 ack 1\n< P. 1:5 ack 1\n> R 1:1\n")
        for turn in 0..<20 { play.feed("< P. \(5 + turn):\(6 + turn) ack 1") }
        play.feed("> R 1:1")
        play.observer = nil
        text.seal()
        var led = LedEnds()
        led.isResetCaptured = true
        text.keep(
            KernelEvent(
                connection: ConnectionID(slot: 0), side: .responder, time: play.now,
                kind: .uncaptured(kernel: .closed, wire: .established, led), socket: nil, process: nil,
                source: .tracepoint))
        let resets = text.items.take().compactMap { item -> Bool? in
            if case .row(let row, _) = item, row.flags.has(.rst) { return row.anomalies.contains(.resetIgnored) }
            return nil
        }
        #expect(resets == [true, false])
    }
}
