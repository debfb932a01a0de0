// One row of the socket list, as every format of it gets it: a socket, who holds it, and what that means.

public import TCPModel

/// One socket and what is known of its holder.
public struct SocketRow: Sendable {
    /// Who holds a socket.
    public enum Holder: Hashable, Sendable {
        /// These processes; never empty, the lowest pid first.
        case processes([ProcessIdentity])
        /// A process that we may not see, or that went away while we looked.
        case unknown
        /// A finished handshake that no process has accepted yet: it waits in its listener's queue.
        case notAccepted
        /// Its process has closed it (or ended); the kernel finishes the connection by itself.
        case noProcess
        /// None, and none is expected: TIME_WAIT, or a handshake that is not finished.
        case none

        /// For programs; nil when there are processes to name instead.
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
    /// Who holds it.
    public var holder: Holder
    /// The processes' descriptors for it, in their order; empty if they are not known.
    public var descriptors: [Int32]
    /// What the kernel measures of it; nil if nobody asked.
    public var details: SocketDetails?

    /// A row from its fields.
    public init(
        _ socket: KernelSocket, _ holder: Holder, descriptors: [Int32] = [], details: SocketDetails? = nil
    ) {
        self.socket = socket
        self.holder = holder
        self.descriptors = descriptors
        self.details = details
    }

    /// The descriptor of the process at this place among `processes`, if it is known.
    func descriptor(_ index: Int) -> Int32? { index < descriptors.count ? descriptors[index] : nil }

    /// The processes that hold it, if any are known.
    public var processes: [ProcessIdentity] {
        if case .processes(let processes) = holder { processes } else { [] }
    }

    /// `tcp` or `tcp6`, as netstat says it.
    var protocolName: StaticString { socket.isIPv6 ? "tcp6" : "tcp" }

    /// Whether there is a peer: listeners have none.
    var hasPeer: Bool { socket.remote.port != 0 }
}

/// The order of the list: listeners by port, then connections so that both ends of a local one stand together.
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
