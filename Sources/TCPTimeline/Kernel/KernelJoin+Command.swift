// Which connections belong to the command that is traced: judged by the processes at their ends.

import TCPModel

extension KernelJoin {
    /// Judges the processes that were found since the last call; `isOfCommand` says whether a process belongs to the command.
    /// Once a connection was the command's it stays so, whoever holds its sockets later.
    public mutating func judge(_ isOfCommand: (Int32) -> Bool) {
        forEachView { view in
            for side in [Side.originator, .responder] {
                guard let pid = (view[side].process ?? view[side].listenerProcess)?.pid, view[side].judged?.pid != pid
                else { continue }
                let verdict = isOfCommand(pid)
                view[side].judged = (pid, verdict)
                if verdict { view[side].isOfCommand = true }
            }
        }
    }

    /// Whether a connection of the command is not over.
    public func hasOpenConnectionOfCommand(_ timeline: borrowing Timeline) -> Bool {
        containsView { $1.isOfCommand && !timeline[$0].isEnded }
    }
}
