// `--pid` and `--pname`: reports when no chosen process had a connection, and which processes had one instead.

import TCPModel
import TCPTimeline
import TimelineReport

/// Whether any connection belonged to the chosen processes, and some of the processes that had connections.
struct ProcessChoice: Sendable {
    /// Processes to name at most.
    static let most = 8

    private let selection: ConnectionSelection
    private var isMet = false
    private var hasConnections = false
    /// The alphabetically first names, each with its smallest process id, so that the message does not depend on the
    /// order of connections.
    private var others: [String: Int32] = [:]
    private var hasMore = false

    init(_ selection: ConnectionSelection) { self.selection = selection }

    /// Takes in a finished connection.
    mutating func note(_ kernel: KernelView?) {
        guard selection.choosesProcesses, !isMet else { return }
        // Connections that are not the traced command's are not shown, whichever process they belong to.
        guard !selection.ofCommand || kernel?.isOfCommand == true else { return }
        hasConnections = true
        guard let kernel else { return }
        isMet = selection.isOfChosenProcess(kernel)
        for owner in kernel.owners { add(owner.command, owner.pid) }
    }

    private mutating func add(_ name: String, _ pid: Int32) {
        others[name] = min(pid, others[name] ?? pid)
        guard others.count > Self.most, let last = others.keys.max() else { return }
        hasMore = true
        others[last] = nil
    }

    /// Merges the notes of a part of the replay.
    mutating func add(_ part: ProcessChoice) {
        isMet = isMet || part.isMet
        hasConnections = hasConnections || part.hasConnections
        hasMore = hasMore || part.hasMore
        for (name, pid) in part.others { add(name, pid) }
    }

    /// The message for the end of the trace; nil if a chosen process had a connection, if none was chosen, or if there
    /// was no connection to choose from.
    var sentence: String? {
        guard selection.choosesProcesses, hasConnections, !isMet else { return nil }
        let wanted =
            selection.processNames.map { "--pname \($0.isEmpty ? "''" : printable($0))" }
            + selection.processIDs.map { "--pid \($0)" }
        let names = others.sorted { $0.key < $1.key }.map { "\(printable($0.key)) (\($0.value))" }
        let rest = hasMore ? " and others" : ""
        return "no connection of \(wanted.joined(separator: ", ")); "
            + (names.isEmpty
                ? "no process was seen for any" : "there were connections of \(names.joined(separator: ", "))\(rest)")
    }
}
