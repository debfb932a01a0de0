// The kernel's view of one connection: what its socket tables said of either side, and who owns the sockets.

import TCPMachine
public import TCPModel

/// What the kernel's tables said of one side's socket.
public struct KernelSideView: Sendable {
    /// The socket when it was last in the tables.
    public internal(set) var socket: KernelSocket?
    /// Whether it was in the latest snapshot.
    public internal(set) var isPresent = false
    /// The state that both the wire and the kernel had at the same time.
    public internal(set) var confirmedState: TCPState?
    /// Since when the tables have had the socket in its state: the beginning of the first reading that said so.
    public internal(set) var stateSince: Timestamp?
    /// Whether they had it open while the connection was traced.
    public internal(set) var wasOpen = false
    /// The states in which readings and segments agreed by now: kept only if the join `remembersReadings`.
    var formerStates: TracedFacts.States = []
    /// What the kernel steadily says instead of our state.
    public internal(set) var contradiction: TCPState?
    /// The process that holds the socket, or held it last.
    public internal(set) var process: ProcessIdentity?
    /// The number of that process's descriptor for the socket, if it was looked up; it stays after the end.
    public internal(set) var descriptor: Int32?
    /// Other processes that held it, too, when that was looked up, the lowest pids first, at most `KernelJoin.sharerLimit`; they stay
    /// after the end.
    public internal(set) var sharers: [SocketHolder] = []
    /// How many there were.
    public internal(set) var sharerCount = 0
    /// When its holders were looked up since its state changed; nil if they were not.
    var holdersSought: Timestamp?
    /// Whether the process was found not to hold it any more, nor anybody who may have it from there.
    var isProcessStale = false
    /// The process that was judged last: whether it belongs to the command that is traced.
    var judged: (pid: Int32, isOfCommand: Bool)?
    /// Whether a process of the command that is traced holds the socket, or held it.
    public internal(set) var isOfCommand = false
    /// Why its process, or that of the listener, can do nothing for it; nil if nothing is known to keep it.
    public internal(set) var trouble: ProcessTrouble?
    /// Whether somebody listens on this side's port. Of several on one address (SO_REUSEPORT) it is a full one, if any is; else the
    /// one that the kernel named for this connection, if it was asked.
    public internal(set) var listener: KernelSocket?
    /// Whether that one's queue was full at an earlier reading, which is the one that is told of, and is not any more.
    public internal(set) var hadFullQueue = false
    /// How many listen on that address, and may be the one: the kernel gives each connection to one of them.
    public internal(set) var listenerCount = 0
    /// The process that holds the listening socket.
    public internal(set) var listenerProcess: ProcessIdentity?
    /// Other processes that hold it, too, as workers do that a master forks: the lowest pids first, at most `KernelJoin.sharerLimit`. Any
    /// of them may call accept().
    public internal(set) var listenerSharers: [SocketHolder] = []
    /// How many there are.
    public internal(set) var listenerSharerCount = 0
    /// When the listener's holders were looked up.
    var listenerHoldersSought: Timestamp?
    /// Where several hold the listener: those of them that can do nothing, and why.
    public internal(set) var troubledSharers: [(process: ProcessIdentity, trouble: ProcessTrouble)] = []
    /// What that listener had refused at the latest reading before the connection's first segment, at the first one after it, and at
    /// the latest one.
    var listenerDrops: (before: UInt32?, first: UInt32?, now: UInt32?) = (nil, nil, nil)
    /// How many SYNs and last ACKs the listener refused between two readings while the connection was watched: none of those that came
    /// before the first one, such as its first SYN.
    public var laterRefusals: UInt32 {
        guard let first = listenerDrops.first, let now = listenerDrops.now, now >= first else { return 0 }
        return now - first
    }
    /// How many SYNs and last ACKs the listener refused since just before the connection's first segment; nil if that is not known.
    public var listenerRefusals: UInt32? {
        guard let before = listenerDrops.before, let now = listenerDrops.now, now >= before else { return nil }
        return now - before
    }
    /// Text that its process has not read, and since when it has read nothing.
    var unread: UnreadText?
    /// The first and the latest reading between which text waited in the receive queue and the process read nothing; nil if nothing waits.
    public var unreadSpan: (since: Timestamp, latest: Timestamp)? { unread.map { ($0.since, $0.latest) } }
    /// When the socket was first seen open without an owner though somebody listens: waiting to be accepted.
    public internal(set) var unacceptedSince: Timestamp?
    /// Whether waiting to be accepted was reported.
    var reportedUnaccepted = false
    /// The latest moment at which no process had it: the beginning of the reading that said so.
    public internal(set) var lastUnaccepted: Timestamp?
    /// The first moment at which a process had it: the end of the reading that said so, or a system call on it.
    public internal(set) var firstAccepted: Timestamp?
    /// When its first text or FIN was captured: nobody sends or closes before accept(), so that a process had it by then.
    var firstAnswer: Timestamp?
    /// Whether it sent text or a FIN.
    public var hasAnswered: Bool { firstAnswer != nil }
    /// While it waits to be accepted: its place among the traced ones that wait for the same listener, 1 = the next one.
    public internal(set) var queuePlace: UInt32?
    /// How many traced ones waited then. Others may stand before any of them, and those that were reset meanwhile.
    public internal(set) var queueTraced: UInt32 = 0
    /// Somebody who listens on this side's port, but at another address only: nobody listens here.
    public internal(set) var elsewhere: KernelSocket?
    /// The process that holds that listening socket.
    public internal(set) var elsewhereProcess: ProcessIdentity?
    /// Whether the tables have been read since the connection is watched.
    public internal(set) var isRead = false
    /// Whether the address is this host's, so that a missing socket means something.
    public internal(set) var isLocal = false
    /// Where its socket was when it was found gone without a segment; nil again if it is found there after all.
    var droppedFrom: TCPState?
    /// Whether a RST that its kernel told of and that was not captured ended it.
    var isResetLed = false
    /// What tracepoints said, event by event; it stays after the end.
    public internal(set) var trace = TracedFacts()
    /// A disagreement of the previous snapshot, with its time, waiting for the next one to repeat it.
    var suspicion: (kernel: TCPState?, wire: TCPState, since: Timestamp)?

