// The form of a rule: it takes the circumstances of one connection and returns a verdict, or nothing.

import TCPMachine
import TCPModel
import TCPTimeline

/// Everything that a rule may examine. It makes no decisions itself. It is large, so all rules borrow the same one.
struct Circumstances {
    /// The connection as it is now.
    let connection: Connection
    /// The connection's case file.
    let file: CaseFile
    /// The kernel's view: of a live trace, or from a capture that holds it.
    let kernel: KernelView?
    /// The connection's statistics, if they are kept.
    let statistics: ConnectionStatistics?
    /// What the traced host's counters show for the connection's lifetime; like `kernel`.
    let host: HostMoments
    /// The address that the client called, if the client's host redirected it to this server; nil if it called this
    /// server.
    let called: SocketAddress?
    /// The shortage of ports towards the destination; live only. Nil if there is none or it was already reported.
    let ports: PortPressure?
    /// The time up to which everything has been recorded: the current time live, the latest frame's time on replay.
    let now: Timestamp
    /// Whether nothing more will happen: the connection has ended, or the capture has.
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

    /// Whether only SYNs, FINs and RSTs were captured, as with the filter `tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) !=
    /// 0`. Then neither the next expected number nor any acknowledgment after the opening is known.
    var lacksPlain: Bool { !file.hasPlain }

    /// `the server (lab-server[7410])`. The process name is untrusted.
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

/// The result of a rule.
struct Verdict {
    /// The side that the finding is about, if it is about one.
    var side: Side?
    /// One sentence.
    var message: String
    /// The frames that show it.
    var frames: [Sighting] = []
    /// The facts that support it.
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

    /// All rules, in the order in which their findings are reported: how the connection opened, proceeded and ended.
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

    /// The verdict of the first rule, from index `start` in `all` on, that has one, with the rule's index. Rules whose
    /// codes were already found are skipped.
    static func firstVerdict(from start: Int, _ circumstances: Circumstances) -> (place: Int, verdict: Verdict)? {
        let rules = all
        for place in start..<rules.count where !circumstances.found.contains(rules[place].code) {
            if let verdict = rules[place].judge(circumstances) { return (place, verdict) }
        }
        return nil
    }
}

/// A span formatted for reading: `118 days`, `12.3s`, `40.5ms`, `22us`.
func words(_ nanoseconds: Int64) -> String {
    nanoseconds >= 2 * day ? "\(nanoseconds / day) days" : spanText(nanoseconds, .sentence)
}

private let day = 86_400 * Span.second

/// Bounds of a span, as a row has them: `1.62s to 1.79s`, or `1.62s` if both are the same.
func words(_ least: Int64, to most: Int64) -> String {
    let (first, last) = (spanText(least, .measured), spanText(most, .measured))
    return first == last ? first : "\(first) to \(last)"
}

/// The verb that agrees with a count: `1 octet is`, `7 octets are`.
func verb(_ number: some BinaryInteger, _ one: String, _ many: String) -> String { number == 1 ? one : many }
