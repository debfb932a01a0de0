// Processes among the traced command and its descendants that have called connect().

/// The command's processes that called connect(). They are noted during the trace, because a process that has ended can
/// no longer be told from strangers at the end.
struct CommandCallers {
    /// Turns in which to ask whether a caller is the command's: the record of its fork may be read after its call.
    private static let askedTurns = 4

    /// Callers in this network namespace, or in another one over an interface whose addresses identify it.
    private(set) var here: Set<Int32> = []
    /// Callers over the loopback interface of another network namespace.
    private(set) var elsewhere: Set<Int32> = []
    /// Callers that may be the command's: the number of turns in which to ask again, and where they called.
    private var possible: [Int32: (turns: Int, isElsewhere: Bool)] = [:]

    /// Notes that a process called connect().
    mutating func note(_ pid: Int32, isElsewhere: Bool) {
        guard !(isElsewhere ? elsewhere : here).contains(pid) else { return }
        possible[pid] = (Self.askedTurns, isElsewhere)
    }

    /// Asks whether the possible callers belong to the command; the closure returns nil if that is not known yet.
    mutating func judge(_ isOfCommand: (Int32) -> Bool?) {
        for (pid, call) in possible {
            let verdict = isOfCommand(pid)
            if verdict == true {
                if call.isElsewhere { elsewhere.insert(pid) } else { here.insert(pid) }
            }
            possible[pid] = verdict == nil && call.turns > 1 ? (call.turns - 1, call.isElsewhere) : nil
        }
    }
}
