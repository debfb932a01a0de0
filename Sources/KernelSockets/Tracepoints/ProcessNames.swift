// Who a pid is at the moment of an event: asked of /proc once, and told by the kernel when a name changes or a process ends.

import TCPModel

/// The processes that acted on sockets lately.
struct ProcessNames {
    private let root: String
    private var known: [Int32: ProcessIdentity] = [:]
    /// Names that the kernel told, for processes that may be gone before they are looked up.
    private var told: [Int32: String] = [:]
    private static let limit = 8192

    init(root: String = "/proc") { self.root = root }

    /// The process; nil if it has gone and was never heard of.
    mutating func identity(_ pid: Int32) -> ProcessIdentity? {
        if let process = known[pid] { return process }
        let process =
            ProcessDirectory(root: root, pid: pid)?.identity()?.process
            ?? told[pid].map { ProcessIdentity(pid: pid, command: $0, uid: .max) }
        if known.count >= Self.limit { known.removeAll(keepingCapacity: true) }
        known[pid] = process
        return process
    }

    /// A process has another name, or runs another program (as another user, perhaps).
    mutating func rename(_ pid: Int32, _ name: String) {
        known[pid] = nil
        if told.count >= Self.limit { told.removeAll(keepingCapacity: true) }
        told[pid] = name
    }

    /// A process has begun: it has its parent's name.
    mutating func fork(_ pid: Int32, parent: Int32) {
        known[pid] = nil
        told[pid] = nil
        guard let name = told[parent] ?? known[parent]?.command else { return }
        if told.count >= Self.limit { told.removeAll(keepingCapacity: true) }
        told[pid] = name
    }

    /// A process has ended: its number may be another's soon.
    mutating func exit(_ pid: Int32) {
        known[pid] = nil
        told[pid] = nil
    }
}
