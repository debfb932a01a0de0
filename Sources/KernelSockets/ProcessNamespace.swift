// Whether every process of the host is visible from here.

import Glibc

/// This process's pid namespace (pid_namespaces(7)). /proc shows only processes of this namespace and its descendants.
public enum ProcessNamespace {
    /// The link target of the initial pid namespace, the host's (PROC_PID_INIT_INO, include/linux/proc_ns.h). Its
    /// number is part of the kernel's ABI.
    private static let first = "pid:[4026531836]"

    /// Whether this is the host's namespace, from which every process is visible; containers usually have their own.
    /// Nil if /proc does not show it.
    public static func isHosts(root: String = "/proc") -> Bool? {
        var buffer = [UInt8](repeating: 0, count: 64)
        guard let directory = Descriptor(path: root, flags: O_RDONLY | O_DIRECTORY),
            let length = directory.linkTarget(of: "self/ns/pid", into: &buffer)
        else { return nil }
        return String(decoding: buffer[..<length], as: UTF8.self) == first
    }
}
