// What a live trace learns of the kernel, as it is joined to what was captured: plain values, in the order of the joins.
//
// A capture file that has them replays the kernel's side, too. A record stands behind the frames that had been observed when it was
// joined, so that a replay joins it to the same.

public import TCPModel

/// Something that a live trace learnt of the kernel.
public enum KernelRecord: Sendable {
    /// The first record of a trace: all that follows, up to the next one of this kind, is of one host.
    case begin(KernelTraceSettings)
    /// Events of tracepoints that were joined to connections, in the order of the joins, and when they were taken in.
    case events([SocketEvent], taken: Timestamp)
    /// A reading of the socket tables.
    case reading(KernelReading)
    /// Who holds sockets, by inode.
    case owners([UInt64: SocketHolder], time: Timestamp, source: KernelSource)
    /// All who hold sockets of one process, by inode; nobody where it holds a socket no more.
    case holders([UInt64: [SocketHolder]], of: Int32, time: Timestamp, source: KernelSource)
    /// Which processes cannot do what is waited for, from now on and until it is said anew.
    case troubled([Int32: ProcessTrouble], time: Timestamp)
    /// What was told by now of what had been learnt.
    case told(KernelTelling)
    /// What moved among the host's counters between two readings of them.
    case counters(HostCounterChange)
    /// What moved among them in the whole trace: once, at its end. What is told for the last time stands behind it.
    case total(HostCounterChange)
}

/// How a live trace looked at the kernel.
public struct KernelTraceSettings: Hashable, BitwiseCopyable, Sendable {
    /// Whether tracepoints told what happened; else the tables were polled.
    public var hasEvents: Bool

    /// Settings from their fields.
    public init(hasEvents: Bool) { self.hasEvents = hasEvents }
}

/// What a live trace told at one moment: a replay judges at the same moments, when it knows as much.
public struct KernelTelling: Hashable, Sendable {
    /// When it was.
    public var now: Timestamp
    /// Connections were over that had ended a while before this; nil: none but those whose four-tuples others have taken.
    public var settled: Timestamp?
    /// The connections of which something was found that are not over, from originator to responder.
    public var found: [FourTuple]

    /// What was told, from its parts.
    public init(now: Timestamp, settled: Timestamp? = nil, found: [FourTuple] = []) {
        self.now = now
        self.settled = settled
        self.found = found
    }
}

/// What one reading of the socket tables said of the connections that it was of.
public struct KernelReading: Sendable {
    /// When it began, on the clock that stamps frames.
    public var begin: Timestamp
    /// When it was complete.
    public var end: Timestamp
    /// What was read.
    public var source: KernelSource
    /// The connections that it was of, each once.
    public var connections: [ReadConnection]
    /// Whether the next record has more connections of the same reading: a long one is several.
    public var goesOn = false

    /// A reading from its fields.
    public init(begin: Timestamp, end: Timestamp, source: KernelSource, connections: [ReadConnection]) {
        self.begin = begin
        self.end = end
        self.source = source
        self.connections = connections
    }
}

/// What the tables said of one connection.
public struct ReadConnection: Sendable {
    /// From originator to responder.
    public var tuple: FourTuple
    /// The originator's socket; nil if there was none.
    public var originator: KernelSocket?
    /// The responder's.
    public var responder: KernelSocket?
    /// All sockets of which one takes a SYN from the originator; if it is known which, it is the first.
    public var listeners: [KernelSocket]
    /// A socket that listens on the responder's port at another address, where none does at this one.
    public var elsewhere: KernelSocket?
    /// Whether the originator's address is this host's.
    public var isOriginatorLocal: Bool
    /// Whether the responder's address is this host's.
    public var isResponderLocal: Bool

    /// What was said of a connection: nothing yet.
    public init(_ tuple: FourTuple) {
        self.tuple = tuple
        listeners = []
        isOriginatorLocal = false
        isResponderLocal = false
    }

    /// Nobody is to know whose the sockets are.
    public mutating func forgetUsers() {
        originator?.uid = .max
        responder?.uid = .max
        elsewhere?.uid = .max
        for index in listeners.indices { listeners[index].uid = .max }
    }
}
