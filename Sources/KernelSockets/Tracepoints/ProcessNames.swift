// Identifies a process at the time of an event: read from /proc once, then updated by the kernel's records of new names
// and exits.

import Glibc
import TCPModel

/// The processes that recently acted on sockets.
///
/// A process may be gone before it is looked up. It then has the name of the process that forked it, unless the kernel
/// has reported a new name since. For that reason the names of all processes are read once at the start.
struct ProcessNames {
    private let root: String
    /// Identities read from /proc, each with the monotonic time in nanoseconds when it was last checked: some kernels
    /// do not report every new name (see `TracepointSource.stop`).
    private var known: [Int32: (process: ProcessIdentity, time: Int64)] = [:]
    /// How long an identity is trusted without being checked again, in nanoseconds.
    private static let lifetime = 100 * Span.millisecond
    /// The name reported for a process, or for the one that forked it.
    private struct Word {
        var name: String
        /// The user id; `.max` = unknown.
        var uid: UInt32
        var details: ProcessDetails?
        /// The time of the report, on perf's clock.
        var time: UInt64 = 0
    }

    /// Reported names, for processes that may be gone before they are looked up, with user and details if known.
    private var told: [Int32: Word] = [:]
    /// The parents of processes whose names were unknown at fork: the events of two CPUs are not read in order.
    private var parents: [Int32: Int32] = [:]
    /// Processes renamed in this reading: their fork record may be read later, from another CPU.
    private var renamed: Set<Int32> = []
    private static let limit = 8192
    private static let toldLimit = 65_536
    private static let generations = 16

    /// The processes that existed when their names were read at the start.
    private(set) var atStart: Set<Int32> = []

    init(root: String = "/proc") { self.root = root }

    /// Reads the names of all existing processes.
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

    /// The process's identity; nil if it is gone and was never reported.
    mutating func identity(_ pid: Int32) -> ProcessIdentity? {
        let now = monotonicNow()
        if let (process, time) = known[pid] {
            if now - time < Self.lifetime { return process }
            // A process that is gone keeps its last known name.
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

    /// Reads the process from /proc, once: with few system calls, none of which can block on another process.
    private func read(_ pid: Int32) -> ProcessIdentity? {
        guard let directory = ProcessDirectory(root: root, pid: pid) else { return nil }
        return directory.identity()?.process.with(directory.details())
    }

    /// The name reported for a process, or for its nearest known ancestor by fork.
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

    /// Records that a process changed its name, or ran another program (perhaps as another user), at `time`. The rings
    /// of two processors are read one after the other, so an older name may be read after a newer one.
    mutating func rename(_ pid: Int32, _ name: String, at time: UInt64) {
        known[pid] = nil
        let isOlder = renamed.contains(pid) && (told[pid]?.time ?? 0) > time
        renamed.insert(pid)
        if !isOlder { tell(pid, Word(name: name, uid: .max, time: time)) }
    }

    /// Discards the cached identities after events were lost: exits, pid reuse and new names may be among them.
    /// Existing processes are read again; those that are gone keep their reported names.
    mutating func distrust() { known.removeAll(keepingCapacity: true) }

    /// Ends a reading of all CPUs' records.
    mutating func endReading() { renamed.removeAll(keepingCapacity: true) }

    private mutating func tell(_ pid: Int32, _ word: Word) {
        if told.count >= Self.toldLimit { told.removeAll(keepingCapacity: true) }
        told[pid] = word
    }

    /// Records that a process was forked: it inherits its parent's name.
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

    /// Records that a process has ended: its pid may soon be reused.
    mutating func exit(_ pid: Int32) {
        renamed.remove(pid)
        known[pid] = nil
        told[pid] = nil
        parents[pid] = nil
    }
}
