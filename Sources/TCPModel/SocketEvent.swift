// One TCP socket event, as a kernel tracepoint reported it: a plain value that can be correlated without privileges.

/// What a tracepoint reported about one socket or packet at one moment.
///
/// Events are numerous (thirteen per connection) and wait in queues, so all fields are plain data except the process,
/// which is a single reference.
public struct SocketEvent: Hashable, Sendable {
    /// What happened.
    public enum Kind: Hashable, Sendable, BitwiseCopyable {
        /// sock:inet_sock_set_state: the socket's state changed. Linux never reports TIME_WAIT: it becomes `closed`.
        case transition(from: TCPState, to: TCPState)
        /// tcp:tcp_send_reset: this end sends a RST, for a reason in the kernel's own word (absent before Linux 6.10).
        case resetSent(reason: KernelWord?)
        /// tcp:tcp_receive_reset: this end accepted a RST.
        case resetReceived
        /// tcp:tcp_retransmit_skb: a segment is retransmitted.
        case retransmit
        /// tcp:tcp_retransmit_synack: a SYN-ACK is retransmitted.
        case synAckRetransmit
        /// sock:inet_sk_error_report: the application's next call fails with this errno.
        case socketError(errno: Int32)
        /// tcp:tcp_destroy_sock: the socket is being destroyed.
        case destroyed
        /// skb:kfree_skb: a packet was dropped, and why. `local` is the packet's destination; both ports are 0 if the
        /// kernel does not report the packet's ends.
        case dropped(reason: KernelWord)
    }

    /// When it happened, on the clock that timestamps frames.
    public var time: Timestamp
    /// What happened.
    public var kind: Kind
    /// The kernel's address of the socket, which identifies it while it lives; 0 if there is none.
    public var socket: UInt64
    /// The kernel's address of the packet that caused the event; 0 if not reported.
    public var packet: UInt64
    /// The socket's own end; its port is 0 before connect() has chosen one.
    public var local: SocketAddress
    /// The peer's end; its port is 0 for listeners.
    public var remote: SocketAddress
    /// Whether it happened in a system call of the process below, and not in an interrupt that arrived while the
    /// process ran.
    public var isProcessContext: Bool
    /// The process on the CPU at that moment; 0 = the idle task.
    public var pid: Int32
    /// With `resetSent`: the state of the socket; nil if there was no socket. close() changes the state before the RST
    /// is sent.
    public var resetState: TCPState?
    /// Whether that process was exiting: the kernel closed the socket on its behalf.
    public var isProcessEnding = false
    /// The identity of that process, looked up only if the event is the process's own doing.
    public var process: ProcessIdentity?

    /// Whether a packet was dropped for a wrong checksum.
    public var isChecksumDrop: Bool {
        kind == .dropped(reason: .wrongChecksum) || kind == .dropped(reason: .wrongHeaderChecksum)
    }

    /// Removes the process from the event.
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
