// What /proc/PID/stat says of a process (proc_pid_stat(5)), as far as it is asked for.

import TCPModel

/// One process as it is now. Together with its pid the start time names it beyond doubt.
struct ProcessStatus {
    /// PF_KTHREAD among the flags (include/linux/sched.h).
    private static let kernelThread: UInt32 = 0x0020_0000
    /// PF_EXITING, likewise.
    private static let exiting: UInt32 = 0x0000_0004

    /// When it started, in clock ticks since boot (field 22).
    let startTicks: UInt64
    /// Its parent (field 4).
    let parent: Int32
    /// Whether it is a thread of the kernel's own (field 9).
    let isKernelThread: Bool
    /// Whether its first thread is ending or has ended (field 9): its memory and its groups are given up before its descriptors are.
    let isEnding: Bool
    /// Whether all of its threads have ended (fields 3 and 20), and its parent has not asked for it yet: its first thread may end before
    /// others do.
    let hasEnded: Bool
    /// Why it does not run (field 3); nil if it may.
    let trouble: ProcessTrouble?

    /// Reads the file's octets; nil if they are none.
    init?(_ stat: [UInt8]) {
        // The name in field 2 may hold anything, parentheses and spaces too: the last `)` ends it.
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
