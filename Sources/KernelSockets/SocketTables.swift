// Reads the kernel's TCP sockets in the cheapest available way: single look-ups, else a list, else /proc/net/tcp.

public import TCPModel

/// One end of a connection whose socket a reading should find.
public struct WantedSocket: BitwiseCopyable, Sendable {
    /// The connection's four-tuple; the wanted socket's own end is the source.
    public var tuple: FourTuple
    /// Whether the socket should exist: if the look-up misses it, the whole list is searched.
    public var isExpected: Bool
    /// Whether, by all that is known, the kernel has a socket for it: if the look-up misses it, it may be bound to an
    /// interface.
    public var isOpen: Bool
    /// The interface to which the socket was bound when it was last read; 0 = none. The interface may be gone while the
    /// socket still exists.
    public var interface: UInt32

    /// An end with these properties.
    public init(_ tuple: FourTuple, isExpected: Bool, isOpen: Bool = false, interface: UInt32 = 0) {
        self.tuple = tuple
        self.isExpected = isExpected
        self.isOpen = isOpen
        self.interface = interface
    }
}

/// Reads sockets through sock_diag, or through /proc while sock_diag is unavailable.
public struct SocketTables {
    /// Boxes the move-only value, which cannot be stored in a copyable one.
    private final class Box {
        var diag: SockDiag
        init(_ diag: consuming SockDiag) { self.diag = diag }
    }

    /// Up to this many ends are looked up one by one; looking up more would cost about as much as the cheapest list.
    public static let lookUpLimit = 512
    /// The maximum number of interfaces tried for a socket that is not found otherwise: a container host has thousands.
    static let interfaceLimit = 32

    /// Opens sock_diag; nil to read only /proc.
    private let open: (() throws(KernelViewError) -> SockDiag)?
    private let clock: () -> Int64
    private var box: Box?
    private var pace = RetryPace()
    private var proc: ProcNetTCP
    /// How many more readings use lists instead of look-ups, after a socket was found that look-ups miss.
    private var listsLeft = 0
    private static let listsAfterMiss = 100
    /// The indexes of the interfaces to which sockets may be bound.
    public var interfaces: [UInt32] = []

    /// Whether sock_diag is in use; if not, /proc/net/tcp is read.
    public var usesSockDiag: Bool { box != nil }
    /// The number of times that sock_diag returned an error or gave no answer.
    public private(set) var failures = 0
    /// The error of the first such failure.
    public private(set) var firstFailure: KernelViewError?

    /// Faults of /proc, and of earlier sock_diag sockets that were closed after an error.
    private var earlierFaults = ReadingFaults()

    /// What could not be read or understood since the start.
    public var faults: ReadingFaults {
        var faults = earlierFaults
        if let box { faults.add(box.diag.counts) }
        faults.sockDiagFailures = failures
        return faults
    }

    /// Opens sock_diag if it is available.
    public init() {
        self.init(proc: ProcNetTCP(), clock: monotonicNow) { () throws(KernelViewError) in try SockDiag() }
    }

    /// Reads only /proc below `root`, for tests.
    init(procOnly root: String) { self.init(proc: ProcNetTCP(root: root), clock: { 0 }, open: nil) }

    /// From its parts, for tests.
    init(proc: ProcNetTCP, clock: @escaping () -> Int64, open: (() throws(KernelViewError) -> SockDiag)?) {
        self.proc = proc
        self.clock = clock
        self.open = open
        reopen()
    }

    /// Replaces the contents of `snapshot` with a reading of the wanted sockets and the listeners on their own ends; if
    /// `wanted` is nil, of all sockets that have one of the ports (no ports = any). The snapshot may hold more sockets
    /// than were wanted. `listening` names the ports whose listeners are all needed, because several may share an
    /// address (no ports = any; nil = none).
    /// - Throws: `KernelViewError` if neither source can be read.
    public mutating func read(
        into snapshot: inout SocketSnapshot, wanted: [WantedSocket]?, ports: [UInt16], listening: [UInt16]? = nil
    ) throws(KernelViewError) {
        if box == nil, failures > 0, pace.isDue(clock()) { reopen() }
        if let box {
            do throws(KernelViewError) {
                try ask(box, into: &snapshot, wanted, ports, listening)
                pace.noteSuccess()
                return
            } catch {
                note(error)
            }
        }
        do throws(KernelViewError) {
            try proc.read(into: &snapshot, ports: ports)
        } catch {
            earlierFaults.failedReadings += 1
            throw error
        }
        earlierFaults.malformedRows += snapshot.malformedLines
        earlierFaults.unknownStates += snapshot.unknownStates
    }

    /// Looks the sockets up, or lists all if that is cheaper or if an expected socket is not found by look-up.
    private mutating func ask(
        _ box: Box, into snapshot: inout SocketSnapshot, _ wanted: [WantedSocket]?, _ ports: [UInt16],
        _ listening: [UInt16]?
    ) throws(KernelViewError) {
        guard let wanted, wanted.count <= Self.lookUpLimit, listsLeft == 0 else {
            listsLeft = max(0, listsLeft - 1)
            return try box.diag.read(into: &snapshot, ports: ports)
        }
        try box.diag.read(into: &snapshot, tuples: wanted.map { $0.tuple }, listening: listening)
        for end in wanted where end.isOpen && !Self.has(end.tuple, snapshot) {
            try box.diag.addBound(
                end.tuple, before: end.interface, to: Array(interfaces.prefix(Self.interfaceLimit)), &snapshot)
        }
        let missing = wanted.filter { $0.isExpected && !Self.has($0.tuple, snapshot) }
        if missing.isEmpty { return }
        try box.diag.read(into: &snapshot, ports: ports)
        if missing.contains(where: { Self.has($0.tuple, snapshot) }) { listsLeft = Self.listsAfterMiss }
    }

    /// Opens a new socket, which shares no state with the previous one. Needs no privilege.
    private mutating func reopen() {
        guard let open else { return }
        do throws(KernelViewError) {
            let opened = Box(try open())
            try opened.diag.prove()
            box = opened
        } catch {
            note(error)
        }
    }

    /// Records a failure of sock_diag: the kernel is short of memory, lacks the module, or a system call filter is in
    /// the way. /proc is used until the next attempt.
    private mutating func note(_ error: KernelViewError) {
        if let box { earlierFaults.add(box.diag.counts) }
        box = nil
        failures += 1
        firstFailure = firstFailure ?? error
        pace.note(clock())
    }

    private static func has(_ tuple: FourTuple, _ snapshot: SocketSnapshot) -> Bool {
        snapshot.socket(local: tuple.source, remote: tuple.destination) != nil
    }
}

extension ReadingFaults {
    /// Adds the faults counted by one sock_diag socket.
    fileprivate mutating func add(_ counts: SockDiag.Counts) {
        malformedRows += counts.malformed
        unknownStates += counts.unknownStates
        incompleteLists += counts.incomplete
    }
}
