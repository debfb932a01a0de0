// The errors that TCP and its system calls return to programs, by Linux's numbers.

/// An error number of Linux (asm-generic/errno.h). The C library's constants are not used, since a capture may come
/// from another machine.
public struct LinuxErrno: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
    /// The number, as `strace` shows it.
    public let rawValue: Int32

    /// The error with this number, which need not have a name here.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// A rule forbids the connection: an ICMPv6 "prohibited" error, or a rule of this host.
    public static let accessDenied = LinuxErrno(rawValue: 13)
    /// The process has no descriptors left.
    public static let tooManyOpenFiles = LinuxErrno(rawValue: 24)
    /// Written to a connection that is closed for writing.
    public static let brokenPipe = LinuxErrno(rawValue: 32)
    /// ICMP: the source host is isolated.
    public static let noNetwork = LinuxErrno(rawValue: 64)
    /// ICMP: a header was faulty.
    public static let protocolError = LinuxErrno(rawValue: 71)
    /// The message is larger than the path MTU.
    public static let messageTooLong = LinuxErrno(rawValue: 90)
    /// ICMP: the host does not speak TCP.
    public static let protocolUnavailable = LinuxErrno(rawValue: 92)
    /// ICMP: the source route failed.
    public static let notSupported = LinuxErrno(rawValue: 95)
    /// The address and port are already in use.
    public static let addressInUse = LinuxErrno(rawValue: 98)
    /// No local port is free, or the address is not one of this host.
    public static let addressNotAvailable = LinuxErrno(rawValue: 99)
    /// The interface is down.
    public static let networkDown = LinuxErrno(rawValue: 100)
    /// There is no route to the network.
    public static let networkUnreachable = LinuxErrno(rawValue: 101)
    /// The connection was aborted on this host (SOCK_DESTROY).
    public static let connectionAborted = LinuxErrno(rawValue: 103)
    /// The peer sent a RST.
    public static let connectionReset = LinuxErrno(rawValue: 104)
    /// The peer did not answer in time.
    public static let timedOut = LinuxErrno(rawValue: 110)
    /// A SYN was answered with a RST.
    public static let connectionRefused = LinuxErrno(rawValue: 111)
    /// ICMP: the host is unknown.
    public static let hostDown = LinuxErrno(rawValue: 112)
    /// There is no route to the host.
    public static let hostUnreachable = LinuxErrno(rawValue: 113)

    /// The name of its constant, such as `ECONNREFUSED`; nil for errors not listed above.
    public var name: StaticString? {
        switch self {
        case .accessDenied: "EACCES"
        case .tooManyOpenFiles: "EMFILE"
        case .brokenPipe: "EPIPE"
        case .noNetwork: "ENONET"
        case .protocolError: "EPROTO"
        case .messageTooLong: "EMSGSIZE"
        case .protocolUnavailable: "ENOPROTOOPT"
        case .notSupported: "EOPNOTSUPP"
        case .addressInUse: "EADDRINUSE"
        case .addressNotAvailable: "EADDRNOTAVAIL"
        case .networkDown: "ENETDOWN"
        case .networkUnreachable: "ENETUNREACH"
        case .connectionAborted: "ECONNABORTED"
        case .connectionReset: "ECONNRESET"
        case .timedOut: "ETIMEDOUT"
        case .connectionRefused: "ECONNREFUSED"
        case .hostDown: "EHOSTDOWN"
        case .hostUnreachable: "EHOSTUNREACH"
        default: nil
        }
    }
}
