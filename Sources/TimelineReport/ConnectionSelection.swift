// Which connections a user wants to see: --state, --outcome, --pid, --pname. (Filter words choose packets, not these.)

import TCPMachine
public import TCPModel
public import TCPTimeline

/// A choice of connections, made when one is over; empty criteria choose all.
public struct ConnectionSelection: Sendable {
    /// States of which either endpoint must be in one at the end.
    public var states: [TCPState] = []
    /// Outcomes of which it must have one.
    public var outcomes: [Outcome] = []
    /// Processes of which one must own an end.
    public var processIDs: [Int32] = []
    /// Names of processes of which one must own an end.
    public var processNames: [String] = []

    /// Whether an end must be the traced command's.
    public var ofCommand = false

    /// Everything.
    public init() {}

    /// Whether there is any criterion.
    public var isEverything: Bool {
        states.isEmpty && outcomes.isEmpty && processIDs.isEmpty && processNames.isEmpty && !ofCommand
    }

    /// Whether to show `connection`.
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

    /// Whether processes are chosen.
    public var choosesProcesses: Bool { !(processIDs.isEmpty && processNames.isEmpty) }

    /// Whether one of the chosen processes owns an end.
    public func isOfChosenProcess(_ kernel: KernelView) -> Bool {
        kernel.owners.contains { processIDs.contains($0.pid) || processNames.contains($0.command) }
    }
}
