// Tracks the descendants of one process by the kernel's own fork records. /proc shows nothing of a process that is
// gone, and the commands of a script are gone within milliseconds.

import TCPModel

/// A process's relation to the followed command, according to the kernel's records.
public struct Kinship: Hashable, Sendable {
    /// Whether the process is the command or one of its descendants.
    public let isDescendant: Bool
    /// Whether all records were read. If not, the pid may have been reused by another process.
    public let isCertain: Bool

    /// A relation with these properties.
    public init(isDescendant: Bool, isCertain: Bool) {
        self.isDescendant = isDescendant
        self.isCertain = isCertain
    }
}

/// The family of a command, from PERF_RECORD_FORK and PERF_RECORD_EXIT on all processors.
///
/// The rings are drained one after the other, so the fork record of a parent may be read one reading after its child's.
struct Descendants {
    /// The maximum number of ended processes that are remembered: connections are classified shortly after their
    /// events.
    private static let endedLimit = 16_384
    /// The number of readings for which a fork record waits for its parent's.
    private static let patience = 2
    /// The maximum number of waiting fork records.
    private static let waitingLimit = 4096

    private struct Birth {
        let pid: Int32
        let parent: Int32
        let time: UInt64
        var readings = 0
    }
    private struct Member {
        var isDescendant: Bool
        /// When it was forked, on the events' clock: pids are reused.
        var time: UInt64
    }

    private let command: Int32
    private var processes: [Int32: Member]
    /// The fork records of this reading, and earlier ones whose parent is not known yet.
    private var births: [Birth] = []
    private var ended: Queue<(pid: Int32, time: UInt64)> = Queue()
    /// The exits of this reading: records of these processes from other processors may be read later.
    private var ending: [Int32] = []
    private var isComplete = true

    /// Tracks the descendants of `command`. `strangers` are the processes that existed before it.
    init(of command: Int32, strangers: Set<Int32>) {
        self.command = command
        processes = Dictionary(uniqueKeysWithValues: strangers.map { ($0, Member(isDescendant: false, time: 0)) })
        processes[command] = Member(isDescendant: true, time: 0)
    }

    /// Whether a process is the command or descends from it; nil if the records do not show it, or not yet.
    func kinship(of pid: Int32) -> Kinship? {
        processes[pid].map { Kinship(isDescendant: $0.isDescendant, isCertain: isComplete) }
    }

    /// Records that a process was forked.
    mutating func begin(_ pid: Int32, parent: Int32, at time: UInt64) {
        // The command's own fork record may be read after it is followed; its relation is already known.
        guard pid != command else { return }
        births.append(Birth(pid: pid, parent: parent, time: time))
    }

    /// Records that a process has ended.
    mutating func end(_ pid: Int32) { ending.append(pid) }

    /// Ends a reading of all processors' records. `isComplete` is false if records were lost, now or earlier.
    mutating func endReading(isComplete: Bool) {
        self.isComplete = isComplete
        // Parents before their children.
        births.sort { $0.time < $1.time }
        var waiting: [Birth] = []
        for var birth in births {
            if let parent = processes[birth.parent] {
                processes[birth.pid] = Member(isDescendant: parent.isDescendant, time: birth.time)
                continue
            }
            // The pid was reused: what is known of its previous process does not apply.
            processes[birth.pid] = nil
            birth.readings += 1
            if birth.readings < Self.patience && waiting.count < Self.waitingLimit { waiting.append(birth) }
        }
        births = waiting
        for pid in ending where pid != command {
            if let process = processes[pid] { ended.append((pid, process.time)) }
        }
        ending.removeAll(keepingCapacity: true)
        while ended.count > Self.endedLimit, let (pid, time) = ended.popFirst() {
            if processes[pid]?.time == time { processes[pid] = nil }
        }
    }
}
