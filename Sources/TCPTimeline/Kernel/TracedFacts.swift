// What tracepoints reported about one side of a connection: kept after its end, for reports and findings.

public import TCPModel

/// The kernel's own account of one side's socket, event by event.
public struct TracedFacts: Sendable {
    /// A set of states: one bit for each raw value.
    public struct States: OptionSet, Hashable, Sendable, BitwiseCopyable {
        /// One bit per state.
        public var rawValue: UInt16
        /// The set with these bits.
        public init(rawValue: UInt16) { self.rawValue = rawValue }
        /// The set of one state.
        public init(_ state: TCPState) { rawValue = 1 << UInt16(state.rawValue) }
    }

    /// The states that the kernel showed the socket to enter. An endpoint enters a state once in its life.
    public internal(set) var entered: States = []
    /// The latest of them, which may be `closed` while TCP is in TIME-WAIT.
    public internal(set) var state: TCPState?
    /// How often its state changed.
    public internal(set) var transitions: UInt32 = 0
    /// The process that was ending when the socket began to close (left SYN_SENT, ESTABLISHED or CLOSE_WAIT): the kernel closed
    /// its sockets for it. Nil if a process called close() or shutdown(), or this was not reported.
    public internal(set) var closedByExitOf: Int32?
    /// That process, if its name is known.
    var exitedCloser: ProcessIdentity?
    /// When it went from SYN_RECEIVED to ESTABLISHED: from then on a connection that came to a listener waits to be
    /// accepted.
    public internal(set) var openedTime: Timestamp?
    /// When it left ESTABLISHED or CLOSE_WAIT because its program closed it, or ended.
    public internal(set) var closeTime: Timestamp?
    /// When an ICMP error came for it in SYN_SENT that ended nothing by itself, as its process was using the socket
    /// (inet_sk_error_report with errno 0): the program learns of it all the same (SO_ERROR).
    public internal(set) var icmpErrorTime: Timestamp?
    /// When a process closed it in SYN_SENT, and which one: it had lost patience,
    /// or another process destroyed the socket.
    public internal(set) var openingClosed: (time: Timestamp, by: ProcessIdentity?)?
    /// The same, unless it had an error (ECONNREFUSED, or ECONNABORTED for one that was destroyed): its program gave up,
    /// or ended.
    public var openingGivenUp: (time: Timestamp, by: ProcessIdentity?)? {
        errno == nil && !wasReset ? openingClosed : nil
    }
    /// Whether it left LAST_ACK because of the ACK of its FIN, as far as reported:
    /// nothing was retransmitted there, and no RST ended it.
    public internal(set) var endedByAck = false
    /// Whether anything was retransmitted in this state.
    private var hasSentAgain = false
    /// When it entered CLOSED, and from which state.
    public internal(set) var closedTime: Timestamp?
    private(set) var closedFrom: TCPState?
    /// Whether it continued as a small TIME_WAIT socket, which has no events (FIN_WAIT_2 or CLOSING to CLOSE).
    public internal(set) var leftTimeWaitSocket = false
    /// When it sent the first RST that was reported. An abort counts as the first,
    /// even if the answer to a segment that crossed it was reported before.
    public internal(set) var resetTime: Timestamp?
    /// Why it sent that RST, in the kernel's own word; nil if it sent none, or the kernel gives no reason.
    public internal(set) var resetReason: KernelWord?
    /// The process whose system call sent that RST; nil if a segment or a timer caused it.
    public internal(set) var resetProcess: ProcessIdentity?
    /// Whether that process was ending: the kernel closed its sockets for it.
    public internal(set) var resetByEnding = false
    /// Whether that process had just closed the listener that this connection came to, or destroyed it.
    public internal(set) var resetWithListener = false
    /// Whether that listener's memory was then released, as by close(): shutdown()
    /// and SOCK_DESTROY leave it to its owner.
    public internal(set) var isListenerFreed = false
    /// The state in which the socket sent that RST: close() leaves the connection's state first, SOCK_DESTROY does not.
    public internal(set) var resetState: TCPState?
    /// When it accepted a RST; also when it sent one because text came that its program would not read any more
    /// (`TCP_ABORT_ON_DATA`): Linux takes the same path for both.
    public internal(set) var tookResetTime: Timestamp?
    /// Whether it accepted a RST.
    public var wasReset: Bool { tookResetTime != nil }
    /// The errno that its application gets; nil if there is none.
    public internal(set) var errno: LinuxErrno?
    /// When the kernel reported that error.
    public internal(set) var errnoTime: Timestamp?
    /// Why the kernel dropped most of the packets that it dropped for this side; nil if it dropped none, or only ones
    /// that are old on purpose: keep-alives, window probes and repetitions, which are answered.
    public internal(set) var dropReason: KernelWord?
    /// How many it dropped for that reason.
    public internal(set) var drops: UInt32 = 0
    /// Another reason, and how many were dropped for it: of three reasons or more, the rarest are not counted.
    private var rivalReason: KernelWord?
    private var rivalDrops: UInt32 = 0
    private var rivalSince: Timestamp?
    /// When it dropped the first packet for `dropReason`.
    public internal(set) var dropsSince: Timestamp?
    /// When it dropped the latest packet for `dropReason`.
    public internal(set) var dropTime: Timestamp?
    /// When it dropped the latest packets with a wrong checksum, the oldest first.
    private var damageTimes: [Timestamp] = []
    private static let damageLimit = 16
    /// When a firewall rule dropped a packet for the last time.
    public internal(set) var ruleDropTime: Timestamp?
    /// Segments that this side's kernel retransmitted, SYN-ACKs included.
    public internal(set) var retransmissions: UInt32 = 0
    /// Whether a SYN-ACK was among them: the SYN had arrived.
    public internal(set) var sentSynAckAgain = false
    /// When its socket's memory was released; nil if that was not reported.
    public internal(set) var destroyTime: Timestamp?
    /// Whether the owner is known from a system call on this very socket (connect, close, shutdown).
    public internal(set) var isOwnerExact = false

