// Whether the kernel hides itself even from root (kernel_lockdown(7)): `none [integrity] confidentiality`, the present level in brackets.

import Glibc

/// A level of lockdown. With `confidentiality` there are no tracepoints, no perf events, and no programs that read the kernel's memory
/// (LOCKDOWN_TRACEFS, LOCKDOWN_PERF, LOCKDOWN_BPF_READ_KERNEL, include/linux/security.h).
enum KernelLockdown: String {
    case none
    case integrity
    case confidentiality

    /// The running kernel's; nil where it has no lockdown, or securityfs is not mounted or not for us to read.
    static func current(folder: String = "/sys/kernel/security") -> KernelLockdown? {
        Descriptor(path: folder, flags: O_RDONLY | O_DIRECTORY)?.contents(of: "lockdown", limit: 256).flatMap(parse)
    }

    /// The level in brackets; nil if there is none that is known.
    static func parse(_ text: [UInt8]) -> KernelLockdown? {
        guard let start = text.firstIndex(of: UInt8(ascii: "[")),
            let end = text[start...].firstIndex(of: UInt8(ascii: "]"))
        else { return nil }
        return KernelLockdown(rawValue: String(decoding: text[(start + 1)..<end], as: UTF8.self))
    }
}
