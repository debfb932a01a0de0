// The user's selection of connections: --state, --outcome, --pid, --pname. (Filter expressions select packets instead.)

import TCPMachine
public import TCPModel
public import TCPTimeline

/// A selection of connections, applied when a connection is over. Empty criteria select everything.
public struct ConnectionSelection: Sendable {
    /// The states of which at least one endpoint must be in one at the end.
    public var states: [TCPState] = []
    /// The outcomes of which the connection must have one.
    public var outcomes: [Outcome] = []
    /// The ids of the processes of which one must own an end.
    public var processIDs: [Int32] = []
    /// The names of the processes of which one must own an end.
    public var processNames: [String] = []

    /// Whether one end must belong to the traced command.
    public var ofCommand = false

    /// Selects everything.
    public init() {}

    /// Whether no criterion is set.
    public var isEverything: Bool {
        states.isEmpty && outcomes.isEmpty && processIDs.isEmpty && processNames.isEmpty && !ofCommand
    }

    /// Whether `connection` is selected.
    public func shows(_ connection: Connection, _ kernel: KernelView?) -> Bool {
        if isEverything { return true }
        if ofCommand && kernel?.isOfCommand != true { return false }
        if !states.isEmpty {
            let ends = [connection.endpoint(.originator).state, connection.endpoint(.responder).state]
            if !ends.contains(where: states.contains) { return false }
        }
        if !outcomes.isEmpty && !outcomes.contains(connection.outcome) { return false }
        return !choosesProcesses || kernel.map(isOfChosenProcess) == true
    }

    /// Whether there are criteria for processes.
    public var choosesProcesses: Bool { !(processIDs.isEmpty && processNames.isEmpty) }

    /// Whether one of the selected processes owns an end.
    public func isOfChosenProcess(_ kernel: KernelView) -> Bool {
        kernel.owners.contains { processIDs.contains($0.pid) || processNames.contains($0.command) }
    }
}
