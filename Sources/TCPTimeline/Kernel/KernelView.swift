// The kernel's view of one connection: what its socket tables showed for either side, and who owns the sockets.

import TCPMachine
public import TCPModel

/// What the kernel's tables showed of one side's socket.
public struct KernelSideView: Sendable {
    /// The socket as it last was in the tables.
    public internal(set) var socket: KernelSocket?
    /// Whether it was in the latest reading.
    public internal(set) var isPresent = false
    /// The state in which the wire and the kernel agreed at the latest comparison; nil if they did not.
    public internal(set) var confirmedState: TCPState?
    /// Since when the tables have had the socket in its state: the beginning of the first reading that showed it.
    public internal(set) var stateSince: Timestamp?
    /// Whether the tables showed it in ESTABLISHED while the connection was traced.
    public internal(set) var wasOpen = false
    /// The states in which readings and segments have agreed so far; kept only if the join `remembersReadings`.
    var formerStates: TracedFacts.States = []
    /// The state that the kernel steadily reports instead of ours; kept when ours is corrected to it.
    public internal(set) var contradiction: TCPState?
    /// The process that holds the socket, or held it last.
    public internal(set) var process: ProcessIdentity?
    /// Whether a system call on the socket showed that another process than the one named before has it.
    var hadOtherProcess = false
    /// That process's descriptor number for the socket, if it was looked up; kept after the end.
    public internal(set) var descriptor: Int32?
    /// Other processes that also held it when that was looked up, the lowest pids first, at most
    /// `KernelJoin.sharerLimit`; kept after the end.
    public internal(set) var sharers: [SocketHolder] = []
    /// How many other processes held it, beyond that limit too.
    public internal(set) var sharerCount = 0
    /// When its holders were looked up since its state changed; nil if they were not.
    var holdersSought: Timestamp?
    /// Whether the process was found to hold it no longer, and neither does any
    /// process that may have got it from there.
    var isProcessStale = false
    /// The process that was judged last, and whether it belongs to the traced command.
    var judged: (pid: Int32, isOfCommand: Bool)?
    /// Whether a process of the traced command holds, or held, the socket.
    public internal(set) var isOfCommand = false
    /// Why its process, or the listener's, cannot act on it; nil if nothing is known to prevent it.
    public internal(set) var trouble: ProcessTrouble?
    /// The socket that listens on this side's port, if any. Of several on one address (SO_REUSEPORT) it is a full one,
    /// if there is one; else the one that the kernel named for this connection, if it was asked.
    public internal(set) var listener: KernelSocket?
    /// Whether that listener's queue was full at an earlier reading,
    /// whose figure is kept in `listener`, and no longer is.
    public internal(set) var hadFullQueue = false
    /// How many sockets listen on that address and may be the one: the kernel gives each connection to one of them.
    public internal(set) var listenerCount = 0
    /// The process that holds the listening socket.
    public internal(set) var listenerProcess: ProcessIdentity?
    /// Other processes that hold it, too, as workers forked by a master do: the lowest pids first, at most
    /// `KernelJoin.sharerLimit`. Any of them may call accept().
    public internal(set) var listenerSharers: [SocketHolder] = []
    /// How many other processes hold it, beyond that limit too.
    public internal(set) var listenerSharerCount = 0
    /// When the listener's holders were looked up.
    var listenerHoldersSought: Timestamp?
    /// If several processes hold the listener: those that cannot act, and why.
    public internal(set) var troubledSharers: [(process: ProcessIdentity, trouble: ProcessTrouble)] = []
    /// How much that listener had refused at the latest reading before the connection's first segment, at the first
    /// reading after it, and at the latest one.
    var listenerDrops: (before: UInt32?, first: UInt32?, now: UInt32?) = (nil, nil, nil)
    /// How many SYNs and last ACKs the listener refused between two readings while the connection was watched. Earlier
    /// refusals, such as of its first SYN, are not included.
    public var laterRefusals: UInt32 {
        guard let first = listenerDrops.first, let now = listenerDrops.now, now >= first else { return 0 }
        return now - first
    }
    /// How many SYNs and last ACKs the listener refused since just before the
    /// connection's first segment; nil if unknown.
    public var listenerRefusals: UInt32? {
        guard let before = listenerDrops.before, let now = listenerDrops.now, now >= before else { return nil }
        return now - before
    }
    /// Text that its process has not read, and since when the process has read nothing.
    var unread: UnreadText?
    /// The first and the latest reading between which text waited in the receive queue and the
    /// process read nothing; nil if no text waits.
    public var unreadSpan: (since: Timestamp, latest: Timestamp)? { unread.map { ($0.since, $0.latest) } }
    /// When the socket was first seen open without an owner although a process listens: it waits to be accepted.
    public internal(set) var unacceptedSince: Timestamp?
    /// Whether waiting to be accepted was reported.
    var reportedUnaccepted = false
    /// The latest moment at which no process had it: the beginning of the reading that showed so.
    public internal(set) var lastUnaccepted: Timestamp?
    /// The first moment at which a process is known to have had it: the end of the reading that showed so,
    /// or a system call on it.
    public internal(set) var firstAccepted: Timestamp?
    /// When its first text or FIN was captured: no process sends or closes before accept(), so one had it by then.
    var firstAnswer: Timestamp?
    /// Whether it sent text or a FIN.
    public var hasAnswered: Bool { firstAnswer != nil }
    /// While it waits to be accepted: its place among the traced connections that wait for the same listener, 1 = next.
    public internal(set) var queuePlace: UInt32?
    /// How many traced connections waited then. Untraced ones may be ahead of any of them,
    /// and so may ones that were reset meanwhile.
    public internal(set) var queueTraced: UInt32 = 0
    /// A socket that listens on this side's port, but only at another address: nothing listens here.
    public internal(set) var elsewhere: KernelSocket?
    /// The process that holds that listening socket.
    public internal(set) var elsewhereProcess: ProcessIdentity?
    /// Whether the tables have been read since the connection was first watched.
    public internal(set) var isRead = false
    /// Whether the address is this host's, so that a missing socket is significant.
    public internal(set) var isLocal = false
    /// The state in which its socket was when it was found gone without a segment; nil again if the socket reappears.
    var droppedFrom: TCPState?
    /// Whether it was ended by a RST that its kernel reported and that was not captured.
    var isResetLed = false
    /// What tracepoints reported, event by event; kept after the end.
    public internal(set) var trace = TracedFacts()
    /// A disagreement found by a reading, since when, waiting for a later reading to repeat it.
    var suspicion: (kernel: TCPState?, wire: TCPState, since: Timestamp)?

