// One simulated TCP: RFC 9293 as far as states and octets depend on it. Its state is the truth that tests compare with.

import TCPModel

/// Numbers that came with the segment `number`.
typealias SimulatedPiece = (number: Int, start: SequenceNumber, end: SequenceNumber)

/// One end of one connection.
struct SimulatedEndpoint {
    /// Octets of text in a segment at most, and octets in flight at most.
    static let segmentSize: UInt32 = 500
    var flight: UInt32 { 8 * segmentSize }

    /// How it ended, if by a RST or without any segment.
    enum Abort {
        /// It sent a RST.
        case sent
        /// It took the peer's.
        case received
        /// The peer's host has no such port.
        case refused
        /// It gave up because of an ICMP error.
        case unreachable
        /// Nothing tells of it: a crash, or a close before there was an answer.
        case silent
    }

    let host: SimulatedHost
    var segmentSize: UInt32
    /// The host's, as it is now.
    var buffer: UInt32?
    let iss: SequenceNumber
    var state: TCPState
    var abort: Abort?
    /// Octets that its program will have written.
    var written: UInt32 = 0
    /// Whether its program writes no more, and whether it reads no more either.
    var isClosing = false
    var readsNoMore = false
    /// Whether its program reads what comes at once.
    var isReading = true
    /// Microseconds since the simulation began.
    var now: Int64 = 0
    /// Milliseconds on its clock.
    var clock: UInt32 = 0
    /// What it wants to send now.
    var output: [SimulatedSegment] = []

    // RFC 9293 3.3.1; `highest` is how far SND.NXT ever was, where it went back to send again.
    var unacknowledged: SequenceNumber
    var next: SequenceNumber
    var highest: SequenceNumber
    var sendEdge: SequenceNumber
    var windowUpdate = (sequence: SequenceNumber(0), acknowledgment: SequenceNumber(0))
    var sendShift: UInt8 = 0
    var receiveShift: UInt8 = 0
    /// Whether both offered a window scale.
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
    /// Octets of text that its SYN had, or that it took of the peer's.
    var synText: UInt32 = 0
    /// Whether it took the peer's SYN with its text, or answered it without keeping anything.
    var hasTakenSynText = false
    var hasSentCookie = false
    var synAcks = 0
    var duplicateBlock: SACKBlock?
    var duplicateAcks = 0
    /// Segments of text that it has not acknowledged yet.
    var unansweredSegments = 0
    var unansweredKeepAlives = 0
    var keepAlives = 0
    /// When it last answered a segment without text that was none of its window's.
    var lastChallenge: UInt32?
    /// Which numbers it has taken of which segment.
    var taken: [SimulatedPiece] = []
    /// And which came to it, taken or not.
    var heard: [SimulatedPiece] = []
    /// RSTs that it did not obey.
    var ignoredResets: [Int] = []
    /// Whether it got a SYN while it waited for the answer to its own (RFC 9293 3.5, figure 7).
    var hasCrossedSyns = false
    /// The RST that ended its TIME-WAIT.
    var timeWaitReset: Int?
    /// Since when it has waited for its program to close.
    var closeWaitTime: Int64?
    var clocking = SimulatedClocking()
    /// Whether a timer has run out since something new was acknowledged.
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

    /// Whether it opened, or began to.
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

    /// The program writes no more.
    mutating func shutDown() {
        isClosing = true
        push()
    }

    /// The program is done: text that it has not read, or that comes from now on, is answered with a RST (RFC 2525 2.17).
    mutating func close() {
        if state == .synSent { return abandon() }
        if unread > 0 && !readsNoMore { return abortCall(.unreadText) }
        readsNoMore = true
        shutDown()
    }

    /// ABORT, which a program that has closed for good cannot call any more.
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

    /// The host has forgotten the connection, or never had it: no segment tells of that.
    mutating func abandon() {
        guard hasOpened, state != .closed, state != .timeWait else { return }
        end(.silent)
    }

    mutating func read() {
        unread = 0
        guard let buffer, state != .closed, irs != nil else { return }
        // Silly windows are not told (3.8.6.2.2).
        let opened = receiveNext.advanced(by: buffer)
        if opened.offset(from: receiveEdge) >= min(buffer / 2, Self.segmentSize) { acknowledge() }
    }

    /// Says why it sends what it sends now.
    mutating func mark(_ cause: SimulatedCause, from first: Int? = nil) {
        for index in output.indices.dropFirst(first ?? output.count - 1) { output[index].cause = cause }
    }

    mutating func end(_ abort: Abort) {
        state = .closed
        self.abort = abort
        waiting = []
    }
}
