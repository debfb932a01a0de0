// The kernel lockdown level (kernel_lockdown(7)), shown as `none [integrity] confidentiality` with the current level in
// brackets.

import Glibc

/// A lockdown level. `confidentiality` disables tracepoints, perf events, and programs that read kernel memory, even
/// for root (LOCKDOWN_TRACEFS, LOCKDOWN_PERF, LOCKDOWN_BPF_READ_KERNEL, include/linux/security.h).
enum KernelLockdown: String {
    case none
    case integrity
    case confidentiality

    /// The running kernel's level; nil if the kernel has no lockdown, or securityfs is not mounted or not readable.
    static func current(folder: String = "/sys/kernel/security") -> KernelLockdown? {
        Descriptor(path: folder, flags: O_RDONLY | O_DIRECTORY)?.contents(of: "lockdown", limit: 256).flatMap(parse)
    }

    /// The level in brackets; nil if there is none or it is unknown.
    static func parse(_ text: [UInt8]) -> KernelLockdown? {
        guard let start = text.firstIndex(of: UInt8(ascii: "[")),
            let end = text[start...].firstIndex(of: UInt8(ascii: "]"))
        else { return nil }
        return KernelLockdown(rawValue: String(decoding: text[(start + 1)..<end], as: UTF8.self))
    }
}
