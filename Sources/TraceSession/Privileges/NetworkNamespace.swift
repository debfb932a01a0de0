// `--netns`: looking at another network namespace, such as a container's.

import CLinux
import Glibc
import TCPModel

/// Entering a network namespace, for good: captures, netlink and /proc/net are then all that namespace's.
public enum NetworkNamespace {
    /// Enters the namespace that a user named: a path (it has a `/`), a process (digits), or a name as of ip-netns(8). Must
    /// come first, while there is one thread. Says on standard error if it does not work.
    /// - Returns: whether this process is in it.
    public static func enter(_ name: String) -> Bool {
        let path = path(of: name)
        guard let code = path == name ? enterOwn(path) : enter(path: path) else { return true }
        let reason: String
        switch code {
        case ENOENT where path != name && !name.allSatisfy(\.isNumber):
            reason = "there is no such network namespace; there are: \(list())"
        case ENOENT: reason = "there is no such \(path == name ? "file" : "process")"
        case EINVAL: reason = "\(printable(path)) is no network namespace"
        case EPERM, EACCES: reason = "\(describeErrno(code)): entering a namespace needs root; try with sudo"
        default: reason = describeErrno(code)
        }
        complain("--netns \(printable(name)): \(reason)")
        return false
    }

    /// Enters it; nil, or why not (errno).
    private static func enter(path: String) -> Int32? {
        // The path is a String: NUL-terminated for the time of the call.
        unsafe tcptrace_enter_network_namespace(path) == 0 ? nil : errno
    }

    /// The same by a file that the caller names: opened with the caller's own rights, so that nobody learns of others' files.
    private static func enterOwn(_ path: String) -> Int32? {
        BorrowedPowers.layDown()
        // As above.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        let code = errno
        BorrowedPowers.takeUp()
        guard descriptor >= 0 else { return code }
        defer { close(descriptor) }
        return enter(path: "/proc/self/fd/\(descriptor)")
    }

    static func path(of name: String) -> String {
        if name.contains("/") { return name }
        return !name.isEmpty && name.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
            ? "/proc/\(name)/ns/net" : "/run/netns/\(name)"
    }

    /// The names that ip-netns(8) knows.
    private static func list() -> String {
        guard let directory = unsafe opendir("/run/netns") else { return "none" }
        // The stream is open until here, and an entry is valid until the next readdir(3): its name is copied before that.
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(printable(name)) }
        }
        return names.isEmpty ? "none" : names.sorted().joined(separator: ", ")
    }
}