    /// When a reading first showed that it has closed and no process has the socket any more: close(),
    /// not shutdown(). Kept after the end.
    public internal(set) var orphanSince: Timestamp?

    /// Whether the kernel shows that its program has closed, while captured segments leave it in `state`:
    /// its FIN has not been sent, or was dropped.
    public func hasClosed(in state: TCPState) -> Bool {
        guard state == .established || state == .closeWait else { return false }
        return [TCPState.finWait1, .lastAck, .closing].contains { $0 == contradiction || $0 == trace.state }
    }

    /// Whether the named process did not close the socket itself: the kernel did when the process ended.
    public var wasClosedByExit: Bool { trace.closedByExitOf.map { $0 == process?.pid } ?? false }

    /// The process whose end closed the socket, if another one may have been named before: an earlier owner, whose
    /// child held the last copy, or the listener's.
    public var exitedLatecomer: ProcessIdentity? {
        guard let exited = trace.exitedCloser,
            hadOtherProcess || exited.pid != process?.pid || exited.pid != listenerProcess?.pid ?? exited.pid
        else { return nil }
        return exited
    }

    /// Whether the process holds the socket now; if not, it is the process that *held* it.
    public var isOwned: Bool { isPresent && (socket?.inode ?? 0) != 0 }

    /// Whether the kernel showed, in a reading or by an event, that the socket is or
    /// was in this state when we had it there.
    public func confirms(_ state: TCPState) -> Bool {
        let asked = TracedFacts.States(state)
        return confirmedState == state || trace.entered.contains(asked) || formerStates.contains(asked)
    }

    /// The state in which the tables had the socket after segments had closed this end:
    /// whatever closed it was not obeyed here, or not sent from here.
    public var outlivedState: TCPState? {
        guard let suspicion, suspicion.wire == .closed, let state = suspicion.kernel else { return nil }
        return state
    }

    /// The state in which the tables have its socket although segments closed this end; nil if it is over there, too.
    fileprivate var livesOnIn: TCPState? {
        guard isPresent, let state = outlivedState ?? contradiction, !state.isOver else { return nil }
        return state
    }

