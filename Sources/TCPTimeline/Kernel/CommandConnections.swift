// Which connections belong to the command that is traced: judged by the processes at their ends.
//
// On a busy host most connections are strangers', thousands a second: so only those are looked at whose process is new.

import TCPModel

/// The connections of the command that is traced, as far as they are watched.
struct CommandConnections {
    /// Ends whose process was found and has not been judged.
    private(set) var unjudged: [EndpointReference] = []
    private var connections: Set<ConnectionID> = []
    /// Whether there was any, one that is forgotten too.
    private(set) var hadAny = false

    /// A process was found at this end.
    mutating func noteProcess(at end: EndpointReference) { unjudged.append(end) }

    /// A connection is not watched any more.
    mutating func forget(_ id: ConnectionID) {
        if !connections.isEmpty { connections.remove(id) }
    }

    /// Judges the processes that were found since the last call: see `KernelJoin.judge`.
    mutating func judge(_ views: inout KernelViews, _ isOfCommand: (Int32) -> Bool?) {
        guard !unjudged.isEmpty else { return }
        var open: [EndpointReference] = []
        for end in unjudged where views.number(of: end.id) == end.number {
            var isFound = false
            views.update(end.id, end.side) { view in
                guard let pid = (view.process ?? view.listenerProcess)?.pid, view.judged?.pid != pid else { return }
                guard let verdict = isOfCommand(pid) else { return open.append(end) }
                view.judged = (pid, verdict)
                guard verdict else { return }
                view.isOfCommand = true
                isFound = true
            }
            if isFound {
                connections.insert(end.id)
                hadAny = true
            }
        }
        unjudged = open
    }

    /// Whose the processes are nobody asks.
    mutating func judgeNobody() { unjudged.removeAll(keepingCapacity: true) }

    /// Whether one of them is not over.
    func hasOpen(_ timeline: borrowing Timeline) -> Bool {
        // Most of them begin and end; what is not watched any more is not among them.
        for id in connections where !timeline[id].isEnded { return true }
        return false
    }
}

extension KernelJoin {
    /// Whether any connection was the command's, one that is forgotten too.
    public var hasSeenCommand: Bool { command.hadAny }

    /// Judges the processes that were found since the last call; `isOfCommand` says whether a process belongs to the command. It is asked
    /// again about those of which it cannot tell that (nil), as long as the connection is watched.
    /// Once a connection was the command's it stays so, whoever holds its sockets later.
    public mutating func judge(_ isOfCommand: (Int32) -> Bool?) { command.judge(&views, isOfCommand) }

    /// Nobody asks whose connections are whose: there is no command.
    public mutating func judgeNobody() { command.judgeNobody() }

    /// Whether a connection of the command is not over.
    public func hasOpenConnectionOfCommand(_ timeline: borrowing Timeline) -> Bool { command.hasOpen(timeline) }

    /// A process was found at this end.
    mutating func noteProcess(_ id: ConnectionID, _ side: Side) {
        guard let number = number(of: id) else { return }
        command.noteProcess(at: EndpointReference(id: id, number: number, side: side))
    }
}
