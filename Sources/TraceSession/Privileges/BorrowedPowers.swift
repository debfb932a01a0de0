// Powers that a file capability (setcap) lends to everyone who may run the program. They are for sockets and for other processes,
// and never for files that the caller names.

import CLinux
import Glibc

/// Lays borrowed powers down and takes them up again. Root's are nobody's loan: it keeps what it has.
public enum BorrowedPowers {
    /// From here on files are opened with the caller's own rights.
    public static func layDown() {
        if geteuid() != 0 { _ = tcptrace_set_effective(0) }
    }

    /// All that was laid down is back: nothing is opened any more that the caller named.
    public static func takeUp() {
        if geteuid() != 0 { _ = tcptrace_set_effective(.max) }
    }

    /// They are gone for good.
    static func giveUp() {
        if geteuid() != 0, Capabilities.sets().permitted != [] { _ = tcptrace_set_capabilities(0) }
    }
}