    /// Whether the latest reading missed its socket, which is in `state` by its segments, and no event reported its
    /// end. A look-up does not find a socket bound to an interface unless it names that; so all sockets are listed
    /// before this one is considered gone. Not for TIME_WAIT, which a timer ends.
    func isLost(in state: TCPState) -> Bool {
        guard let suspicion, suspicion.kernel == nil, suspicion.wire == state else { return false }
        return state != .timeWait && trace.closedTime == nil
    }

    /// Whether the kernel answered a SYN here: it has, or had, a request that waits for the handshake's end.
    public var answeredSyn: Bool { socket?.state == .synReceived || trace.sentSynAckAgain }

    /// How long a responder's socket waited in the accept queue, in nanoseconds; nil if unknown. Only readings, the
    /// owner's system calls and what the socket sends show that, so it is a range: at least `least` and at most `most`,
    /// which is nil while no process has the socket. One that went with its listener waited to its end.
    public func acceptDelay(_ connection: Connection) -> (least: Int64, most: Int64?)? {
        guard firstAccepted != nil || lastUnaccepted != nil, !connection.isSelfConnect,
            let open = trace.openedTime ?? connection.openTime
        else { return nil }
        let latestWithout = wentWithListener ? end(of: connection) ?? lastUnaccepted : lastUnaccepted
        let least = max(0, latestWithout?.since(open) ?? 0)
        let latest = [firstAccepted, firstAnswer].compactMap { $0 }.min()
        return (least, latest.map { max(least, $0.since(open)) })
    }

    /// When this side of a connection ended: by its kernel's account, or else by the latest segment. Nil if it has not.
    public func end(of connection: Connection) -> Timestamp? {
        connection.isEnded ? trace.closedTime ?? connection.lastTime : nil
    }

    /// Whether the kernel certainly has no socket here: the address is local,
    /// and there is neither a socket nor a listener.
    public var hasNoSocket: Bool { isLocal && !isPresent && listener == nil }
}

/// Both sides of one connection.
public struct KernelView: Sendable {
    /// The originator's side, then the responder's: about a thousand octets each, in an array so that a view is passed
    /// on without copying them. A view is requested for every row; in most replays there is none.
    private var sides = KernelView.unread

    /// Both sides of a connection of which nothing has been read, shared until something is.
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

    /// Whether either end belongs, or belonged, to the traced command.
    public var isOfCommand: Bool { originator.isOfCommand || responder.isOfCommand }

    /// A process at one of its ends that could not be judged as belonging to the
    /// traced command or not; nil if there is none.
    public var undecidedProcess: ProcessIdentity? {
        for side in sides {
            guard let process = side.process ?? side.listenerProcess, side.judged?.pid != process.pid else { continue }
            return process
        }
        return nil
    }

    /// Whether the latest reading denies that a connection is over:
    /// what seemed to end it was not obeyed, or did not reach TCP.
    public func deniesEnd(of connection: Connection) -> Bool {
        [Side.originator, .responder].contains { side in
            let own = self[side]
            let state = connection.endpoint(side).state
            guard own.isPresent else { return false }
            if !state.isOver { return own.confirmedState == state }
            guard let outlived = own.livesOnIn else { return false }
            // It retransmits its FIN; otherwise it may be all that is left, its peer being gone.
            if [.finWait1, .closing, .lastAck].contains(outlived) { return true }
            return !connection.endpoint(side.other).state.isOver || self[side.other].livesOnIn != nil
        }
    }

    /// Whether a firewall rule sent the RST that answered the SYN: it dropped the SYN, or the client's kernel accepted
    /// a RST that the server's kernel, which is the same one, had not reported sending.
    public var isRejected: Bool {
        responder.trace.dropReason == .netfilterDrop
            || responder.isLocal && responder.trace.resetTime == nil && originator.trace.wasReset
    }

    /// Whether a process was seen at either end.
    public var hasProcess: Bool {
        originator.process != nil || responder.process != nil || responder.listenerProcess != nil
    }

    /// Why the kernel dropped packets to the server, or else packets from it; nil if it dropped none.
    public var dropReason: KernelWord? { responder.trace.dropReason ?? originator.trace.dropReason }

    /// The processes that hold its ends, and the listener that it came to, as far as known.
    public var owners: [ProcessIdentity] {
        [originator.process, responder.process, responder.listenerProcess].compactMap { $0 }
            + (originator.sharers + responder.sharers).map(\.process)
    }

    /// Whether the kernel showed that one side's socket is or was in this state when we had it there.
    public func confirms(_ state: TCPState, of side: Side) -> Bool { self[side].confirms(state) }

