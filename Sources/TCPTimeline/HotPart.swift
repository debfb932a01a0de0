// The part of a connection that nearly every segment reads or writes: what the table keeps for each, 256 octets.

import TCPMachine
import TCPModel

/// What one side sent, as far as every segment counts.
struct HotSide: BitwiseCopyable, Sendable, Equatable {
    // Each word combines a counter of 48 bits (256 TB) with what changes along with it:
    // so a segment is counted in few steps.

    /// Octets of text by sequence space; above them the last SEG.WND.
    private var textAndWindow: UInt64 = 0
    /// Octets of IP datagrams; above them `hasPlainWindow` and `standing`.
    private var datagramsAndStanding: UInt64 = 0
    var packets: UInt32 = 0
    var retransmissions: UInt32 = 0

    private static var counter: UInt64 { 1 << 48 - 1 }
    private static var plainWindow: UInt64 { 1 << 48 }

    init() {}

    /// How this side's segments may be taken in.
    struct Standing: BitwiseCopyable, Sendable, Equatable {
        /// Its bits within `datagramsAndStanding`.
        fileprivate let bits: UInt64
        private static var steady: UInt64 { 1 << 49 }
        fileprivate static var mask: UInt64 { 0xff << 56 | steady }

        init(isSteady: Bool, course: UInt8) { bits = UInt64(course) << 56 | (isSteady ? Self.steady : 0) }

        fileprivate init(of word: UInt64) { bits = word & Self.mask }

        /// Whether they may take the fast path: see `HotPart.settle`.
        var isSteady: Bool { bits & Self.steady != 0 }

        /// Where the connection is on the usual course, for this side's segments:
        /// its rows in `UsualCourse`; 0 if it is off it.
        var course: UInt8 { UInt8(truncatingIfNeeded: bits >> 56) }
    }

    /// Set as a whole: the fast path and the place on the course come from the same row.
    var standing: Standing {
        get { Standing(of: datagramsAndStanding) }
        set { datagramsAndStanding = datagramsAndStanding & ~Standing.mask | newValue.bits }
    }

    var isSteady: Bool { standing.isSteady }
    var course: UInt8 { standing.course }

    /// Whether a segment without SYN was sent: only from then on are windows scaled, and comparable.
    var hasPlainWindow: Bool { datagramsAndStanding & Self.plainWindow != 0 }

    /// Notes that a segment without SYN was sent.
    @inline(__always) mutating func notePlainWindow() { datagramsAndStanding |= Self.plainWindow }

    /// The last SEG.WND sent, as on the wire.
    var lastWindow: UInt16 {
        get { UInt16(truncatingIfNeeded: textAndWindow >> 48) }
        set { textAndWindow = textAndWindow & Self.counter | UInt64(newValue) << 48 }
    }

    /// Octets of text by sequence space.
    var uniqueBytes: UInt64 { textAndWindow & Self.counter }

    /// Octets of IP datagrams.
    var ipBytes: UInt64 { datagramsAndStanding & Self.counter }

    mutating func removeUnique(_ octets: UInt64) { addUnique(0 &- octets) }

    mutating func addUnique(_ octets: UInt64) {
        textAndWindow = textAndWindow & ~Self.counter | (textAndWindow &+ octets) & Self.counter
    }

    /// Adds text, and notes the window that came with it.
    @inline(__always) mutating func addUnique(_ octets: UInt32, window: UInt16) {
        textAndWindow = (textAndWindow &+ UInt64(octets)) & Self.counter | UInt64(window) << 48
    }

    mutating func removeDatagram(_ octets: UInt32) { addDatagram(0 &- UInt64(octets)) }

    @inline(__always) mutating func addDatagram(_ octets: UInt32) { addDatagram(UInt64(octets)) }

    @inline(__always) private mutating func addDatagram(_ octets: UInt64) {
        datagramsAndStanding =
            datagramsAndStanding & ~Self.counter | (datagramsAndStanding &+ octets) & Self.counter
    }
}

/// What the table keeps for every connection.
struct HotPart: BitwiseCopyable, Sendable {
    let source: IPAddress
    let destination: IPAddress
    let sourcePort: UInt16
    let destinationPort: UInt16
    var facts: Connection.Facts = []
    let interface: UInt16
    let firstSequence: SequenceNumber
    /// Place of the rare part, counted from 1; 0 = there is none.
    var rarePlace: UInt32 = 0
    var lastTime: Timestamp
    var lastLiveTime: Timestamp
    /// The originator's and the responder's; in a self-connect the first one serves as both.
    var endpoints: InlineArray<2, EndpointMachine> = .init(repeating: EndpointMachine())
    var sides: InlineArray<2, HotSide> = .init(repeating: HotSide())
    let firstTime: Timestamp
    var number: UInt64
    var history = ConnectionHistory()
    var handshake = HandshakeTimes()
    var zeek = ZeekState()
    var completeness: Completeness = []
    let tunnel: Tunnel

