// Who of the command that is traced, and of its descendants, has called connect().

/// Processes of the command's own that called. Whoever has ended by the end of the trace could not be told from strangers then.
struct CommandCallers {
    /// In how many turns it is asked whether a caller is the command's: its beginning may be read after its call.
    private static let askedTurns = 4

    /// In this network namespace, or in another one over an interface whose addresses tell.
    private(set) var here: Set<Int32> = []
    /// Over the loopback interface of another network namespace.
    private(set) var elsewhere: Set<Int32> = []
    /// Who called and may be one of them: for how many more turns that is asked.
    private var possible: [Int32: (turns: Int, isElsewhere: Bool)] = [:]

    /// A process called connect().
    mutating func note(_ pid: Int32, isElsewhere: Bool) {
        guard !(isElsewhere ? elsewhere : here).contains(pid) else { return }
        possible[pid] = (Self.askedTurns, isElsewhere)
    }

    /// Asks of those that may be the command's whether they are; nil: it cannot be told yet.
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
