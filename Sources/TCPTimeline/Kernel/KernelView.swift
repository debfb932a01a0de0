// The kernel's view of one connection: what its socket tables said of either side, and who owns the sockets.

public import TCPModel

/// What the kernel's tables said of one side's socket.
public struct KernelSideView: Sendable {
    /// The socket when it was last in the tables.
    public internal(set) var socket: KernelSocket?
    /// Whether it was in the latest snapshot.
    public internal(set) var isPresent = false
    /// The state that both the wire and the kernel had at the same time.
    public internal(set) var confirmedState: TCPState?
    /// What the kernel steadily says instead of our state.
    public internal(set) var contradiction: TCPState?
    /// The process that holds the socket, or held it last.
    public internal(set) var process: ProcessIdentity?
    /// The process that was judged last: whether it belongs to the command that is traced.
    var judged: (pid: Int32, isOfCommand: Bool)?
    /// Whether a process of the command that is traced holds the socket, or held it.
    public internal(set) var isOfCommand = false
    /// Whether somebody listens on this side's port.
    public internal(set) var listener: KernelSocket?
    /// The process that holds the listening socket.
    public internal(set) var listenerProcess: ProcessIdentity?
    /// When the socket was first seen open without an owner though somebody listens: waiting to be accepted.
    public internal(set) var unacceptedSince: Timestamp?
    /// Whether waiting to be accepted was reported.
    var reportedUnaccepted = false
    /// Whether the tables have been read since the connection is watched.
    public internal(set) var isRead = false
    /// Whether the address is this host's, so that a missing socket means something.
    public internal(set) var isLocal = false
    /// What tracepoints said, event by event; it stays after the end.
    public internal(set) var trace = TracedFacts()
    /// A disagreement of the previous snapshot, with its time, waiting for the next one to repeat it.
    var suspicion: (kernel: TCPState?, wire: TCPState, since: Timestamp)?

    /// Whether the process holds the socket now; if not, it is the process that *was* there.
    public var isOwned: Bool { isPresent && (socket?.inode ?? 0) != 0 }

    /// Whether the kernel said, in a reading or by an event, that the socket is or was in this state when we had it there.
    public func confirms(_ state: TCPState) -> Bool {
        confirmedState == state || trace.entered.contains(TracedFacts.States(state))
    }

    /// Whether the kernel surely has no socket here: a local address, and neither a socket nor a listener.
    public var hasNoSocket: Bool { isLocal && !isPresent && listener == nil }
}

/// Both sides of one connection.
public struct KernelView: Sendable {
    /// The originator's side.
    public internal(set) var originator = KernelSideView()
    /// The responder's side.
    public internal(set) var responder = KernelSideView()

    /// Whether either end is, or was, the traced command's.
    public var isOfCommand: Bool { originator.isOfCommand || responder.isOfCommand }

    /// Whether a process was seen at either end.
    public var hasProcess: Bool {
        originator.process != nil || responder.process != nil || responder.listenerProcess != nil
    }

    /// Changes one side in place.
    mutating func update(_ side: Side, _ change: (inout KernelSideView) -> Void) {
        switch side {
        case .originator: change(&originator)
        case .responder: change(&responder)
        }
    }

    /// One side.
    public subscript(side: Side) -> KernelSideView {
        get { side == .originator ? originator : responder }
        set { if side == .originator { originator = newValue } else { responder = newValue } }
    }
}

/// Where a fact from the kernel comes from.
public enum KernelSource: Sendable {
    /// /proc/net/tcp and tcp6.
    case proc
    /// sock_diag(7).
    case sockDiag

    /// A tracepoint's event.
    case tracepoint

    /// For programs.
    public var name: StaticString {
        switch self {
        case .proc: "proc"
        case .sockDiag: "sock_diag"
        case .tracepoint: "tracepoint"
        }
    }
}

/// Something new that the kernel said of one endpoint.
public struct KernelEvent: Sendable {
    /// What is new.
    public enum Kind: Sendable {
        /// The socket's state or owner changed in the tables; nil = it was not there.
        case state(from: TCPState?, to: TCPState?)
        /// Its process was found.
        case owner(ProcessIdentity)
        /// It is open, and no process has accepted it yet; since when.
        case notAccepted(since: Timestamp)
        /// A process accepted it after it had waited, in nanoseconds.
        case accepted(after: Int64)
        /// The socket is gone, and no segment said so: a timer ran out, or somebody destroyed it.
        case dropped(from: TCPState)
        /// The kernel steadily says something else than the wire.
        case contradiction(kernel: TCPState?, wire: TCPState)
        /// A tracepoint's event; its time is the event's own.
        case traced(SocketEvent.Kind)
    }

    /// The connection.
    public let connection: ConnectionID
    /// Whose socket.
    public let side: Side
    /// When: the time of the snapshot, or of the event.
    public let time: Timestamp
    /// What.
    public let kind: Kind
    /// The socket, if it is there.
    public let socket: KernelSocket?
    /// Its process, if known; of an event in a system call, the process that made the call.
    public let process: ProcessIdentity?
    /// Where that is from.
    public var source = KernelSource.proc

    /// Whether a tracepoint said it, and not a reading of the sockets.
    public var isTraced: Bool { source == .tracepoint }
}

/// A reading of the kernel's socket tables.
public protocol KernelSnapshot {
    /// When the reading began, on the clock that stamps frames.
    var begin: Timestamp { get }
    /// When it was complete.
    var end: Timestamp { get }
    /// What was read.
    var source: KernelSource { get }
    /// The socket with these two ends, not a listener.
    func socket(local: SocketAddress, remote: SocketAddress) -> KernelSocket?
    /// The socket that listens on this address, or on the wildcard.
    func listener(at address: SocketAddress) -> KernelSocket?
    /// Whether this host has the address.
    func isLocal(_ address: IPAddress) -> Bool
}

/// A reading of /proc unless it says otherwise.
extension KernelSnapshot {
    /// /proc/net/tcp and tcp6.
    public var source: KernelSource { .proc }
}
