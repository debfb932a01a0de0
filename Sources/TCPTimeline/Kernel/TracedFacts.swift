// What tracepoints said of one side of a connection: kept after its end, for reports and findings.

public import TCPModel

/// The kernel's own account of one side's socket, event by event.
public struct TracedFacts: Sendable {
    /// States as a set: one bit for each raw value.
    public struct States: OptionSet, Hashable, Sendable, BitwiseCopyable {
        /// One bit a state.
        public var rawValue: UInt16
        /// The set with these bits.
        public init(rawValue: UInt16) { self.rawValue = rawValue }
        /// The set of one state.
        public init(_ state: TCPState) { rawValue = 1 << UInt16(state.rawValue) }
    }

    /// The states that the kernel said the socket entered. An endpoint enters a state once in its life.
    public internal(set) var entered: States = []
    /// The latest of them, which may be `closed` where TCP is in TIME-WAIT.
    public internal(set) var state: TCPState?
    /// How often its state changed.
    public internal(set) var transitions: UInt32 = 0
    /// The process that was ending when it began to close (ESTABLISHED or CLOSE_WAIT was left): the kernel closed its sockets for it. Nil
    /// if one called close() or shutdown(), or that was not told.
    public internal(set) var closedByExitOf: Int32?
    /// When it left ESTABLISHED or CLOSE_WAIT because its program closed it, or ended.
    public internal(set) var closeTime: Timestamp?
    /// When an ICMP error came for it in SYN_SENT that ended nothing by itself, as its process was at work on it (inet_sk_error_report with
    /// errno 0): the program hears of it all the same (SO_ERROR).
    public internal(set) var icmpErrorTime: Timestamp?
    /// When a process closed it while it was in SYN_SENT, and which: its own patience was at an end, or another one destroyed it.
    public internal(set) var openingClosed: (time: Timestamp, by: ProcessIdentity?)?
    /// Whether it left LAST_ACK for the ACK of its FIN, as far as was told: nothing was sent again there, and no RST ended it.
    public internal(set) var endedByAck = false
    /// Whether anything was sent again in this state.
    private var hasSentAgain = false
    /// When it said so of CLOSED, and where the socket was before.
    public internal(set) var closedTime: Timestamp?
    private(set) var closedFrom: TCPState?
    /// Whether the socket went on as a small TIME_WAIT socket, which has no events (FIN_WAIT_2 or CLOSING to CLOSE).
    public internal(set) var leftTimeWaitSocket = false
    /// When it sent the first RST that has an event. An abort counts as the first, even if the answer to what crossed it was told
    /// before.
    public internal(set) var resetTime: Timestamp?
    /// Why it sent that RST, in the kernel's own word; nil if it sent none, or the kernel does not tell.
    public internal(set) var resetReason: KernelWord?
    /// The process whose system call sent that RST; nil if a segment or a timer caused it.
    public internal(set) var resetProcess: ProcessIdentity?
    /// Whether that process was ending: the kernel closed its sockets for it.
    public internal(set) var resetByEnding = false
    /// Whether that process had just closed the listener that this connection came to, or destroyed it.
    public internal(set) var resetWithListener = false
    /// Whether that listener's memory was given back then, as close() does: shutdown() and SOCK_DESTROY leave it to its owner.
    public internal(set) var isListenerFreed = false
    /// The state in which the socket sent that RST: close() leaves the connection's state first, SOCK_DESTROY does not.
    public internal(set) var resetState: TCPState?
    /// When it accepted a RST; also when it sent one because text came that its program would not read any more
    /// (`TCP_ABORT_ON_DATA`): Linux goes the same way for both.
    public internal(set) var tookResetTime: Timestamp?
    /// Whether it accepted one.
    public var wasReset: Bool { tookResetTime != nil }
    /// The errno that its application gets; nil for none.
    public internal(set) var errno: LinuxErrno?
    /// When the kernel said so.
    public internal(set) var errnoTime: Timestamp?
    /// Why the kernel threw away packets for this side, most of them; nil if it threw none away, or only what was meant to be old:
    /// keep-alives, window probes and repetitions, which are answered.
    public internal(set) var dropReason: KernelWord?
    /// How many it threw away for that reason.
    public internal(set) var drops: UInt32 = 0
    /// Another reason, and how many there were for that: of three or more the rarest ones are not counted.
    private var rivalReason: KernelWord?
    private var rivalDrops: UInt32 = 0
    private var rivalSince: Timestamp?
    /// When it threw away the first of those.
    public internal(set) var dropsSince: Timestamp?
    /// When it threw away the latest of those.
    public internal(set) var dropTime: Timestamp?
    /// When it threw away the latest ones whose checksum was wrong, the oldest first.
    private var damageTimes: [Timestamp] = []
    private static let damageLimit = 16
    /// When a firewall's rule threw away the latest one.
    public internal(set) var ruleDropTime: Timestamp?
    /// Segments that this side's kernel sent again, SYN-ACKs included.
    public internal(set) var retransmissions: UInt32 = 0
    /// Whether a SYN-ACK was among them: the SYN had arrived.
    public internal(set) var sentSynAckAgain = false
    /// When its socket's memory was given back; nil if nothing told of that.
    public internal(set) var destroyTime: Timestamp?
    /// Whether the owner is known from a system call on this very socket (connect, close, shutdown).
    public internal(set) var isOwnerExact = false

