// One simulated TCP: RFC 9293, as far as states and octets depend on it. Its state is the truth against which tests
// compare.

import TCPModel

/// The range of sequence numbers that arrived with segment `number`.
typealias SimulatedPiece = (number: Int, start: SequenceNumber, end: SequenceNumber)

/// One end of one connection.
struct SimulatedEndpoint {
    /// The most octets of text in a segment, and the most in flight.
    static let segmentSize: UInt32 = 500
    var flight: UInt32 { 8 * segmentSize }

    /// How the connection ended, if by a RST or without any segment.
    enum Abort {
        /// This end sent a RST.
        case sent
        /// This end accepted the peer's RST.
        case received
        /// The peer's host has no such port.
        case refused
        /// This end gave up because of an ICMP error.
        case unreachable
        /// No segment shows it: a crash, or a close before there was an answer.
        case silent
    }

    let host: SimulatedHost
    var segmentSize: UInt32
    /// The host's buffer at its current size.
    var buffer: UInt32?
    let iss: SequenceNumber
    var state: TCPState
    var abort: Abort?
    /// Octets that its program has written in all.
    var written: UInt32 = 0
    /// Whether its program has stopped writing, and whether it has stopped reading too.
    var isClosing = false
    var readsNoMore = false
    /// Whether its program reads text as soon as it arrives.
    var isReading = true
    /// Microseconds since the simulation began.
    var now: Int64 = 0
    /// Its timestamp clock, in milliseconds.
    var clock: UInt32 = 0
    /// Segments ready to be sent.
    var output: [SimulatedSegment] = []

    // The variables of RFC 9293 3.3.1. `highest` is the furthest that SND.NXT has been, in case it went back for
    // retransmissions.
    var unacknowledged: SequenceNumber
    var next: SequenceNumber
    var highest: SequenceNumber
    var sendEdge: SequenceNumber
    var windowUpdate = (sequence: SequenceNumber(0), acknowledgment: SequenceNumber(0))
    var sendShift: UInt8 = 0
    var receiveShift: UInt8 = 0
    /// Whether both sides offered a window scale.
    var scalesWindows = false
    var irs: SequenceNumber?
    var receiveNext = SequenceNumber(0)
    var receiveEdge = SequenceNumber(0)
    var acknowledged = SequenceNumber(0)
    var unread: UInt32 = 0
    var ownFin: SequenceNumber?
    var peerFin: SequenceNumber?
    /// Text beyond a hole.
    var waiting: [(start: SequenceNumber, end: SequenceNumber)] = []
    var recentTimestamp: UInt32?
    var usesSACK = false
    /// Octets of text that its own SYN carried.
    var synText: UInt32 = 0
    /// Whether it accepted the text in the peer's SYN, or answered the SYN without keeping any state.
    var hasTakenSynText = false
    var hasSentCookie = false
    var synAcks = 0
    var duplicateBlock: SACKBlock?
    var duplicateAcks = 0
    /// Segments of text that it has not acknowledged yet.
    var unansweredSegments = 0
    var unansweredKeepAlives = 0
    var keepAlives = 0
    /// When it last answered an out-of-window segment without text.
    var lastChallenge: UInt32?
    /// The sequence numbers accepted from each segment.
    var taken: [SimulatedPiece] = []
    /// The sequence numbers that arrived with each segment, accepted or not.
    var heard: [SimulatedPiece] = []
    /// RSTs that it ignored.
    var ignoredResets: [Int] = []
    /// Whether a SYN arrived while it waited for the answer to its own (RFC 9293 3.5, figure 7).
    var hasCrossedSyns = false
    /// The RST that ended its TIME-WAIT.
    var timeWaitReset: Int?
    /// When it began to wait for its program to close (CLOSE-WAIT).
    var closeWaitTime: Int64?
    var clocking = SimulatedClocking()
    /// Whether a retransmission timeout has occurred since new data was last acknowledged.
    var hasTimedOut = false
    var random: Chance

    init(iss: UInt32, _ host: SimulatedHost = SimulatedHost(), seed: UInt64 = 0) {
        self.iss = SequenceNumber(iss)
        self.host = host
        segmentSize = host.segmentSize
        buffer = host.buffer
        unacknowledged = self.iss
        next = self.iss
        highest = self.iss
        sendEdge = self.iss
        state = host.listens ? .listen : .closed
        random = Chance(seed)
    }

    /// Octets of text that it has sent.
    var sent: UInt32 {
        let end = ownFin ?? highest
        return end == iss ? 0 : end.offset(from: iss.advanced(by: 1))
    }

    /// Whether it has opened, or begun to.
    var hasOpened: Bool { highest != iss }

    mutating func takeOutput() -> [SimulatedSegment] {
        defer { output = [] }
        return output
    }

    // MARK: The user's calls (RFC 9293 3.10.1 to 3.10.5)

    mutating func connect() {
        guard state == .closed, !hasOpened else { return }
        state = .synSent
        next = iss.advanced(by: 1)
        if host.fastOpens { synText = min(segmentSize, written) }
        highest = next.advanced(by: synText)
        sendSyn()
        output[output.count - 1].length = synText
    }

    mutating func write(_ octets: UInt32) {
        if !isClosing { written += octets }
        push()
    }

    /// The program stops writing.
    mutating func shutDown() {
        isClosing = true
        push()
    }

    /// The program closes for good: text that is unread, or that arrives from now on, is answered with a RST (RFC 2525
    /// 2.17).
    mutating func close() {
        if state == .synSent { return abandon() }
        if unread > 0 && !readsNoMore { return abortCall(.unreadText) }
        readsNoMore = true
        shutDown()
    }

    /// ABORT, which a program that has closed for good can no longer call.
    mutating func abortCall(_ cause: SimulatedCause = .abort) {
        guard !readsNoMore else { return }
        switch state {
        case .unseen, .closed, .listen, .closing, .lastAck, .timeWait: return
        case .synSent: abandon()
        case .synReceived, .established, .finWait1, .finWait2, .closeWait:
            send([.rst, .ack], highest)
            mark(cause)
            end(.sent)
        }
    }

    /// The host forgets the connection, or gives up before an answer: no segment shows this.
    mutating func abandon() {
        guard hasOpened, state != .closed, state != .timeWait else { return }
        end(.silent)
    }

    mutating func read() {
        unread = 0
        guard let buffer, state != .closed, irs != nil else { return }
        // Silly windows are not advertised (3.8.6.2.2).
        let opened = receiveNext.advanced(by: buffer)
        if opened.offset(from: receiveEdge) >= min(buffer / 2, Self.segmentSize) { acknowledge() }
    }

    /// Records the cause of the segments being sent.
    mutating func mark(_ cause: SimulatedCause, from first: Int? = nil) {
        for index in output.indices.dropFirst(first ?? output.count - 1) { output[index].cause = cause }
    }

    mutating func end(_ abort: Abort) {
        state = .closed
        self.abort = abort
        waiting = []
    }
}