    init(number: UInt64, tuple: FourTuple, first segment: Segment, time: Timestamp, interface: UInt16) {
        self.number = number
        source = tuple.source.address
        destination = tuple.destination.address
        sourcePort = tuple.source.port
        destinationPort = tuple.destination.port
        self.interface = interface
        tunnel = segment.tunnel
        firstTime = time
        firstSequence = segment.sequence
        lastTime = time
        lastLiveTime = time
    }

    var tuple: FourTuple {
        FourTuple(
            source: SocketAddress(source, sourcePort), destination: SocketAddress(destination, destinationPort))
    }

    var name: ConnectionName {
        ConnectionName(number: number, tuple: tuple, firstSequence: firstSequence, firstTime: firstTime)
    }

    @inline(__always) var isSelfConnect: Bool {
        sourcePort == destinationPort && source.low == destination.low && source.high == destination.high
    }

    /// The place of one side's endpoint; in a self-connect both are the same.
    @inline(__always) func place(_ side: Side) -> Int { side == .originator || isSelfConnect ? 0 : 1 }

    /// The endpoint of one side.
    func endpoint(_ side: Side) -> EndpointMachine { endpoints[place(side)] }

    /// Whether an ICMP error ended the originator's attempt, as far as segments show.
    var isUnreachable: Bool { endpoints[0].hasGivenUp }

    /// Whether the originator's socket is gone, by its kernel's report, and nothing came from the other end.
    var hasGivenUpAlone: Bool { endpoints[0].state == .closed && sides[1].packets == 0 }

    /// Whether nothing more can happen to it: both sides are closed, or only wait out TIME-WAIT.
    @inline(__always) var isEnded: Bool {
        endpoints[0].state.isOver
            && (endpoints[1].state.isOver || facts.contains(.reset) || isSelfConnect || isUnreachable
                || hasGivenUpAlone)
    }

    /// `isEnded`, read in place: nearly every segment asks for it, and nothing is copied.
    mutating func hasEnded() -> Bool { isEnded }

    /// Nanoseconds from the first to the latest segment.
    @inline(__always) var duration: Int64 { lastTime.since(firstTime) }

    /// The side that ended it: the sender of the RST, else of the first FIN;
    /// nil if it has not ended, or that is unknown.
    @inline(__always) var closer: Side? {
        if facts.contains(.reset) { return facts.contains(.originatorReset) ? .originator : .responder }
        if facts.intersection([.originatorFin, .responderFin]).isEmpty || mayLackFin { return nil }
        return facts.contains(.originatorClosedFirst) ? .originator : .responder
    }

    /// Whether the only known FIN may have answered another one, or been answered:
    /// nothing from the other side was captured, and no kernel reports on it.
    var mayLackFin: Bool {
        let fins = facts.intersection([.originatorFin, .responderFin])
        guard fins == .originatorFin && sides[1].packets == 0 || fins == .responderFin && sides[0].packets == 0 else {
            return false
        }
        return !endpoints[0].isKernels && !endpoints[1].isKernels
    }

    /// Which side a segment with this tuple comes from: 0 the originator, 1 the responder;
    /// nil if it belongs to another flow.
    @inline(__always) func sender(_ other: FourTuple) -> Int? {
        // Directions alternate, so they get no branch: the ports show whose segment it can be, unless they are equal.
        var isForth = other.source.port == sourcePort
        if sourcePort == destinationPort { isForth = isForth && difference(source, other.source.address) == 0 }
        let near = isForth ? other.source : other.destination
        let far = isForth ? other.destination : other.source
        let difference =
            difference(source, near.address) | difference(destination, far.address)
            | UInt64(sourcePort ^ near.port) | UInt64(destinationPort ^ far.port)
        return difference == 0 ? (isForth ? 0 : 1) : nil
    }

    /// 0 if both are equal. (The parentheses matter: ^ and | bind alike.)
    @inline(__always) private func difference(_ address: IPAddress, _ other: IPAddress) -> UInt64 {
        (address.low ^ other.low) | (address.high ^ other.high)
    }

    @inline(__always) func isOriginator(_ end: SocketAddress) -> Bool {
        end.port == sourcePort && end.address.low == source.low && end.address.high == source.high
    }