    /// The address of its socket in the kernel's memory, by the latest change of its state; 0 if that was not told.
    private var socket: UInt64 = 0

    /// Whether any event was of this side.
    public internal(set) var isTraced = false

    /// Whether it has a socket, by all that was said: one that was born and has not gone.
    var hasSocket: Bool { state != nil && state != .closed && destroyTime == nil }

    /// Whether an event is of another socket with the same ends while it has one: that is in another network namespace, or a
    /// transparent proxy's, and no event tells which.
    func isOfAnother(_ event: SocketEvent) -> Bool {
        guard hasSocket, socket != 0, event.socket != 0, event.socket != socket else { return false }
        return switch event.kind {
        case .transition, .resetReceived, .retransmit, .socketError, .destroyed: true
        // What answers a segment may be a listener, or a request that is none of its own yet.
        case .resetSent: event.isProcessContext
        case .synAckRetransmit, .dropped: false
        }
    }

    /// Nothing was said.
    public init() {}

    /// Takes in an event of this side.
    mutating func take(_ event: SocketEvent) {
        isTraced = true
        switch event.kind {
        case .transition(let from, let to):
            transitions &+= 1
            // The kernel does not deliver every event; one that starts in another state proves the entry that was not told.
            if let state, state != from { entered.insert(States(from)) }
            state = to
            socket = event.socket
            if to == .finWait1 || to == .lastAck {
                closedByExitOf = event.isProcessEnding ? event.pid : nil
                closeTime = event.time
            }
            closedTime = to == .closed ? event.time : nil
            closedFrom = to == .closed ? from : nil
            if from == .synSent && to == .closed && event.isProcessContext {
                openingClosed = (event.time, event.process)
            }
            endedByAck = from == .lastAck && to == .closed && !hasSentAgain && !wasReset && resetTime == nil
            hasSentAgain = false
            leftTimeWaitSocket = to == .closed && (from == .finWait2 || from == .closing)
            if !leftTimeWaitSocket { entered.insert(States(to)) }
        case .resetSent(let reason):
            // What crosses an abort on another processor finds no socket any more, and its answer may be told first.
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
            if reason == Self.wrongChecksum {
                if damageTimes.count >= Self.damageLimit { damageTimes.removeFirst() }
                damageTimes.append(event.time)
            }
            countDrop(reason, event.time)
        }
    }

    /// An error of which TCP only makes a note came at this time; that it is in SYN_SENT may be told later.
    mutating func noteSoftError(at time: Timestamp) {
        if entered.isDisjoint(with: [States(.established), States(.synReceived)]) {
            icmpErrorTime = icmpErrorTime ?? time
        }
    }

    /// Whether the latest packet that was thrown away for that reason may be the one that was captured then.
    public func isDropped(capturedAt time: Timestamp) -> Bool {
        dropTime.map { time.isJustBefore(drop: $0) } ?? false
    }

    private static let wrongChecksum: KernelWord = "TCP_CSUM"

    /// Whether the packet that was captured then may have been thrown away for its checksum: nobody knows which of its octets are wrong.
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

    /// Whether the process of this event acts on a socket that is its own: connect(), close(), shutdown(), or its end. Others may
    /// abort it (SOCK_DESTROY), which is why CLOSE alone is not enough; but who resets it after it has left the connection's state has
    /// closed it.
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
