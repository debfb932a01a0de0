// Which connections belong to the traced command, judged by the processes at their ends.
//
// On a busy host most connections are strangers', thousands a second, so only those with a new process are examined.

import TCPModel

/// The connections of the traced command, as far as they are watched.
struct CommandConnections {
    /// Ends whose process was found but has not been judged yet.
    private(set) var unjudged: [EndpointReference] = []
    private var connections: Set<ConnectionID> = []
    /// Whether there ever was one, even if it has been forgotten since.
    private(set) var hadAny = false

    /// A process was found at this end.
    mutating func noteProcess(at end: EndpointReference) { unjudged.append(end) }

    /// A connection is no longer watched.
    mutating func forget(_ id: ConnectionID) {
        if !connections.isEmpty { connections.remove(id) }
    }

    /// Judges the processes found since the last call: see `KernelJoin.judge`.
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

    /// Discards the ends to be judged: there is no command.
    mutating func judgeNobody() { unjudged.removeAll(keepingCapacity: true) }

    /// Whether any of them has not ended.
    func hasOpen(_ timeline: borrowing Timeline) -> Bool {
        // Most of them end; those no longer watched have been removed.
        for id in connections where !timeline[id].isEnded { return true }
        return false
    }
}

extension KernelJoin {
    /// Whether any connection belonged to the command, even if it has been forgotten since.
    public var hasSeenCommand: Bool { command.hadAny }

    /// Judges the processes found since the last call; `isOfCommand` decides whether a process belongs to the command.
    /// If it cannot decide yet (nil), it is asked again as long as the connection is watched. Once a connection has
    /// belonged to the command it stays so, whoever holds its sockets later.
    public mutating func judge(_ isOfCommand: (Int32) -> Bool?) { command.judge(&views, isOfCommand) }

    /// Discards the processes to be judged: there is no command.
    public mutating func judgeNobody() { command.judgeNobody() }

    /// Whether a connection of the command has not ended.
    public func hasOpenConnectionOfCommand(_ timeline: borrowing Timeline) -> Bool { command.hasOpen(timeline) }

    /// A process was found at this end.
    mutating func noteProcess(_ id: ConnectionID, _ side: Side) {
        guard let number = number(of: id) else { return }
        command.noteProcess(at: EndpointReference(id: id, number: number, side: side))
    }
}
