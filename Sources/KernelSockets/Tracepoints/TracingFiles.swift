// Finds the `format` files: in tracefs where it is mounted, else in a mount of our own that is attached nowhere.

import CLinux
import Glibc

/// The files below tracefs's `events`, or those of a directory that stands in for it in tests.
struct TracingFiles: ~Copyable {
    private let root: Descriptor

    /// Longer than any `format` file (kfree_skb's has a page for its reasons).
    private static let limit = 65_536

    /// The running kernel's; nil with errno set if it cannot be had (not root, or no tracefs in the kernel).
    init?() {
        // Already mounted, the usual way or the old one.
        for path in ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] {
            guard let directory = Descriptor(path: path, flags: O_RDONLY | O_DIRECTORY) else { continue }
            // An unmounted mount point is an empty directory. Not to be kept: it is opened below.
            if Descriptor(below: directory, name: "events", flags: O_RDONLY | O_DIRECTORY) != nil {
                root = directory
                return
            }
        }
        // A mount that no path leads to: nobody else sees it, and it goes with its descriptor, however we end.
        let mount = tcptrace_tracefs_mount()
        guard mount >= 0 else { return nil }
        root = Descriptor(owning: mount)
    }

    /// Those below `root`.
    init?(root path: String) {
        guard let directory = Descriptor(path: path, flags: O_RDONLY | O_DIRECTORY) else { return nil }
        root = directory
    }

    /// The text of one tracepoint's `format` file; nil with errno set: ENOENT if the kernel does not have that tracepoint, EPERM if it
    /// does not let us see it (lockdown, `confidentiality`).
    func format(_ kind: TracepointKind) -> String? {
        root.contents(of: "events/\(kind.rawValue)/format", limit: Self.limit).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