    /// Changes one side in place.
    mutating func update(_ side: Side, _ change: (inout KernelSideView) -> Void) { change(&self[side]) }

    /// One side.
    public subscript(side: Side) -> KernelSideView {
        _read { yield sides[side == .originator ? 0 : 1] }
        _modify { yield &sides[side == .originator ? 0 : 1] }
    }
}

/// News from the kernel about one endpoint.
public struct KernelEvent: Sendable {
    /// What is new.
    public enum Kind: Sendable {
        /// The socket's state or owner changed in the tables; nil = it was not there.
        case state(from: TCPState?, to: TCPState?)
        /// Its process was found.
        case owner(ProcessIdentity)
        /// It is open, but no process has accepted it since that was first seen.
        case notAccepted(since: Timestamp)
        /// A process accepted it after a wait, in nanoseconds, that the readings before and after bound.
        case accepted(least: Int64, most: Int64)
        /// The socket is gone, and no segment shows why: a timer ran out, or the socket was destroyed.
        case dropped(from: TCPState)
        /// The kernel steadily reports another state than the wire.
        case contradiction(kernel: TCPState?, wire: TCPState)
        /// The kernel has it in a state to which no captured segment leads: the capture lacks those segments,
        /// and our states followed the kernel.
        case uncaptured(kernel: TCPState, wire: TCPState, LedEnds)
        /// Address translation (NAT) lies between its socket and the capture: what the socket has instead.
        case translated(TranslatedEnd)
        /// A tracepoint event; its time is the event's own.
        case traced(SocketEvent.Kind)
    }

    /// The connection.
    public private(set) var connection: ConnectionID
    /// The side whose socket it is.
    public let side: Side
    /// The time of the reading, or of the event.
    public let time: Timestamp
    /// What is new.
    public let kind: Kind
    /// The socket, if it is there.
    public let socket: KernelSocket?
    /// Its process, if known; for an event in a system call, the process that made the call.
    public let process: ProcessIdentity?
    /// Where the news comes from.
    public var source = KernelSource.proc
    /// With `.dropped` from TIME_WAIT or FIN_WAIT_2: the socket was gone before
    /// its time was over, so no timer ended it.
    public var isEarly = false

    /// With `.contradiction`: our state, only inferred or assumed, was retracted and is now the kernel's.
    public var isCorrected = false

    /// Whether the socket was seen open before.
    var wasOpen = false

    /// Whether this is no contradiction at all: one side had closed before the capture began, which we could not know.
    public var endsAssumption: Bool {
        guard isCorrected, !wasOpen, case .contradiction(let kernel, .established) = kind else { return false }
        return kernel == .closeWait || kernel == .finWait2
    }

    /// Whether this is no contradiction either: the socket is in SYN_RECEIVED, and its SYN-ACK was not captured or was
    /// dropped on its way out, so that segments show nothing of this end.
    public var lacksAnswer: Bool {
        if case .contradiction(.synReceived, .unseen) = kind { true } else { false }
    }

    /// This event for a connection that is kept elsewhere, at this place.
    public func of(_ id: ConnectionID) -> KernelEvent {
        var event = self
        event.connection = id
        return event
    }

    /// Whether a tracepoint reported it, and not a reading of the sockets.
    public var isTraced: Bool { source == .tracepoint }
}

/// A reading of the kernel's socket tables.
public protocol KernelSnapshot {
    /// When the reading began, on the clock that stamps frames.
    var begin: Timestamp { get }
    /// When it was complete.
    var end: Timestamp { get }
    /// The source of the reading.
    var source: KernelSource { get }
    /// The socket with these two ends, not a listener.
    func socket(local: SocketAddress, remote: SocketAddress) -> KernelSocket?
    /// A socket that listens on this port, whatever its address.
    func listener(onPort port: UInt16) -> KernelSocket?
    /// All sockets that listen on this address, or on the wildcard, one of which takes a SYN with these ends;
    /// if it is known which, that one comes first.
    func listeners(at address: SocketAddress, from peer: SocketAddress) -> [KernelSocket]
    /// Whether this host has the address.
    func isLocal(_ address: IPAddress) -> Bool
}

/// Defaults for a reading of /proc.
extension KernelSnapshot {
    /// /proc/net/tcp and tcp6.
    public var source: KernelSource { .proc }
    /// Unknown.
    public func listener(onPort port: UInt16) -> KernelSocket? { nil }
}
