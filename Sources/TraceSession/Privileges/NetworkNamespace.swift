// `--netns`: working in another network namespace, such as a container's.

import CLinux
import Glibc
import PacketSource
import TCPModel

/// Enters a network namespace permanently: captures, netlink and /proc/net then belong to that namespace.
public enum NetworkNamespace {
    /// Enters the namespace that a user named: a path (with a `/`), a process (digits), or a name as in ip-netns(8).
    /// Must be called first, while there is only one thread. Explains a failure on standard error.
    /// - Returns: whether this process is in the namespace.
    public static func enter(_ name: String) -> Bool {
        let path = path(of: name)
        guard let code = path == name ? enterOwn(path) : enter(path: path) else { return true }
        let reason: String
        switch code {
        case ENOENT where path != name && !name.allSatisfy(\.isNumber):
            reason = "there is no such network namespace; there are: \(list())"
        case ENOENT: reason = "there is no such \(path == name ? "file" : "process")"
        case EINVAL: reason = "\(printable(path)) is not a network namespace"
        case EPERM, EACCES: reason = "\(describeErrno(code)): entering a namespace needs root; try with sudo"
        default: reason = describeErrno(code)
        }
        complain("--netns \(printable(name)): \(reason)")
        return false
    }

    /// Enters the namespace; returns nil, or the errno of a failure.
    private static func enter(path: String) -> Int32? {
        // The path is a String, which is NUL-terminated during the call.
        unsafe tcptrace_enter_network_namespace(path) == 0 ? nil : errno
    }

    /// Enters a namespace by a file that the caller named. It is opened with the caller's own rights, so that no one
    /// can probe others' files.
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

    /// The names known to ip-netns(8).
    private static func list() -> String {
        guard let directory = unsafe opendir("/run/netns") else { return "none" }
        // The stream is open until here. An entry is valid until the next readdir(3); its name is copied before that.
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
