// Errors of reading the kernel's view, described by file and reason.

import Glibc

/// The kernel's socket tables could not be read. Access denied to single processes is not an error; it is counted
/// instead.
public enum KernelViewError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file could not be opened: `code` is the errno of open(2).
    case cannotOpen(path: String, code: Int32)
    /// Reading the file failed half-way: `code` is the errno of read(2).
    case cannotRead(path: String, code: Int32)
    /// The addresses of this host could not be listed: `code` is the errno of getifaddrs(3).
    case cannotListAddresses(code: Int32)
    /// The kernel did not answer over netlink: `code` is the errno.
    case sockDiag(code: Int32)

    /// One line for users, such as `/proc/net/tcp: No such file or directory`.
    public var description: String {
        switch self {
        case .cannotOpen(let path, let code): "\(path): \(describeErrno(code))"
        case .cannotRead(let path, let code): "\(path): reading failed: \(describeErrno(code))"
        case .sockDiag(let code): "sock_diag: \(describeErrno(code))"
        case .cannotListAddresses(let code): "addresses of this host: \(describeErrno(code))"
        }
    }
}

/// The C library's message for an errno.
func describeErrno(_ code: Int32) -> String {
    // strerror returns a constant for a known number, else a buffer of this thread (glibc 2.32); it is copied at once.
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}
