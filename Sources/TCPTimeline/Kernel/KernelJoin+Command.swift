// Which connections belong to the command that is traced: judged by the processes at their ends.
//
// On a busy host most connections are strangers', thousands a second: so only those are looked at whose process is new.

import TCPModel

extension KernelJoin {
    /// Judges the processes that were found since the last call; `isOfCommand` says whether a process belongs to the command. It is asked
    /// again about those of which it cannot tell that (nil), as long as the connection is watched.
    /// Once a connection was the command's it stays so, whoever holds its sockets later.
    public mutating func judge(_ isOfCommand: (Int32) -> Bool?) {
        guard !unjudged.isEmpty else { return }
        var open: [EndpointReference] = []
        for end in unjudged where number(of: end.id) == end.number {
            var isFound = false
            update(end.id, end.side) { view in
                guard let pid = (view.process ?? view.listenerProcess)?.pid, view.judged?.pid != pid else { return }
                guard let verdict = isOfCommand(pid) else { return open.append(end) }
                view.judged = (pid, verdict)
                guard verdict else { return }
                view.isOfCommand = true
                isFound = true
            }
            if isFound {
                commandConnections.insert(end.id)
                hasSeenCommand = true
            }
        }
        unjudged = open
    }

    /// Nobody asks whose connections are whose: there is no command.
    public mutating func judgeNobody() { unjudged.removeAll(keepingCapacity: true) }

    /// A process was found at this end.
    mutating func noteProcess(_ id: ConnectionID, _ side: Side) {
        guard let number = number(of: id) else { return }
        unjudged.append(EndpointReference(id: id, number: number, side: side))
    }

    /// Whether a connection of the command is not over.
    public func hasOpenConnectionOfCommand(_ timeline: borrowing Timeline) -> Bool {
        // Most of them begin and end; what is not watched any more is not among them.
        for id in commandConnections where !timeline[id].isEnded { return true }
        return false
    }
}
