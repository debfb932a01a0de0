// What a rule is: the circumstances of one connection in, a verdict out, or nothing.

import TCPMachine
import TCPModel
import TCPTimeline

/// Everything that a rule may look at. It decides nothing by itself. It is large: lent once for all rules.
struct Circumstances {
    /// The connection as it is now.
    let connection: Connection
    /// What was taken down of it.
    let file: CaseFile
    /// What the kernel says, live.
    let kernel: KernelView?
    /// What the statistics say, if they are kept.
    let statistics: ConnectionStatistics?
    /// What this host's counters tell of its time, live.
    let host: HostMoments
    /// What its client called, where the client's host redirected it to this server; nil: this server.
    let called: SocketAddress?
    /// How scarce ports towards its destination are, live; nil while they are not, and once it was told.
    let ports: PortPressure?
    /// The time up to which everything has been taken in: the clock live, the latest frame of the capture on replay.
    let now: Timestamp
    /// Whether nothing more will come of it: it ended, or the capture did.
    let isOver: Bool
    /// Whether the capture has answers to SYNs, of any connection.
    let showsAnswers: Bool

    /// The codes found so far.
    var found: Set<FindingCode>

    init(
        _ connection: Connection, _ file: CaseFile, _ kernel: KernelView?, _ statistics: ConnectionStatistics?,
        _ host: HostMoments, called: SocketAddress?, ports: PortPressure?, now: Timestamp, isOver: Bool,
        showsAnswers: Bool
    ) {
        self.connection = connection
        self.file = file
        self.kernel = kernel
        self.statistics = statistics
        self.host = host
        self.called = called
        self.ports = ports
        self.now = now
        self.isOver = isOver
        self.showsAnswers = showsAnswers
        found = file.reported
    }

    /// Nanoseconds since a sighting.
    func since(_ sighting: Sighting) -> Int64 { now.since(sighting.time) }

    /// Whether none but its SYNs, FINs and RSTs was captured, as by `tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0`. Then nobody saw
    /// which number was due next, nor what was acknowledged after the opening.
    var lacksPlain: Bool { !file.hasPlain }

    /// `the server 127.0.0.1:9500 (lab-server[7410])`. The name of the process is untrusted.
    func name(_ side: Side) -> String {
        var text = side == .originator ? "the client" : "the server"
        if let process = kernel?[side].process { text += " (\(process.command)[\(process.pid)])" }
        return text
    }

    /// The address and port of one side.
    func address(_ side: Side) -> String { connection.address(side).description }

    /// The state of one side.
    func state(_ side: Side) -> TCPState { connection.endpoint(side).state }
}

/// A rule's answer.
struct Verdict {
    /// Whom it is about.
    var side: Side?
    /// One sentence.
    var message: String
    /// Frames that show it.
    var frames: [Sighting] = []
    /// What proves it.
    var evidence: [Finding.Evidence] = []
}

/// One rule: a code, and when it applies.
struct Rule: Sendable {
    let code: FindingCode
    let judge: @Sendable (Circumstances) -> Verdict?

    init(_ code: FindingCode, _ judge: @escaping @Sendable (Circumstances) -> Verdict?) {
        self.code = code
        self.judge = judge
    }

    /// All rules, in the order in which their findings are told: how it opened, how it went, how it ended.
    static let all: [Rule] = [
        selfConnect, simultaneousOpen, fastOpen, portReused,
        refused, acceptQueueFull, synUnanswered, synAckLost, acceptDeferred, neverAccepted, acceptedLate,
        synCookies, captureGap, mtuBlackHole, retransmission, tailLossProbe, spuriousRetransmission, reordering,
        zeroWindowStall, unreadText, nagleDelay,
        challengeAck, rstIgnored, keepaliveDead, middlebox,
        halfClose, closeWaitLeak, orphanFinWait2, timeWaitHeld,
        resetAfterClose, timeWaitAssassination, halfOpenPeer, resetKilled, resetListenerClosed, resetUnreadData,
        resetLinger, reset,
        silentClose, stateMismatch, segmentsDropped,
    ]

    /// The first rule from a place in `all` on that has something to say, and what. Rules whose codes were found are not asked.
    static func firstVerdict(from start: Int, _ circumstances: Circumstances) -> (place: Int, verdict: Verdict)? {
        let rules = all
        for place in start..<rules.count where !circumstances.found.contains(rules[place].code) {
            if let verdict = rules[place].judge(circumstances) { return (place, verdict) }
        }
        return nil
    }
}

/// A span as people read it: `12.3s`, `40.5ms`, `22us`.
func words(_ nanoseconds: Int64) -> String { spanText(nanoseconds, .sentence) }

/// Two bounds of a span: `1.6s to 1.7s`, or just one where they read alike.
func words(_ least: Int64, to most: Int64) -> String {
    let (first, last) = (words(least), words(most))
    return first == last ? "some \(first)" : "\(first) to \(last)"
}

/// The verb of a count: `1 octet is`, `7 octets are`.
func verb(_ number: some BinaryInteger, _ one: String, _ many: String) -> String { number == 1 ? one : many }
