// What is kept of tracepoint events, event by event.

import TCPModel
import Testing

@testable import TCPTimeline

@Suite struct TracedFactsTests {
    private func event(_ kind: SocketEvent.Kind, pid: Int32 = 0, isEnding: Bool = false) -> SocketEvent {
        var event = SocketEvent(
            time: Timestamp(nanoseconds: 5), kind: kind, local: SocketAddress(.loopbackV4, 1),
            remote: SocketAddress(.loopbackV4, 2), isProcessContext: pid != 0, pid: pid,
            process: pid == 0 ? nil : ProcessIdentity(pid: pid, command: "p\(pid)", uid: 0))
        event.isProcessEnding = isEnding
        return event
    }

    /// A rule that drops most of the packets is named rather than the cause of a single drop.
    @Test func theMostFrequentReasonForDropsIsNamed() {
        func facts(_ reasons: [KernelWord]) -> TracedFacts {
            var facts = TracedFacts()
            for reason in reasons { facts.take(event(.dropped(reason: reason))) }
            return facts
        }
        let rule = KernelWord.netfilterDrop
        for reasons in [[rule, rule, "TC_INGRESS"], ["TC_INGRESS", rule, rule], [rule, "TC_INGRESS", rule]] {
            let facts = facts(reasons)
            #expect(facts.dropReason == rule && facts.drops == 2 && facts.ruleDropTime != nil, "\(reasons)")
        }
        let alternating = facts(Array(repeating: [rule, "TC_INGRESS"], count: 4).flatMap { $0 })
        #expect(alternating.dropReason == rule && alternating.drops == 4)
        let many = facts(["A", "B", "C", "B", "D", "B"])
        #expect(many.dropReason == "A" || many.dropReason == "B")
        // Keep-alives are dropped for this reason after they were answered; nothing is lost.
        #expect(facts([.oldSequence, .oldSequence]).dropReason == nil)
    }

    /// Text that crosses a close() on another processor finds no socket: the RST that answers it may be reported before
    /// the abort's or after.
    @Test(
        arguments: ["TCP_ABORT_ON_CLOSE", "TCP_ABORT_ON_LINGER", "TCP_STATE", "TCP_DISCONNECT_WITH_DATA"]
            as [KernelWord])
    func anAbortIsTheFirstResetInWhicheverOrderTheyAreTold(_ reason: KernelWord) {
        let close = event(.transition(from: .established, to: .closed), pid: 7)
        let abort = event(.resetSent(reason: reason), pid: 7)
        let answer = event(.resetSent(reason: .noSocket))
        for events in [[close, abort, answer], [close, answer, abort], [close, answer, answer, abort, answer]] {
            var facts = TracedFacts()
            for event in events { facts.take(event) }
            #expect(facts.resetReason == reason && facts.resetTime == abort.time)
        }
        // A RST that a socket sends in answer to a segment is not an abort by a process.
        var facts = TracedFacts()
        for event in [answer, event(.resetSent(reason: "TCP_ABORT_ON_DATA"))] { facts.take(event) }
        #expect(facts.resetReason == .noSocket)
    }

    /// The parent connected, and a copy of the socket outlived it in a child.
    @Test func whoseEndClosedIsTheOneThatEnded() {
        var view = KernelSideView()
        view.process = ProcessIdentity(pid: 100, command: "parent", uid: 0)
        view.trace.take(event(.transition(from: .established, to: .finWait1), pid: 101, isEnding: true))
        #expect(!view.wasClosedByExit && view.exitedLatecomer?.pid == 101)
        view.trace.take(event(.transition(from: .established, to: .finWait1), pid: 100, isEnding: true))
        #expect(view.wasClosedByExit && view.exitedLatecomer == nil)
        // The child that accepted, where the parent holds the listener.
        view.listenerProcess = ProcessIdentity(pid: 99, command: "parent", uid: 0)
        #expect(view.exitedLatecomer?.pid == 100)
        view.trace.take(event(.transition(from: .established, to: .finWait1), pid: 100))
        #expect(!view.wasClosedByExit && view.exitedLatecomer == nil)
    }
}
