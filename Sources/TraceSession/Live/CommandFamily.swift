// Identifies the processes of the traced command: itself and its descendants.

import KernelSockets
import TCPModel

/// The kernel's fork records identify them, even if they have ended. Where these say nothing, /proc is asked for a
/// process's ancestors, and the answer is cached: on a busy host one process has thousands of connections.
struct CommandFamily {
    /// How long an answer is valid, in nanoseconds. Process ids are assigned in rotation, so it takes longer than this
    /// until one is reused.
    static let memory = Span.second
    private static let limit = 8192

    /// The command's process id.
    let command: Int32
    /// Our own process id: processes that the command's descendants leave behind become our children.
    private let own: Int32
    private var answers: [Int32: (isMember: Bool, until: Int64)] = [:]

    /// Creates the family of the process `command`, which `own` started.
    init(of command: Int32, startedBy own: Int32) {
        self.command = command
        self.own = own
    }

    /// Whether a process belongs to the family; nil if that is unknown, or not known yet. `recorded` is the kinship
    /// from the kernel's records, if any; `lineage` returns a process and its ancestors, or nothing for one that has
    /// ended.
    mutating func contains(
        _ pid: Int32, at now: Int64, recorded: Kinship? = nil, lineage: (Int32) -> [Int32]
    ) -> Bool? {
        if pid == command { return true }
        if let recorded, recorded.isCertain { return recorded.isDescendant }
        let known = answers[pid]
        if let known, now < known.until { return known.isMember }
        let line = lineage(pid)
        // A process that has ended keeps its last known answer.
        let told = line.isEmpty ? known?.isMember ?? recorded?.isDescendant : pid != own && line.contains(own)
        guard let isMember = told else { return nil }
        note(pid, isMember, at: now)
        return isMember
    }

    /// Remembers a descendant that has ended: while it was our child it may never have been looked up, and /proc no
    /// longer has it.
    mutating func remember(_ pid: Int32, at now: Int64) { note(pid, true, at: now) }

    private mutating func note(_ pid: Int32, _ isMember: Bool, at now: Int64) {
        if answers.count >= Self.limit { answers.removeAll(keepingCapacity: true) }
        answers[pid] = (isMember, now &+ Self.memory)
    }
}