    /// When it was first read that it has closed and no process has the socket any more: close(), not shutdown(). It stays after the
    /// end.
    public internal(set) var orphanSince: Timestamp?

    /// Whether the kernel says that its program has closed, while it is in `state` by what was captured: its FIN is not out, or was dropped.
    public func hasClosed(in state: TCPState) -> Bool {
        guard state == .established || state == .closeWait else { return false }
        return [TCPState.finWait1, .lastAck, .closing].contains { $0 == contradiction || $0 == trace.state }
    }

    /// Whether the process that is named did not close the socket: its end did.
    public var wasClosedByExit: Bool { trace.closedByExitOf.map { $0 == process?.pid } ?? false }

    /// Whether the process holds the socket now; if not, it is the process that *was* there.
    public var isOwned: Bool { isPresent && (socket?.inode ?? 0) != 0 }

    /// Whether the kernel said, in a reading or by an event, that the socket is or was in this state when we had it there.
    public func confirms(_ state: TCPState) -> Bool {
        let asked = TracedFacts.States(state)
        return confirmedState == state || trace.entered.contains(asked) || formerStates.contains(asked)
    }

    /// The state in which the tables had the socket after segments had closed this end: whatever closed it there was not obeyed
    /// here, or not sent from here.
    public var outlivedState: TCPState? {
        guard let suspicion, suspicion.wire == .closed, let state = suspicion.kernel else { return nil }
        return state
    }

    /// The state in which the tables have its socket, though segments closed this end; nil if it is over there, too.
    fileprivate var livesOnIn: TCPState? {
        guard isPresent, let state = outlivedState ?? contradiction, !state.isOver else { return nil }
        return state
    }

    /// Whether the latest reading missed its socket, which is in this state by its segments, and no event told of its end: a look-up does
    /// not find what is bound to an interface that nobody names, and before it is taken for gone all sockets are listed. Not for
    /// TIME_WAIT, which a timer ends.
    func isLost(in state: TCPState) -> Bool {
        guard let suspicion, suspicion.kernel == nil, suspicion.wire == state else { return false }
        return state != .timeWait && trace.closedTime == nil
    }

    /// Whether the kernel answered a SYN here: it has, or had, a request that waits for the handshake's end.
    public var answeredSyn: Bool { socket?.state == .synReceived || trace.sentSynAckAgain }

    /// How long a responder's socket waited in the accept queue, in nanoseconds; nil if nothing is known. Only readings, the owner's
    /// system calls and what it sends tell: so it was at least `least` and at most `most`, which is nil while nobody has it.
    public func acceptDelay(_ connection: Connection) -> (least: Int64, most: Int64?)? {
        guard firstAccepted != nil || lastUnaccepted != nil, !connection.isSelfConnect, let open = connection.openTime
        else { return nil }
        let least = max(0, lastUnaccepted?.since(open) ?? 0)
        let latest = [firstAccepted, firstAnswer].compactMap { $0 }.min()
        return (least, latest.map { max(least, $0.since(open)) })
    }

    /// Whether the kernel surely has no socket here: a local address, and neither a socket nor a listener.
    public var hasNoSocket: Bool { isLocal && !isPresent && listener == nil }
}

/// Both sides of one connection.
public struct KernelView: Sendable {
    /// The originator's side, then the responder's: a thousand octets each, in an array so that a view is handed on without copying
    /// them. It is asked for with every row, in most replays only to find that there is none.
    private var sides = KernelView.unread

    /// Both sides of a connection that nothing has been read of, shared until something is.
    private static let unread = [KernelSideView(), KernelSideView()]

    /// The originator's side.
    public internal(set) var originator: KernelSideView {
        _read { yield sides[0] }
        _modify { yield &sides[0] }
    }

