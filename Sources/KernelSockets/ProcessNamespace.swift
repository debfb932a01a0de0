// Whether the processes that can be seen here are all that there are.

import Glibc

/// The pid namespace that this process is in (pid_namespaces(7)): of others' processes /proc shows those in namespaces below it only.
public enum ProcessNamespace {
    /// The number of the first one, the host's (PROC_PID_INIT_INO, include/linux/proc_ns.h): a constant of the kernel's ABI.
    private static let first = "pid:[4026531836]"

    /// Whether it is the host's, in which every process is seen; a container mostly has its own. Nil where /proc does not tell.
    public static func isHosts(root: String = "/proc") -> Bool? {
        var buffer = [UInt8](repeating: 0, count: 64)
        guard let directory = Descriptor(path: root, flags: O_RDONLY | O_DIRECTORY),
            let length = directory.linkTarget(of: "self/ns/pid", into: &buffer)
        else { return nil }
        return String(decoding: buffer[..<length], as: UTF8.self) == first
    }
}