    /// The address of its socket in kernel memory, by the latest state change; 0 if unknown.
    private var socket: UInt64 = 0

    /// Whether any event concerned this side.
    public internal(set) var isTraced = false

    /// Whether it has a socket, according to the events: one that was born and has not gone.
    var hasSocket: Bool { state != nil && state != .closed && destroyTime == nil }

    /// Whether an event belongs to another socket with the same ends while this side has one: that socket is in another
    /// network namespace, or a transparent proxy's, and no event says which.
    func isOfAnother(_ event: SocketEvent) -> Bool {
        guard hasSocket, socket != 0, event.socket != 0, event.socket != socket else { return false }
        return switch event.kind {
        case .transition, .resetReceived, .retransmit, .socketError, .destroyed: true
        // A segment may be answered by a listener, or by a request that is not this side's socket yet.
        case .resetSent: event.isProcessContext
        case .synAckRetransmit, .dropped: false
        }
    }

    /// Facts without any event.
    public init() {}

    /// Takes in an event of this side.
    mutating func take(_ event: SocketEvent) {
        isTraced = true
        switch event.kind {
        case .transition(let from, let to):
            transitions &+= 1
            // The kernel does not deliver every event; one that starts in another
            // state proves an entry that was not reported.
            if let state, state != from { entered.insert(States(from)) }
            state = to
            socket = event.socket
            if from == .synReceived && to == .established { openedTime = event.time }
            if to == .finWait1 || to == .lastAck {
                closedByExitOf = event.isProcessEnding ? event.pid : nil
                exitedCloser = event.isProcessEnding ? event.process : nil
                closeTime = event.time
            }
            closedTime = to == .closed ? event.time : nil
            closedFrom = to == .closed ? from : nil
            if from == .synSent && to == .closed && event.isProcessContext {
                openingClosed = (event.time, event.process)
                closedByExitOf = event.isProcessEnding ? event.pid : nil
            }
            endedByAck = from == .lastAck && to == .closed && !hasSentAgain && !wasReset && resetTime == nil
            hasSentAgain = false
            leftTimeWaitSocket = to == .closed && (from == .finWait2 || from == .closing)
            if !leftTimeWaitSocket { entered.insert(States(to)) }
        case .resetSent(let reason):
            // A segment that crosses an abort on another processor no longer finds a socket,
            // and its answer may be reported first.
            let isCrossedAbort = resetReason == .noSocket && reason != .noSocket && event.isProcessContext
            guard resetTime == nil || isCrossedAbort else { return }
            resetTime = event.time
            resetReason = reason
            resetProcess = event.isProcessContext ? event.process : nil
            resetByEnding = event.isProcessEnding
            resetState = event.resetState
        case .resetReceived: tookResetTime = event.time
        case .retransmit:
            retransmissions &+= 1
            hasSentAgain = true
        case .synAckRetransmit:
            retransmissions &+= 1
            sentSynAckAgain = true
        case .socketError(let code):
            errno = LinuxErrno(rawValue: code)
            errnoTime = event.time
        case .destroyed: destroyTime = event.time
        case .dropped(.oldSequence): break
        case .dropped(let reason):
            if reason == .netfilterDrop { ruleDropTime = event.time }
            if event.isChecksumDrop {
                if damageTimes.count >= Self.damageLimit { damageTimes.removeFirst() }
                damageTimes.append(event.time)
            }
            countDrop(reason, event.time)
        }
    }

