// The fields of /proc/PID/stat (proc_pid_stat(5)) that this program uses.

import TCPModel

/// A process's status at the time of reading. Pid and start time together identify a process uniquely.
struct ProcessStatus {
    /// PF_KTHREAD, among the flags (include/linux/sched.h).
    private static let kernelThread: UInt32 = 0x0020_0000
    /// PF_EXITING, among the flags (include/linux/sched.h).
    private static let exiting: UInt32 = 0x0000_0004

    /// The start time, in clock ticks since boot (field 22).
    let startTicks: UInt64
    /// The parent's pid (field 4).
    let parent: Int32
    /// Whether this is a kernel thread (field 9).
    let isKernelThread: Bool
    /// Whether its main thread is exiting or has exited (field 9). Memory and control groups are released before
    /// descriptors.
    let isEnding: Bool
    /// Whether all of its threads have ended (fields 3 and 20) and only the zombie is left. The main thread may end
    /// before the others.
    let hasEnded: Bool
    /// Why the process cannot run (field 3); nil if it can.
    let trouble: ProcessTrouble?

    /// Parses the contents of the file; nil if they are malformed.
    init?(_ stat: [UInt8]) {
        // The name in field 2 may contain anything, including parentheses and spaces: the last `)` ends it.
        guard let nameEnd = stat.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = stat[(nameEnd + 1)...].split(separator: UInt8(ascii: " "))
        func number<Number: FixedWidthInteger>(_ field: Int) -> Number? {
            Number(String(decoding: fields[field - 3], as: UTF8.self))
        }
        guard fields.count > 19, let parent: Int32 = number(4), let flags: UInt32 = number(9),
            let threads: Int = number(20), let startTicks: UInt64 = number(22)
        else { return nil }
        self.startTicks = startTicks
        self.parent = parent
        isKernelThread = flags & Self.kernelThread != 0
        isEnding = flags & Self.exiting != 0
        let state = fields[0].first
        hasEnded = state == UInt8(ascii: "Z") && threads <= 1
        trouble =
            switch state {
            case UInt8(ascii: "T"): .stopped
            case UInt8(ascii: "t"): .traced
            default: nil
            }
    }
}
