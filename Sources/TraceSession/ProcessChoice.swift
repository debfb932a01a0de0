// `--pid` and `--pname`: says so when nobody they name had a connection, and who had one instead.

import TCPModel
import TCPTimeline
import TimelineReport

/// Whether any connection was of the chosen processes, and some of the processes that there were.
struct ProcessChoice: Sendable {
    /// How many processes are named, at most.
    static let most = 8

    private let selection: ConnectionSelection
    private var isMet = false
    private var hasConnections = false
    /// By name, the first ones in their order, each with its least process number: what is told depends on nothing else.
    private var others: [String: Int32] = [:]
    private var hasMore = false

    init(_ selection: ConnectionSelection) { self.selection = selection }

    /// Takes in any connection that is over.
    mutating func note(_ kernel: KernelView?) {
        guard selection.choosesProcesses, !isMet else { return }
        // Those that are not the traced command's are not shown, whoever's they are.
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

    /// Takes over what a part has noted.
    mutating func add(_ part: ProcessChoice) {
        isMet = isMet || part.isMet
        hasConnections = hasConnections || part.hasConnections
        hasMore = hasMore || part.hasMore
        for (name, pid) in part.others { add(name, pid) }
    }

    /// What to say at the end; nil if it was met, nothing was chosen, or there was no connection to choose from.
    var sentence: String? {
        guard selection.choosesProcesses, hasConnections, !isMet else { return nil }
        let wanted =
            selection.processNames.map { "--pname \($0.isEmpty ? "''" : printable($0))" }
            + selection.processIDs.map { "--pid \($0)" }
        let names = others.sorted { $0.key < $1.key }.map { "\(printable($0.key)) (\($0.value))" }
        let rest = hasMore ? " and others" : ""
        return "no connection of \(wanted.joined(separator: ", ")); "
            + (names.isEmpty
                ? "no process of any was seen" : "there were those of \(names.joined(separator: ", "))\(rest)")
    }
}
