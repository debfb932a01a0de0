// What the kernel says about one TCP socket and its owner: plain values that can be correlated without privileges.

/// One TCP socket as the kernel lists it (sock_diag, or /proc/net/tcp and tcp6 where that is unavailable).
public struct KernelSocket: BitwiseCopyable, Sendable {
    /// Which timer is running, as in the `tr` field of /proc/net/tcp.
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
    /// The peer's end; 0.0.0.0:0 for a listener.
    public var remote: SocketAddress
    /// The state, translated from Linux's numbering.
    public var state: TCPState
    /// Whether it is an IPv6 socket. The kernel shows its IPv4 peers as mapped addresses; here they are normalized.
    public var isIPv6: Bool
    /// The running timer.
    public var timer: Timer
    /// Octets sent or queued and not yet acknowledged.
    public var transmitQueue: UInt32
    /// Octets received and not yet read (for a listener: connections waiting to be accepted). A received FIN counts as
    /// one.
    public var receiveQueue: UInt32
    /// User id of the owner; also 0 for sockets without an owner.
    public var uid: UInt32
    /// Inode of the socket file; 0 if no process holds the socket (not yet accepted, orphaned, or in TIME_WAIT).
    public var inode: UInt64
    /// For a listener: its backlog. The accept queue is full when more connections than this are waiting. Nil if not
    /// reported (/proc).
    public var backlog: UInt32?
    /// For a listener: how many SYNs and final handshake ACKs it has refused since it started listening, mostly for
    /// want of room. Nil if not reported.
    public var drops: UInt32?
    /// Index of the interface that the socket is bound to (SO_BINDTODEVICE, scope of a link-local address); 0 if none,
    /// or if not reported (/proc).
    public var interface: UInt32 = 0

    /// Octets of text sent or queued and not yet acknowledged: `transmitQueue` without SYN and FIN, which the kernel
    /// counts as one each.
    public var unacknowledgedText: UInt32 {
        let hasControl = [.synSent, .synReceived, .finWait1, .closing, .lastAck].contains(state)
        return state == .listen ? 0 : transmitQueue - min(transmitQueue, hasControl ? 1 : 0)
    }

    /// For a listener: whether its accept queue is full. It is if more connections wait than the backlog allows
    /// (reported by sock_diag) or, where the backlog is unknown, if any connection waits.
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
/// A single reference that all sockets and events of the process share, since it is copied into each of them.
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
    /// The kernel's short name of the process (/proc/PID/comm). Untrusted bytes: escape before showing.
    public var command: String { words.command }
    /// User id of the process.
    public var uid: UInt32 { words.uid }
    /// Its executable, control group and container; nil if the process was gone before they could be read.
    public var details: ProcessDetails? { words.details }

    /// A process from its fields.
    public init(pid: Int32, command: String, uid: UInt32, details: ProcessDetails? = nil) {
        words = Words(pid, command, uid, details)
    }

    /// The same process with details added.
    public func with(_ details: ProcessDetails) -> ProcessIdentity {
        ProcessIdentity(pid: pid, command: command, uid: uid, details: details)
    }

    /// Whether both have the same pid, user and short name; their details do not matter.
    public static func == (left: ProcessIdentity, right: ProcessIdentity) -> Bool {
        left.words === right.words
            || left.pid == right.pid && left.uid == right.uid && left.command == right.command
    }

    /// Hashes the pid, the user and the short name.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(pid)
        hasher.combine(uid)
        hasher.combine(command)
    }
}
