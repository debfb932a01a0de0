// Who descends from one process, by the kernel's own records of who forked whom: /proc tells nothing of one that has gone, and a
// script's commands are gone in milliseconds.

import TCPModel

/// What the records say of one process and the command.
public struct Kinship: Hashable, Sendable {
    /// Whether it is the command or descends from it.
    public let isDescendant: Bool
    /// Whether all records were read: else its number may be another process's by now.
    public let isCertain: Bool

    /// Kinship as the records tell it.
    public init(isDescendant: Bool, isCertain: Bool) {
        self.isDescendant = isDescendant
        self.isCertain = isCertain
    }
}

/// The family of a command, told by PERF_RECORD_FORK and PERF_RECORD_EXIT of all processors.
///
/// The rings are emptied one after the other: the record of a parent's beginning may come in the reading after its child's.
struct Descendants {
    /// The most processes that are remembered after their end: connections are judged a moment after their events.
    private static let endedLimit = 16_384
    /// Readings for which a beginning waits for that of the parent.
    private static let patience = 2
    /// The most that wait.
    private static let waitingLimit = 4096

    private struct Birth {
        let pid: Int32
        let parent: Int32
        let time: UInt64
        var readings = 0
    }
    private struct Member {
        var isDescendant: Bool
        /// When it began, on the events' clock: numbers are given out again.
        var time: UInt64
    }

    private let command: Int32
    private var processes: [Int32: Member]
    /// Beginnings of this reading, and those whose parent is not known yet.
    private var births: [Birth] = []
    private var ended: Queue<(pid: Int32, time: UInt64)> = Queue()
    /// Ends of this reading: other processors' records of them may be read after theirs.
    private var ending: [Int32] = []
    private var isComplete = true

    /// The descendants of `command`; the `strangers` were there before it.
    init(of command: Int32, strangers: Set<Int32>) {
        self.command = command
        processes = Dictionary(uniqueKeysWithValues: strangers.map { ($0, Member(isDescendant: false, time: 0)) })
        processes[command] = Member(isDescendant: true, time: 0)
    }

    /// Whether a process is the command or descends from it; nil if the records do not tell, or not yet.
    func kinship(of pid: Int32) -> Kinship? {
        processes[pid].map { Kinship(isDescendant: $0.isDescendant, isCertain: isComplete) }
    }

    /// A process has begun.
    mutating func begin(_ pid: Int32, parent: Int32, at time: UInt64) {
        // Its own beginning may be read after it is followed: it is who it is.
        guard pid != command else { return }
        births.append(Birth(pid: pid, parent: parent, time: time))
    }

    /// A process has ended.
    mutating func end(_ pid: Int32) { ending.append(pid) }

    /// All processors have been read: `isComplete` unless records were lost, now or earlier.
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
            // Whose number it was before is not who it is.
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
