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
    /// By process number, those with the least: what is told depends on nothing else.
    private var others: [Int32: String] = [:]
    private var hasMore = false

    init(_ selection: ConnectionSelection) { self.selection = selection }

    /// Takes in any connection that is over.
    mutating func note(_ kernel: KernelView?) {
        guard selection.choosesProcesses, !isMet, let kernel else { return }
        isMet = selection.isOfChosenProcess(kernel)
        for owner in kernel.owners { add(owner.pid, owner.command) }
    }

    private mutating func add(_ pid: Int32, _ name: String) {
        guard others.updateValue(name, forKey: pid) == nil, others.count > Self.most else { return }
        hasMore = true
        if let last = others.keys.max() { others[last] = nil }
    }

    /// Takes over what a part has noted.
    mutating func add(_ part: ProcessChoice) {
        isMet = isMet || part.isMet
        hasMore = hasMore || part.hasMore
        for (pid, name) in part.others { add(pid, name) }
    }

    /// What to say at the end; nil if it was met, or nothing was chosen.
    var sentence: String? {
        guard selection.choosesProcesses, !isMet else { return nil }
        let wanted =
            selection.processNames.map { "--pname \(printable($0))" } + selection.processIDs.map { "--pid \($0)" }
        let names = others.sorted { $0.key < $1.key }.map { "\(printable($0.value)) (\($0.key))" }
        let rest = hasMore ? " and others" : ""
        return "no connection of \(wanted.joined(separator: ", ")); "
            + (names.isEmpty
                ? "no process of any was seen" : "there were those of \(names.joined(separator: ", "))\(rest)")
    }
}
