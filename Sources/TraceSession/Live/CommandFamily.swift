// Which processes belong to the command that is traced: itself and its descendants.

import KernelSockets
import TCPModel

/// The kernel's records of who forked whom tell it of those that have gone, too. Where they do not, /proc is asked for a process's
/// ancestors, and the answer remembered: on a busy host one process has thousands of connections.
struct CommandFamily {
    /// How long an answer is good, in nanoseconds. Numbers of processes are given out in turn: until all of them were, and this one
    /// is another's, takes longer.
    static let memory = Span.second
    private static let limit = 8192

    /// The command's process.
    let command: Int32
    /// Our own: what is left behind by its descendants becomes our child.
    private let own: Int32
    private var answers: [Int32: (isMember: Bool, until: Int64)] = [:]

    /// The family of the process `command`, which `own` started.
    init(of command: Int32, startedBy own: Int32) {
        self.command = command
        self.own = own
    }

    /// Whether a process belongs to it; nil if that cannot be told, or not yet. `recorded` is what the kernel's records say, if they
    /// say anything; `lineage` tells a process and its ancestors, and nothing of one that has gone.
    mutating func contains(
        _ pid: Int32, at now: Int64, recorded: Kinship? = nil, lineage: (Int32) -> [Int32]
    ) -> Bool? {
        if pid == command { return true }
        if let recorded, recorded.isCertain { return recorded.isDescendant }
        let known = answers[pid]
        if let known, now < known.until { return known.isMember }
        let line = lineage(pid)
        // Who has gone is what he was.
        let told = line.isEmpty ? known?.isMember ?? recorded?.isDescendant : pid != own && line.contains(own)
        guard let isMember = told else { return nil }
        note(pid, isMember, at: now)
        return isMember
    }

    /// A descendant that has ended: while it was our child nobody need have asked, and afterwards /proc does not tell.
    mutating func remember(_ pid: Int32, at now: Int64) { note(pid, true, at: now) }

    private mutating func note(_ pid: Int32, _ isMember: Bool, at now: Int64) {
        if answers.count >= Self.limit { answers.removeAll(keepingCapacity: true) }
        answers[pid] = (isMember, now &+ Self.memory)
    }
}