    /// Whether a segment brings something that its sender has not sent before, and moves SND.NXT: its first segment, or
    /// text or FIN from beyond SND.NXT. Another copy of a frame brings nothing (`DuplicateFilter`).
    mutating func bringsNews(_ segment: Segment, own: Int) -> Bool {
        guard !isSelfConnect, segment.remarks.isDisjoint(with: .dropped) else { return false }
        // Any other first segment may be a copy of what the four-tuple's former connection ended with.
        if sides[own].packets == 0 { return segment.flags.has(.syn) }
        return segment.sequenceLength > 0 && segment.flags.has(.ack) && !segment.flags.hasAny([.syn, .rst])
            && endpoints[1 - own].takesTimestampSteadily(segment) && !endpoints[1 - own].isBlind(segment)
            && endpoints[own].knowsSendSequence && segment.sequenceEnd.isAfter(endpoints[own].sendNext)
    }

    /// Whether it was open before the capture, and few of its segments were captured: copies may still be unknown.
    var beginsUnopened: Bool { facts.contains(.rolesGuessed) && sides[0].packets &+ sides[1].packets <= 64 }

    /// Whether this SYN-ACK repeats an earlier one because a SYN has been retransmitted since:
    /// Linux's have no identification, and its timers for SYN and SYN-ACK, started together,
    /// send both within a millisecond a second later.
    mutating func answersRepeatedSyn(_ segment: Segment, own: Int) -> Bool {
        segment.flags.has([.syn, .ack]) && endpoints[own].hasSentSynAck && endpoints[own].iss == segment.sequence
            && endpoints[1 - own].isAsking && endpoints[1 - own].sendNext == segment.acknowledgment
    }

    /// Determines, after a segment or an event that may have changed a state,
    /// what the next segments of each side may skip.
    mutating func settle() {
        // This leaves the usual course, too.
        let isOpen = zeek.bothAreSeen && !isSelfConnect
        let originator =
            isOpen && endpoints[0].sendsSteadily() && endpoints[1].takesSteadily(from: endpoints[0].sendNext)
        let responder =
            isOpen && endpoints[1].sendsSteadily() && endpoints[0].takesSteadily(from: endpoints[1].sendNext)
        sides[0].standing = HotSide.Standing(isSteady: originator, course: 0)
        sides[1].standing = HotSide.Standing(isSteady: responder, course: 0)
    }

    /// Takes in a segment that changes no state and deserves no remark, as nearly all do; false if it is not one.
    ///
    /// Does what `HotPart.take` does for such a segment. `own` is the place of its sender.
    @inline(__always) mutating func takeSteadily(_ segment: Segment, own: Int, time: Timestamp) -> Bool {
        let isOriginator = own == 0
        let peer = 1 &- own
        // Everything that the remarks, Zeek's letters and the holes in the text would depend on.
        guard sides[own].isSteady, segment.flags.rawValue & ~TCPFlags.psh.rawValue == TCPFlags.ack.rawValue,
            segment.window != 0, segment.remarks.isDisjoint(with: .dropped), !facts.contains(.needsGeneralPath),
            time.since(lastTime) <= Self.timestampLifetime
        else { return false }
        // Read in place, and changed one by one: copies would wait for the latest writes. A segment must bring
        // something, so that no copy of an older frame comes this way (`DuplicateFilter`).
        let length = segment.payloadLength
        let ack = segment.acknowledgment
        guard segment.sequence == endpoints[own].sendNext, segment.sequence.isAtOrBefore(endpoints[peer].receiveNext),
            endpoints[peer].hasInFlight(ack), !endpoints[own].isFarBeyondReceived(ack),
            endpoints[peer].takesTimestampSteadily(segment),
            length > 0
                || ack.isAfter(endpoints[peer].sendUnacknowledged)
                    && (ack != endpoints[own].acknowledged || !sides[own].hasPlainWindow)
        else { return false }
        endpoints[own].sentSteadily(segment)
        endpoints[peer].arrivesSteadily(segment)
        if time > lastTime { lastTime = time }
        if time > lastLiveTime && !zeek.isClosed { lastLiveTime = time }
        sides[own].packets &+= 1
        sides[own].addDatagram(segment.ipLength)
        sides[own].addUnique(length, window: segment.window)
        sides[own].notePlainWindow()
        if isOriginator {
            facts.insert(.originatorMoreThanSyn)
            // Both are open, though the ACK that opened them was not captured.
            if handshake.isHalfWay { handshake.goOn(after: time.since(firstTime), isAck: false) }
        }
        if length > 0 {
            history.appendOnce(ConnectionHistory.data, bit: 1, originator: isOriginator)
            completeness.insert(.data)
        } else {
            history.appendOnce(ConnectionHistory.ack, bit: 0, originator: isOriginator)
            completeness.insert(.ack)
        }
        return true
    }
}

extension EndpointMachine {
    /// Whether its state comes from its kernel's reports.
    fileprivate var isKernels: Bool { certainty == .confirmed || isLedByKernel }
}
