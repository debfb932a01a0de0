// What the kernel says of one TCP socket, and who owns it: plain values, so that they can be joined without any privilege.

/// One TCP socket as the kernel lists it (sock_diag; /proc/net/tcp and tcp6 where that is not to be had).
public struct KernelSocket: BitwiseCopyable, Sendable {
    /// Which timer is running, as /proc/net/tcp's `tr` says it.
    public enum Timer: UInt8, Sendable, BitwiseCopyable {
        /// None.
        case none
        /// Retransmission.
        case retransmission
        /// Keep-alive (or the SYN-ACK timer of a request).
        case keepalive
        /// TIME_WAIT (or an orphan's FIN_WAIT_2).
        case timeWait
        /// Zero-window probe.
        case persist
    }

    /// The socket's own end.
    public var local: SocketAddress
    /// The peer, 0.0.0.0:0 when listening.
    public var remote: SocketAddress
    /// The state; Linux's numbering translated.
    public var state: TCPState
    /// Whether it is an IPv6 socket (an IPv4 peer is then shown mapped; here it is normalised).
    public var isIPv6: Bool
    /// The running timer.
    public var timer: Timer
    /// Octets sent and not acknowledged.
    public var transmitQueue: UInt32
    /// Octets received and not read (for a listener: connections waiting to be accepted). A received FIN counts as one.
    public var receiveQueue: UInt32
    /// User id of the owner; 0 also for sockets without one.
    public var uid: UInt32
    /// Inode of the socket file; 0 = no process holds it (not accepted yet, orphaned, or TIME_WAIT).
    public var inode: UInt64
    /// Of a listener: how many connections may wait in its accept queue; it is full when more do. Nil if not told (/proc).
    public var backlog: UInt32?
    /// Of a listener: how many SYNs and last ACKs it has refused since it listens, for want of room above all. Nil if not told.
    public var drops: UInt32?
    /// Index of the interface that it is bound to (SO_BINDTODEVICE, scope of a link-local address); 0 = none, or not told (/proc).
    public var interface: UInt32 = 0

    /// Octets of text that were sent or queued and not acknowledged: the kernel counts SYN and FIN as one each.
    public var unacknowledgedText: UInt32 {
        let hasControl = [.synSent, .synReceived, .finWait1, .closing, .lastAck].contains(state)
        return state == .listen ? 0 : transmitQueue - min(transmitQueue, hasControl ? 1 : 0)
    }

    /// Of a listener: whether its accept queue has no room for one more. It holds more than its backlog (sock_diag tells that), or
    /// where the backlog is not known, anything at all.
    public var isFull: Bool { receiveQueue > backlog ?? 0 }

    /// A socket from its fields.
    public init(
        local: SocketAddress, remote: SocketAddress, state: TCPState, isIPv6: Bool = false, timer: Timer = .none,
        transmitQueue: UInt32 = 0, receiveQueue: UInt32 = 0, uid: UInt32 = 0, inode: UInt64 = 0
    ) {
        self.local = local
        self.remote = remote
        self.state = state
        self.isIPv6 = isIPv6
        self.timer = timer
        self.transmitQueue = transmitQueue
        self.receiveQueue = receiveQueue
        self.uid = uid
        self.inode = inode
    }
}

/// The process behind a socket.
///
/// One reference, which all sockets and events of the process share: it is copied for each of them.
public struct ProcessIdentity: Hashable, Sendable {
    private final class Words: Sendable {
        let pid: Int32
        let command: String
        let uid: UInt32
        let details: ProcessDetails?

        init(_ pid: Int32, _ command: String, _ uid: UInt32, _ details: ProcessDetails?) {
            self.pid = pid
            self.command = command
            self.uid = uid
            self.details = details
        }
    }

    private let words: Words

    /// Process id.
    public var pid: Int32 { words.pid }
    /// The kernel's short name of it (/proc/PID/comm). Untrusted bytes: escape before showing.
    public var command: String { words.command }
    /// User id of the process.
    public var uid: UInt32 { words.uid }
    /// Its executable, control group, container; nil if it had gone before they could be read.
    public var details: ProcessDetails? { words.details }

    /// A process from its fields.
    public init(pid: Int32, command: String, uid: UInt32, details: ProcessDetails? = nil) {
        words = Words(pid, command, uid, details)
    }

    /// The same process with what else is known of it.
    public func with(_ details: ProcessDetails) -> ProcessIdentity {
        ProcessIdentity(pid: pid, command: command, uid: uid, details: details)
    }

    /// Whether both are the same process under the same name and user; what else is known of it does not matter.
    public static func == (left: ProcessIdentity, right: ProcessIdentity) -> Bool {
        left.words === right.words
            || left.pid == right.pid && left.uid == right.uid && left.command == right.command
    }

    /// The same three.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(pid)
        hasher.combine(uid)
        hasher.combine(command)
    }
}
