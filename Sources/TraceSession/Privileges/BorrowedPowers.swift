// Privileges that a file capability (setcap) lends to everyone who may run the program. They serve for sockets and for
// other processes, never for files named by the caller.

import CLinux
import Glibc

/// Drops and restores borrowed privileges temporarily. Root's are not borrowed: they stay as they are.
public enum BorrowedPowers {
    /// From here on files are opened with the caller's own rights.
    public static func layDown() {
        if geteuid() != 0 { _ = tcptrace_set_effective(0) }
    }

    /// Restores all that was dropped, once no more files named by the caller are opened.
    public static func takeUp() {
        if geteuid() != 0 { _ = tcptrace_set_effective(.max) }
    }

    /// Drops them permanently.
    static func giveUp() {
        if geteuid() != 0, Capabilities.sets().permitted != [] { _ = tcptrace_set_capabilities(0) }
    }
}
