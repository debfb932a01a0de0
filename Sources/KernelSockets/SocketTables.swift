// The kernel's TCP sockets by the cheapest way there is: single look-ups, else a list, else /proc/net/tcp.

public import TCPModel

/// One end of a connection that a reading is to tell about.
public struct WantedSocket: BitwiseCopyable, Sendable {
    /// Its own end is the source.
    public var tuple: FourTuple
    /// Whether there should be a socket: one that is not found by its four-tuple is worth a look at the whole list.
    public var isExpected: Bool
    /// Whether a socket would have it, by all that is known: one that is not found may be bound to an interface.
    public var isOpen: Bool
    /// The interface that its socket was bound to when it was last read; 0 = none. The socket outlives the interface.
    public var interface: UInt32

    /// An end from its parts.
    public init(_ tuple: FourTuple, isExpected: Bool, isOpen: Bool = false, interface: UInt32 = 0) {
        self.tuple = tuple
        self.isExpected = isExpected
        self.isOpen = isOpen
        self.interface = interface
    }
}

/// Reads sockets through sock_diag, and through /proc while sock_diag does not answer.
public struct SocketTables {
    /// Move-only values cannot be part of a copyable one; a box can.
    private final class Box {
        var diag: SockDiag
        init(_ diag: consuming SockDiag) { self.diag = diag }
    }

    /// More ends than this are listed, not looked up one by one: about what a list costs at its cheapest.
    public static let lookUpLimit = 512
    /// At most so many interfaces are named for one socket that is not found without: a host of containers has thousands.
    static let interfaceLimit = 32

    /// Opens sock_diag; nil: only /proc is read.
    private let open: (() throws(KernelViewError) -> SockDiag)?
    private let clock: () -> Int64
    private var box: Box?
    private var pace = RetryPace()
    private var proc: ProcNetTCP
    /// A socket that look-ups do not find was met: so many lists are read, which do, before look-ups are tried again.
    private var listsLeft = 0
    private static let listsAfterMiss = 100
    /// The interfaces that sockets may be bound to.
    public var interfaces: [UInt32] = []

    /// Whether sock_diag answers; else /proc/net/tcp is read.
    public var usesSockDiag: Bool { box != nil }
    /// How often sock_diag refused, or gave no answer.
    public private(set) var failures = 0
    /// Why it did so the first time.
    public private(set) var firstFailure: KernelViewError?

    /// Faults of sock_diag sockets that were given up, and of /proc.
    private var earlierFaults = ReadingFaults()

    /// What could not be read, or was not understood, since the start.
    public var faults: ReadingFaults {
        var faults = earlierFaults
        if let box { faults.add(box.diag.counts) }
        faults.sockDiagFailures = failures
        return faults
    }

    /// Opens sock_diag if it is there.
    public init() {
        self.init(proc: ProcNetTCP(), clock: monotonicNanoseconds) { () throws(KernelViewError) in try SockDiag() }
    }

    /// Only /proc, for tests.
    init(procOnly root: String) { self.init(proc: ProcNetTCP(root: root), clock: { 0 }, open: nil) }

    /// From its parts, for tests.
    init(proc: ProcNetTCP, clock: @escaping () -> Int64, open: (() throws(KernelViewError) -> SockDiag)?) {
        self.proc = proc
        self.clock = clock
        self.open = open
        reopen()
    }

    /// Replaces what `snapshot` holds by a reading with the wanted sockets and the listeners of their own ends; nil = all
    /// sockets that have one of the ports (no ports = any). It may hold more sockets than were wanted. `listening` are ports of
    /// which all listeners are wanted, for there may be several on one address (no ports = any; nil = none).
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

    /// Looks the sockets up, or lists them where that is cheaper, or finds one that look-ups do not.
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

    /// A new socket, which has nothing of what the last one was in the midst of. Opening it needs no privilege.
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

    /// Sock_diag failed: the kernel is short of memory, or its module is not there, or a filter of system calls is in the way. /proc
    /// may do until it is tried again.
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
    /// Those that one sock_diag socket met.
    fileprivate mutating func add(_ counts: SockDiag.Counts) {
        malformedRows += counts.malformed
        unknownStates += counts.unknownStates
        incompleteLists += counts.incomplete
    }
}
