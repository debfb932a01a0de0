// With a traced command: which processes belong to it, and which of them called connect().

import Glibc
import KernelSockets
import TCPModel
import TCPTimeline

extension KernelWatcher {
    /// From now on this process and its descendants are the traced command.
    mutating func follow(_ command: Int32) {
        family = CommandFamily(of: command, startedBy: getpid())
        trace.follow(command)
    }

    /// Remembers descendants of the command that have ended, as their events are yet to be read.
    mutating func remember(ofCommand ended: [Int32]) {
        for pid in ended { family?.remember(pid, at: monotonicNow()) }
    }

    /// With a command: notes which of its processes have called connect().
    mutating func noteCallers() {
        // Taken out and put back, as in `judgeProcesses`.
        guard var members = family.take() else { return }
        let now = monotonicNow()
        for event in events where event.kind == .transition(from: .closed, to: .synSent) && event.isProcessContext {
            callers.note(event.pid, isElsewhere: false)
        }
        for pid in trace.takeCallersElsewhere() { callers.note(pid, isElsewhere: true) }
        callers.judge { pid in
            members.contains(pid, at: now, recorded: trace.kinship(of: pid)) { owners.lineage(of: $0) }
        }
        family = members
    }

    /// With a command: decides which of the processes found belong to it.
    mutating func judgeProcesses() {
        // Taken out and put back, because asking changes the cache.
        guard var members = family.take() else { return join.judgeNobody() }
        let now = monotonicNow()
        join.judge { pid in
            members.contains(pid, at: now, recorded: trace.kinship(of: pid)) { owners.lineage(of: $0) }
        }
        family = members
    }
}
