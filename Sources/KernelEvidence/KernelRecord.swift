// What a live trace learns about the kernel and joins to the captured frames: plain values, in the order of the joins.
//
// A capture file with these records replays the kernel's side, too. A record is placed behind the frames that had been
// observed when it was joined, so that a replay joins it to the same state.

public import TCPModel

/// Something that a live trace learned about the kernel.
public enum KernelRecord: Sendable {
    /// The first record of a trace: everything up to the next record of this kind is of one host.
    case begin(KernelTraceSettings)
    /// Tracepoint events that were joined to connections, in the order of the joins, and the time when they were taken
    /// in.
    case events([SocketEvent], taken: Timestamp)
    /// A reading of the socket tables.
    case reading(KernelReading)
    /// The processes that hold sockets, by inode.
    case owners([UInt64: SocketHolder], time: Timestamp, source: KernelSource)
    /// All holders of the sockets of one process, by inode; an empty list if no process holds the socket any more.
    case holders([UInt64: [SocketHolder]], of: Int32, time: Timestamp, source: KernelSource)
    /// Processes that cannot serve what waits for them; valid until the next record of this kind.
    case troubled([Int32: ProcessTrouble], time: Timestamp)
    /// A socket of this host listened at this end when the trace began. It precedes the frames of its connections.
    case listening(SocketAddress)
    /// The live trace reported what it had learned by then.
    case told(KernelTelling)
    /// Changes of the host's counters between two readings.
    case counters(HostCounterChange)
    /// Changes of the host's counters over the whole trace: once, at its end, before the last report.
    case total(HostCounterChange)
}

/// How a live trace observed the kernel.
public struct KernelTraceSettings: Hashable, BitwiseCopyable, Sendable {
    /// Whether tracepoints reported events; otherwise the tables were polled.
    public var hasEvents: Bool

    /// Creates settings from their fields.
    public init(hasEvents: Bool) { self.hasEvents = hasEvents }
}

/// A live trace's report at one moment: a replay judges at the same moments, when it knows as much.
public struct KernelTelling: Hashable, Sendable {
    /// The time of the report.
    public var now: Timestamp
    /// Connections that had ended a certain time before this were reported; nil if only those whose four-tuples were
    /// reused.
    public var settled: Timestamp?
    /// The open connections with findings, from originator to responder.
    public var found: [FourTuple]

    /// Creates a report from its fields.
    public init(now: Timestamp, settled: Timestamp? = nil, found: [FourTuple] = []) {
        self.now = now
        self.settled = settled
        self.found = found
    }
}

/// What one reading of the socket tables says about the connections that it covers.
public struct KernelReading: Sendable {
    /// The time at which it began, on the clock that stamps frames.
    public var begin: Timestamp
    /// The time at which it was complete.
    public var end: Timestamp
    /// The interface that was read.
    public var source: KernelSource
    /// The connections that it covers, each once.
    public var connections: [ReadConnection]
    /// Whether the next record has more connections of the same reading: a long reading has several records.
    public var goesOn = false

    /// Creates a reading from its fields.
    public init(begin: Timestamp, end: Timestamp, source: KernelSource, connections: [ReadConnection]) {
        self.begin = begin
        self.end = end
        self.source = source
        self.connections = connections
    }
}

/// What the tables say about one connection.
public struct ReadConnection: Sendable {
    /// The connection's four-tuple, from originator to responder.
    public var tuple: FourTuple
    /// The originator's socket; nil if there is none.
    public var originator: KernelSocket?
    /// The responder's socket; nil if there is none.
    public var responder: KernelSocket?
    /// All sockets that may receive a SYN from the originator; if it is known which of them does, that one is first.
    public var listeners: [KernelSocket]
    /// A socket that listens on the responder's port at another address, if none does at this one.
    public var elsewhere: KernelSocket?
    /// Whether the originator's address belongs to this host.
    public var isOriginatorLocal: Bool
    /// Whether the responder's address belongs to this host.
    public var isResponderLocal: Bool

    /// Creates an entry for a connection about which nothing is known yet.
    public init(_ tuple: FourTuple) {
        self.tuple = tuple
        listeners = []
        isOriginatorLocal = false
        isResponderLocal = false
    }

    /// Removes the owning users of all sockets.
    public mutating func forgetUsers() {
        originator?.uid = .max
        responder?.uid = .max
        elsewhere?.uid = .max
        for index in listeners.indices { listeners[index].uid = .max }
    }
}
