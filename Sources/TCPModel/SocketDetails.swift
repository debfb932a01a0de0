// What sock_diag reports about a socket beyond its row in /proc/net/tcp: plain values.

/// How a socket uses its memory, in octets (SK_MEMINFO of linux/sock_diag.h).
public struct SocketMemory: BitwiseCopyable, Sendable {
    /// Memory taken by data received and not yet read.
    public var receive: UInt32 = 0
    /// The limit of the receive buffer (SO_RCVBUF).
    public var receiveLimit: UInt32 = 0
    /// Memory taken by segments being sent.
    public var transmit: UInt32 = 0
    /// The limit of the send buffer (SO_SNDBUF).
    public var transmitLimit: UInt32 = 0
    /// Memory taken by data queued for sending.
    public var transmitQueued: UInt32 = 0
    /// Memory taken by segments that wait because a process had locked the socket.
    public var backlog: UInt32 = 0
    /// How many segments this socket dropped. For a listener: SYNs and handshakes refused for want of room, and other
    /// drops. Nil before Linux 4.6.
    public var drops: UInt32?

    /// All zero.
    public init() {}
}

/// What the kernel reports about a socket beyond its row in /proc/net/tcp.
public struct SocketDetails: BitwiseCopyable, Sendable {
    /// The kernel's number of this socket, never reused for another one, whatever its four-tuple; 0 if it has none yet.
    public var cookie: UInt64 = 0
    /// Index of the interface that the socket is bound to (SO_BINDTODEVICE, scope of a link-local address); 0 if none.
    public var interface: UInt32 = 0
    /// Milliseconds until its timer expires; nil if none is running.
    public var timerMilliseconds: UInt32?
    /// How many times in a row that timer has expired: retransmissions, probes.
    public var timerCount: UInt8 = 0
    /// For a listener: its backlog. The accept queue is full when more connections than this are waiting.
    public var backlog: UInt32?
    /// Whether receiving is shut down: by shutdown(SHUT_RD) or the peer's FIN. Nil if the kernel does not report it.
    public var isReceiveShutDown: Bool?
    /// Whether sending is shut down: by shutdown(SHUT_WR) or close(). Nil if the kernel does not report it.
    public var isSendShutDown: Bool?
    /// Inode number of its control group (since Linux 5.7).
    public var controlGroup: UInt64?
    /// Its memory use; nil for TIME_WAIT and unfinished handshakes.
    public var memory: SocketMemory?
    /// The kernel's measurements; nil for TIME_WAIT and unfinished handshakes.
    public var info: TCPInfo?

    /// Nothing known.
    public init() {}
}

/// A socket with everything that the kernel reports about it.
public struct DetailedSocket: BitwiseCopyable, Sendable {
    /// Its row, as in /proc/net/tcp.
    public var socket: KernelSocket
    /// What the row does not say.
    public var details: SocketDetails

    /// A socket from its two parts.
    public init(socket: KernelSocket, details: SocketDetails) {
        self.socket = socket
        self.details = details
    }
}
