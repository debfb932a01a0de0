// One event of a TCP socket as a kernel tracepoint reported it: a plain value, so that it can be joined without privilege.

/// What a tracepoint said of one socket or packet, at one moment.
///
/// Events are many (thirteen a connection) and wait in queues: but for the process, one reference, all of it is plain.
public struct SocketEvent: Hashable, Sendable {
    /// What happened.
    public enum Kind: Hashable, Sendable, BitwiseCopyable {
        /// sock:inet_sock_set_state: the socket's state changed. Linux never reports TIME_WAIT: it becomes `closed`.
        case transition(from: TCPState, to: TCPState)
        /// tcp:tcp_send_reset: this end sends a RST; why, in the kernel's own word (absent before Linux 6.10).
        case resetSent(reason: KernelWord?)
        /// tcp:tcp_receive_reset: this end accepted a RST.
        case resetReceived
        /// tcp:tcp_retransmit_skb: a segment is sent again.
        case retransmit
        /// tcp:tcp_retransmit_synack: a SYN-ACK is sent again.
        case synAckRetransmit
        /// sock:inet_sk_error_report: the application's next call fails with this errno.
        case socketError(errno: Int32)
        /// tcp:tcp_destroy_sock: the socket's memory is given back.
        case destroyed
        /// skb:kfree_skb: a packet was thrown away, and why. The local end is where it was going; both ports are 0 where the kernel
        /// does not tell its ends.
        case dropped(reason: KernelWord)
    }

    /// When, on the clock that stamps frames.
    public var time: Timestamp
    /// What.
    public var kind: Kind
    /// The kernel's address of the socket: equal for equal sockets while one lives. 0 if there is none.
    public var socket: UInt64
    /// The kernel's address of the packet that caused it; 0 if not told.
    public var packet: UInt64
    /// The socket's own end; its port is 0 before connect() has chosen one.
    public var local: SocketAddress
    /// The peer's end; its port is 0 for listeners.
    public var remote: SocketAddress
    /// Whether it happened in a system call of the process below, and not in an interrupt that only hit it.
    public var isProcessContext: Bool
    /// The process on the CPU at that moment; 0 = the idle task.
    public var pid: Int32
    /// With `resetSent`: the state that the socket was in; nil if there was none. close() leaves it before the RST is sent.
    public var resetState: TCPState?
    /// Whether that process was ending: the kernel closed the socket for it.
    public var isProcessEnding = false
    /// Who that process is, looked up only where it acts for itself.
    public var process: ProcessIdentity?

    /// Nobody is to know whose doing it was.
    public mutating func forgetProcess() {
        process = nil
        pid = 0
    }

    /// An event from its fields.
    @inlinable public init(
        time: Timestamp, kind: Kind, socket: UInt64 = 0, packet: UInt64 = 0, local: SocketAddress,
        remote: SocketAddress, isProcessContext: Bool = false, pid: Int32 = 0, process: ProcessIdentity? = nil
    ) {
        self.time = time
        self.kind = kind
        self.socket = socket
        self.packet = packet
        self.local = local
        self.remote = remote
        self.isProcessContext = isProcessContext
        self.pid = pid
        self.process = process
    }
}
