// One row of the socket list, as all its formats receive it: a socket, its holder, and what that means.

public import TCPModel

/// A socket with what is known of its holder.
public struct SocketRow: Sendable {
    /// The holder of a socket.
    public enum Holder: Hashable, Sendable {
        /// These processes; never empty, the lowest pid first.
        case processes([ProcessIdentity])
        /// A process that we may not see, or that disappeared during the search.
        case unknown
        /// A completed handshake that no process has accepted yet: it waits in its listener's queue.
        case notAccepted
        /// Its process has closed it (or ended); the kernel finishes the connection on its own.
        case noProcess
        /// No holder, and none is expected: TIME_WAIT, or an unfinished handshake.
        case none

        /// The holder's kind in machine-readable output; nil if there are processes to name instead.
        var name: StaticString? {
            switch self {
            case .processes: nil
            case .unknown: "unknown"
            case .notAccepted: "not_accepted"
            case .noProcess: "no_process"
            case .none: "none"
            }
        }
    }

    /// The socket.
    public var socket: KernelSocket
    /// The socket's holder.
    public var holder: Holder
    /// The processes' descriptors for the socket, in the order of the processes; empty if unknown.
    public var descriptors: [Int32]
    /// The kernel's measurements of the socket; nil if they were not requested.
    public var details: SocketDetails?

    /// A row with these properties.
    public init(
        _ socket: KernelSocket, _ holder: Holder, descriptors: [Int32] = [], details: SocketDetails? = nil
    ) {
        self.socket = socket
        self.holder = holder
        self.descriptors = descriptors
        self.details = details
    }

    /// The descriptor of the process at this index in `processes`, if known.
    func descriptor(_ index: Int) -> Int32? { index < descriptors.count ? descriptors[index] : nil }

    /// The processes that hold the socket, if any are known.
    public var processes: [ProcessIdentity] {
        if case .processes(let processes) = holder { processes } else { [] }
    }

    /// `tcp` or `tcp6`, as in netstat.
    var protocolName: StaticString { socket.isIPv6 ? "tcp6" : "tcp" }

    /// Whether the socket has a peer; listeners have none.
    var hasPeer: Bool { socket.remote.port != 0 }

    /// Whether it is the row of the same socket, or of one that has its addresses now, in another reading.
    public func isSame(as other: SocketRow) -> Bool {
        socket.local == other.socket.local && socket.remote == other.socket.remote
            && socket.isIPv6 == other.socket.isIPv6
    }
}

/// The order of the list: listeners by port, then connections, with both ends of a local one next to each other.
extension SocketRow {
    /// Whether this row comes before `other`.
    public func orders(before other: SocketRow) -> Bool {
        let mine = orderKey
        let theirs = other.orderKey
        if mine != theirs { return mine.lexicographicallyPrecedes(theirs) }
        if socket.local != other.socket.local { return socket.local.orders(before: other.socket.local) }
        if socket.remote != other.socket.remote { return socket.remote.orders(before: other.socket.remote) }
        return !socket.isIPv6 && other.socket.isIPv6
    }

    private var orderKey: [UInt16] {
        let low = min(socket.local.port, socket.remote.port)
        let high = max(socket.local.port, socket.remote.port)
        if socket.state == .listen { return [0, high] }
        return [1, low, high, socket.local.port]
    }
}