    /// A soft error, which TCP only records, came at this time; that the socket is in SYN_SENT may be reported later.
    mutating func noteSoftError(at time: Timestamp) {
        if entered.isDisjoint(with: [States(.established), States(.synReceived)]) {
            icmpErrorTime = icmpErrorTime ?? time
        }
    }

    /// Whether the latest packet dropped for `dropReason` may be the one captured at `time`.
    public func isDropped(capturedAt time: Timestamp) -> Bool {
        dropTime.map { time.isJustBefore(drop: $0) } ?? false
    }

    /// Whether the packet captured at `time` may have been dropped for its checksum:
    /// which of its octets are wrong is unknown.
    public func isDamaged(capturedAt time: Timestamp) -> Bool {
        damageTimes.contains { time.isJustBefore(drop: $0) }
    }

    private mutating func countDrop(_ reason: KernelWord, _ time: Timestamp) {
        if dropReason == nil || reason == dropReason {
            dropReason = reason
            dropsSince = dropsSince ?? time
            dropTime = time
            drops &+= 1
        } else if reason == rivalReason {
            rivalDrops &+= 1
            guard rivalDrops > drops else { return }
            (dropReason, drops, rivalReason, rivalDrops) = (rivalReason, rivalDrops, dropReason, drops)
            (dropsSince, rivalSince) = (rivalSince, dropsSince)
            dropTime = time
        } else if rivalDrops <= 1 {
            rivalReason = reason
            rivalDrops = 1
            rivalSince = time
        }
    }

    /// Whether the process of this event acts on its own socket: connect(), close(), shutdown(), or the socket's end.
    /// Other processes may abort it (SOCK_DESTROY), which is why CLOSE alone is not enough; but a process that resets
    /// it after it has left the connection's state has closed it.
    static func isOwners(_ event: SocketEvent) -> Bool {
        guard event.isProcessContext, event.process != nil else { return false }
        return switch event.kind {
        case .transition(.closed, .synSent), .transition(.established, .finWait1), .transition(.synReceived, .finWait1),
            .transition(.closeWait, .lastAck), .destroyed:
            true
        case .resetSent(let reason): event.resetState == .closed && reason != .noSocket
        case .transition, .resetReceived, .retransmit, .synAckRetransmit, .socketError, .dropped: false
        }
    }
}
