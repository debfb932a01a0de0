// What sock_diag says of a socket beyond its row in /proc/net/tcp: plain values.

/// What a socket's memory is used for, in octets (SK_MEMINFO of linux/sock_diag.h).
public struct SocketMemory: BitwiseCopyable, Sendable {
    /// Taken by what was received and not read.
    public var receive: UInt32 = 0
    /// The limit of that (SO_RCVBUF).
    public var receiveLimit: UInt32 = 0
    /// Taken by segments being sent.
    public var transmit: UInt32 = 0
    /// The limit of what may be queued (SO_SNDBUF).
    public var transmitLimit: UInt32 = 0
    /// Taken by what is queued to be sent.
    public var transmitQueued: UInt32 = 0
    /// Segments that wait because the process had the socket locked.
    public var backlog: UInt32 = 0
    /// Segments that this socket dropped. Of a listener: SYNs and handshakes refused for want of room, and other drops;
    /// nil before Linux 4.6.
    public var drops: UInt32?

    /// All zero.
    public init() {}
}

/// Everything about a socket that its row in /proc/net/tcp does not say.
public struct SocketDetails: BitwiseCopyable, Sendable {
    /// The kernel's number of this socket: no other one ever has it, whatever its four-tuple. 0 = it has none yet.
    public var cookie: UInt64 = 0
    /// Index of the interface that it is bound to (SO_BINDTODEVICE, scope of a link-local address); 0 = none.
    public var interface: UInt32 = 0
    /// Milliseconds until its timer runs out; nil if none is running.
    public var timerMilliseconds: UInt32?
    /// How often that timer has run out in a row: retransmissions, probes.
    public var timerCount: UInt8 = 0
    /// Of a listener: the most connections that may wait to be accepted. Full means that more than this wait.
    public var backlog: UInt32?
    /// Whether nothing is read any more: shutdown(SHUT_RD), or the peer's FIN. Nil if the kernel does not say.
    public var isReceiveShutDown: Bool?
    /// Whether nothing is written any more: shutdown(SHUT_WR) or close(). Nil if the kernel does not say.
    public var isSendShutDown: Bool?
    /// Inode number of its control group (Linux 5.7).
    public var controlGroup: UInt64?
    /// Its memory; nil for TIME_WAIT and handshakes that are not finished.
    public var memory: SocketMemory?
    /// What the kernel measures; nil for TIME_WAIT and handshakes that are not finished.
    public var info: TCPInfo?

    /// Nothing known.
    public init() {}
}

/// A socket with everything that the kernel says of it.
public struct DetailedSocket: BitwiseCopyable, Sendable {
    /// Its row, as in /proc/net/tcp.
    public var socket: KernelSocket
    /// The rest.
    public var details: SocketDetails

    /// A socket from its two parts.
    public init(socket: KernelSocket, details: SocketDetails) {
        self.socket = socket
        self.details = details
    }
}