    /// The responder's side.
    public internal(set) var responder: KernelSideView {
        _read { yield sides[1] }
        _modify { yield &sides[1] }
    }

    /// Whether either end is, or was, the traced command's.
    public var isOfCommand: Bool { originator.isOfCommand || responder.isOfCommand }

    /// A process at one of its ends of which it could not be told whether it is the traced command's; nil if there is none.
    public var undecidedProcess: ProcessIdentity? {
        for side in sides {
            guard let process = side.process ?? side.listenerProcess, side.judged?.pid != process.pid else { continue }
            return process
        }
        return nil
    }

    /// Whether the latest reading denies that a connection is over: what seemed to end it was not obeyed, or did not get to TCP.
    public func deniesEnd(of connection: Connection) -> Bool {
        [Side.originator, .responder].contains { side in
            let own = self[side]
            let state = connection.endpoint(side).state
            guard own.isPresent else { return false }
            if !state.isOver { return own.confirmedState == state }
            guard let outlived = own.livesOnIn else { return false }
            // Its FIN comes again; else it may be all that is left, whose peer is gone.
            if [.finWait1, .closing, .lastAck].contains(outlived) { return true }
            return !connection.endpoint(side.other).state.isOver || self[side.other].livesOnIn != nil
        }
    }

    /// Whether the RST that answered the SYN is a firewall rule's: it dropped the SYN, or the client's kernel took a RST of which the server's, which
    /// is this one too, has not told before.
    public var isRejected: Bool {
        responder.trace.dropReason == .netfilterDrop
            || responder.isLocal && responder.trace.resetTime == nil && originator.trace.wasReset
    }

    /// Whether a process was seen at either end.
    public var hasProcess: Bool {
        originator.process != nil || responder.process != nil || responder.listenerProcess != nil
    }

    /// Why the kernel threw away what went to the server, or else what came from there; nil if it did not.
    public var dropReason: KernelWord? { responder.trace.dropReason ?? originator.trace.dropReason }

    /// The processes that hold its ends, and the listener that it came to, as far as they are known.
    public var owners: [ProcessIdentity] {
        [originator.process, responder.process, responder.listenerProcess].compactMap { $0 }
            + (originator.sharers + responder.sharers).map(\.process)
    }

    /// Whether the kernel said that one side's socket is or was in this state when we had it there.
    public func confirms(_ state: TCPState, of side: Side) -> Bool { self[side].confirms(state) }

    /// Changes one side in place.
    mutating func update(_ side: Side, _ change: (inout KernelSideView) -> Void) { change(&self[side]) }

    /// One side.
    public subscript(side: Side) -> KernelSideView {
        _read { yield sides[side == .originator ? 0 : 1] }
        _modify { yield &sides[side == .originator ? 0 : 1] }
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
        /// A process accepted it after it had waited; nanoseconds, by the readings before and after.
        case accepted(least: Int64, most: Int64)
        /// The socket is gone, and no segment said so: a timer ran out, or somebody destroyed it.
        case dropped(from: TCPState)
        /// The kernel steadily says something else than the wire.
        case contradiction(kernel: TCPState?, wire: TCPState)
        /// The kernel has it where no captured segment leads: the capture lacks what did, and our states followed.
        case uncaptured(kernel: TCPState, wire: TCPState, LedEnds)
        /// A translation of addresses (NAT) lies between its socket and the capture: what the socket has instead.
        case translated(TranslatedEnd)
        /// A tracepoint's event; its time is the event's own.
        case traced(SocketEvent.Kind)
    }

    /// The connection.
    public private(set) var connection: ConnectionID
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
    /// With `.dropped` from TIME_WAIT or FIN_WAIT_2: it was gone before its time was over, so no timer ended it.
    public var isEarly = false

    /// With `.contradiction`: our state was only inferred or assumed, was taken back, and is the kernel's now.
    public var isCorrected = false

    /// Whether the socket was seen open before.
    var wasOpen = false

    /// Whether that is no contradiction at all: one side had closed before the capture began, and we could not know.
    public var endsAssumption: Bool {
        guard isCorrected, !wasOpen, case .contradiction(let kernel, .established) = kind else { return false }
        return kernel == .closeWait || kernel == .finWait2
    }

    /// The same of a connection that is kept elsewhere at this place.
    public func of(_ id: ConnectionID) -> KernelEvent {
        var event = self
        event.connection = id
        return event
    }

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
    /// A socket that listens on this port, whatever its address.
    func listener(onPort port: UInt16) -> KernelSocket?
    /// All sockets that listen on this address, or on the wildcard, of which one takes a SYN with these ends; if it is known which, it is
    /// the first.
    func listeners(at address: SocketAddress, from peer: SocketAddress) -> [KernelSocket]
    /// Whether this host has the address.
    func isLocal(_ address: IPAddress) -> Bool
}

/// A reading of /proc unless it says otherwise.
extension KernelSnapshot {
    /// /proc/net/tcp and tcp6.
    public var source: KernelSource { .proc }
    /// Not known.
    public func listener(onPort port: UInt16) -> KernelSocket? { nil }
}
