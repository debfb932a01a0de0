// Locates the `format` files: in tracefs where it is mounted, else in a private mount that is attached to no path.

import CLinux
import Glibc

/// The files below tracefs's `events`, or below a directory that stands in for it in tests.
struct TracingFiles: ~Copyable {
    private let root: Descriptor

    /// An upper bound on the size of a `format` file (kfree_skb's has a page of reasons).
    private static let limit = 65_536

    /// The running kernel's files; nil with errno set if they are not available (not root, or no tracefs in the
    /// kernel).
    init?() {
        // Already mounted, at the usual place or the old one.
        for path in ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"] {
            guard let directory = Descriptor(path: path, flags: O_RDONLY | O_DIRECTORY) else { continue }
            // An unmounted mount point is an empty directory. The descriptor is not kept: it is opened again below.
            if Descriptor(below: directory, name: "events", flags: O_RDONLY | O_DIRECTORY) != nil {
                root = directory
                return
            }
        }
        // A mount without a path: no other process sees it, and it vanishes with its descriptor, however we end.
        let mount = tcptrace_tracefs_mount()
        guard mount >= 0 else { return nil }
        root = Descriptor(owning: mount)
    }

    /// The files below the directory `root`.
    init?(root path: String) {
        guard let directory = Descriptor(path: path, flags: O_RDONLY | O_DIRECTORY) else { return nil }
        root = directory
    }

    /// The contents of one tracepoint's `format` file. Nil with errno set: ENOENT if the kernel does not have the
    /// tracepoint, EPERM if it does not permit access (lockdown, `confidentiality`).
    func format(_ kind: TracepointKind) -> String? {
        root.contents(of: "events/\(kind.rawValue)/format", limit: Self.limit).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
