// Who a pid is at the moment of an event: asked of /proc once, and told by the kernel when a name changes or a process ends.

import Glibc
import TCPModel

/// The processes that acted on sockets lately.
///
/// A process may have gone before it is looked up. Its name is then that of the process that it was forked from, unless the kernel
/// told of another one since; so the names of all processes are read once at the start.
struct ProcessNames {
    private let root: String
    /// Each with when it was last looked at, in monotonic nanoseconds: some kernels do not tell all new names (see
    /// `TracepointSource.stop`).
    private var known: [Int32: (process: ProcessIdentity, time: Int64)] = [:]
    /// How long what was read is believed without being told otherwise, in nanoseconds.
    private static let lifetime = 100 * Span.millisecond
    /// What was told of a process, or of the one that it was forked from.
    private struct Word {
        var name: String
        /// `.max` = not known.
        var uid: UInt32
        var details: ProcessDetails?
        /// When it was told, on perf's clock.
        var time: UInt64 = 0
    }

    /// Names that were told, for processes that may be gone before they are looked up, and the rest where known.
    private var told: [Int32: Word] = [:]
    /// Who forked those whose names were not known then: events of two CPUs are not read in order.
    private var parents: [Int32: Int32] = [:]
    /// Processes with a new name in this reading: their beginning may be read after it, from another CPU.
    private var renamed: Set<Int32> = []
    private static let limit = 8192
    private static let toldLimit = 65_536
    private static let generations = 16

    /// The processes that there were when their names were read.
    private(set) var atStart: Set<Int32> = []

    init(root: String = "/proc") { self.root = root }

    /// Reads the names of the processes that there are.
    mutating func prime() {
        guard let directory = Descriptor(path: root, flags: O_RDONLY | O_DIRECTORY),
            var entries = DirectoryStream(below: directory, name: ".")
        else { return }
        while told.count < Self.toldLimit / 2, let pid = entries.nextNumber() {
            guard let process = ProcessDirectory(root: root, pid: pid)?.identity()?.process else { continue }
            told[pid] = Word(name: process.command, uid: process.uid)
            atStart.insert(pid)
        }
    }

    /// The process; nil if it has gone and was never heard of.
    mutating func identity(_ pid: Int32) -> ProcessIdentity? {
        let now = monotonicNanoseconds()
        if let (process, time) = known[pid] {
            if now - time < Self.lifetime { return process }
            // One that has gone keeps its name.
            let current = ProcessDirectory(root: root, pid: pid)?.identity()?.process ?? process
            if current == process {
                known[pid]?.time = now
                return process
            }
        }
        let process =
            read(pid)
            ?? ancestor(of: pid).map {
                ProcessIdentity(pid: pid, command: $0.name, uid: $0.uid, details: $0.details)
            }
        if known.count >= Self.limit { known.removeAll(keepingCapacity: true) }
        known[pid] = process.map { ($0, now) }
        return process
    }

    /// The process as /proc has it now, once: few system calls, and none that waits for anybody.
    private func read(_ pid: Int32) -> ProcessIdentity? {
        guard let directory = ProcessDirectory(root: root, pid: pid) else { return nil }
        return directory.identity()?.process.with(directory.details())
    }

    /// What was told of a process, or of the one that it was forked from.
    private func ancestor(of pid: Int32) -> Word? {
        var pid = pid
        for _ in 0..<Self.generations {
            if let process = known[pid]?.process {
                return Word(name: process.command, uid: process.uid, details: process.details)
            }
            if let name = told[pid] { return name }
            guard let parent = parents[pid] else { return nil }
            pid = parent
        }
        return nil
    }

    /// A process has had another name, or run another program (as another user, perhaps), since this time. The rings of two processors
    /// are read one after the other: the name that a process had here before may come behind the one that it has there now.
    mutating func rename(_ pid: Int32, _ name: String, at time: UInt64) {
        known[pid] = nil
        let isOlder = renamed.contains(pid) && (told[pid]?.time ?? 0) > time
        renamed.insert(pid)
        if !isOlder { tell(pid, Word(name: name, uid: .max, time: time)) }
    }

    /// Events were lost: the end of a process and the beginning of another one with its number may be among them, and a new name. Who is
    /// there is asked for again; who has gone has what was told.
    mutating func distrust() { known.removeAll(keepingCapacity: true) }

    /// All CPUs have been read.
    mutating func endReading() { renamed.removeAll(keepingCapacity: true) }

    private mutating func tell(_ pid: Int32, _ word: Word) {
        if told.count >= Self.toldLimit { told.removeAll(keepingCapacity: true) }
        told[pid] = word
    }

    /// A process has begun: it has its parent's name.
    mutating func fork(_ pid: Int32, parent: Int32) {
        guard !renamed.contains(pid) else { return }
        known[pid] = nil
        told[pid] = nil
        parents[pid] = nil
        if let name = ancestor(of: parent) {
            tell(pid, name)
        } else {
            if parents.count >= Self.limit { parents.removeAll(keepingCapacity: true) }
            parents[pid] = parent
        }
    }

    /// A process has ended: its number may be another's soon.
    mutating func exit(_ pid: Int32) {
        renamed.remove(pid)
        known[pid] = nil
        told[pid] = nil
        parents[pid] = nil
    }
}
