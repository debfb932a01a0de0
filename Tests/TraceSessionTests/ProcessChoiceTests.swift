// A `--pid` or `--pname` that matches no process is reported, whichever part of the trace noted the processes.

import TCPModel
import Testing
import TimelineReport

@testable import TCPTimeline
@testable import TraceSession

@Suite struct ProcessChoiceTests {
    private func view(_ pid: Int32, _ name: String) -> KernelView {
        var view = KernelView()
        view.responder.process = ProcessIdentity(pid: pid, command: name, uid: 0)
        return view
    }

    private func choice(names: [String] = [], ids: [Int32] = []) -> ProcessChoice {
        var selection = ConnectionSelection()
        selection.processNames = names
        selection.processIDs = ids
        return ProcessChoice(selection)
    }

    @Test func nothingIsSaidWhereNobodyWasChosenOrSomebodyWasThere() {
        var none = choice()
        none.note(view(7, "client"))
        #expect(none.sentence == nil)
        var met = choice(names: ["server"], ids: [7])
        met.note(view(8, "other"))
        met.note(view(7, "client"))
        #expect(met.sentence == nil)
        var unmet = choice(names: ["server"], ids: [7])
        unmet.note(view(8, "other"))
        #expect(unmet.sentence != nil)
        // Another part met a matching process.
        unmet.add(met)
        #expect(unmet.sentence == nil)
    }

    @Test func whoSharesASocketIsChosen() {
        var shared = view(7, "master")
        shared.responder.sharers = [
            SocketHolder(process: ProcessIdentity(pid: 8, command: "worker", uid: 0), descriptor: 3)
        ]
        for chosen in [choice(names: ["worker"]), choice(ids: [8]), choice(ids: [7])] {
            var chosen = chosen
            chosen.note(shared)
            #expect(chosen.sentence == nil)
        }
    }

    @Test func whoseConnectionsAreNotShownDoNotCount() {
        var selection = ConnectionSelection()
        selection.processNames = ["client"]
        selection.ofCommand = true
        var unmet = ProcessChoice(selection)
        unmet.note(view(7, "client"))
        #expect(unmet.sentence == nil)
        var command = view(8, "other")
        command.responder.isOfCommand = true
        unmet.note(command)
        #expect(unmet.sentence == "no connection of --pname client; there were connections of other (8)")
    }

    @Test func whoWasThereIsNamedInOneOrderWithoutEscapeCodes() {
        var all = choice(names: ["sever"])
        #expect(all.sentence == nil, "without any connection there is nothing to say")
        all.note(nil)
        #expect(all.sentence == "no connection of --pname sever; no process was seen for any")
        all.note(view(9, "b\u{1b}[2J"))
        all.note(view(14, "a"))
        all.note(view(11, "b\u{1b}[2J"))
        #expect(all.sentence == #"no connection of --pname sever; there were connections of a (14), b\x1b[2J (9)"#)
    }

    @Test func theSameAreNamedHoweverTheyAreDivided() {
        let pids = (1...200).map { Int32($0 * 37 % 211) }
        var whole = choice(ids: [1000])
        for pid in pids { whole.note(view(pid, "p\(pid % 50)")) }
        for parts in [2, 8] {
            var divided = (0..<parts).map { _ in choice(ids: [1000]) }
            for (index, pid) in pids.enumerated() { divided[index % parts].note(view(pid, "p\(pid % 50)")) }
            var sum = divided[0]
            for part in divided.dropFirst() { sum.add(part) }
            #expect(sum.sentence == whole.sentence)
        }
        let names = Dictionary(pids.map { ("p\($0 % 50)", $0) }, uniquingKeysWith: min).sorted { $0.key < $1.key }
        let named = names.prefix(ProcessChoice.most).map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
        #expect(whole.sentence == "no connection of --pid 1000; there were connections of \(named) and others")
    }
}
