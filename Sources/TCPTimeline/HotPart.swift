// The part of a connection that nearly every segment reads or writes: what the table keeps of each connection, 256 octets.

import TCPMachine
import TCPModel

/// What one side sent, as far as every segment counts.
struct HotSide: BitwiseCopyable, Sendable, Equatable {
    // 48-bit counters in two parts: 256 TB.
    private var uniqueLow: UInt32 = 0
    private var ipLow: UInt32 = 0
    var packets: UInt32 = 0
    var retransmissions: UInt32 = 0
    /// The last SEG.WND sent, as on the wire.
    var lastWindow: UInt16 = 0
    private var uniqueHigh: UInt16 = 0
    private var ipHigh: UInt16 = 0
    private var marks: UInt8 = 0
    /// Where the connection is on the usual course, for what this side sends: its rows in `UsualCourse`; 0 if it is not there.
    var course: UInt8 = 0

    init() {}

    /// Whether a segment without SYN was sent: only from then on windows are scaled, and comparable.
    var hasPlainWindow: Bool {
        get { marks & 1 != 0 }
        set { marks = marks & ~1 | (newValue ? 1 : 0) }
    }

    /// Whether what this side sends may take the short way: see `HotPart.settle`.
    var isSteady: Bool {
        get { marks & 2 != 0 }
        set { marks = marks & ~2 | (newValue ? 2 : 0) }
    }

    /// Octets of text by sequence space.
    var uniqueBytes: UInt64 { UInt64(uniqueHigh) << 32 | UInt64(uniqueLow) }

    /// Octets of IP datagrams.
    var ipBytes: UInt64 { UInt64(ipHigh) << 32 | UInt64(ipLow) }

    mutating func removeUnique(_ octets: UInt64) { addUnique(0 &- octets) }

    mutating func addUnique(_ octets: UInt64) {
        let sum = uniqueBytes &+ octets
        uniqueLow = UInt32(truncatingIfNeeded: sum)
        uniqueHigh = UInt16(truncatingIfNeeded: sum >> 32)
    }

    mutating func removeDatagram(_ octets: UInt32) { addDatagram(0 &- UInt64(octets)) }

    @inline(__always) mutating func addDatagram(_ octets: UInt32) { addDatagram(UInt64(octets)) }

    @inline(__always) private mutating func addDatagram(_ octets: UInt64) {
        let sum = ipBytes &+ octets
        ipLow = UInt32(truncatingIfNeeded: sum)
        ipHigh = UInt16(truncatingIfNeeded: sum >> 32)
    }
}

/// The two times of a handshake in nanoseconds, each up to 39 hours, or -1 for none; more counts as 39 hours.
struct HandshakeTimes: BitwiseCopyable, Sendable, Equatable {
    // 48 bits each, in parts that leave no gaps.
    private var synAckLow: UInt32 = .max
    private var openLow: UInt32 = .max
    private var synAckHigh: Int16 = -1
    private var openHigh: Int16 = -1

    init() {}

    private static func bounded(_ nanoseconds: Int64) -> Int64 { max(-1, min(nanoseconds, 1 << 47 - 1)) }

    /// Whether there is the first one and not the second one.
    @inline(__always) var isHalfWay: Bool { openHigh < 0 && synAckHigh >= 0 }

    /// From the first SYN to the first SYN-ACK.
    var synAck: Int64 {
        get { Int64(synAckHigh) << 32 | Int64(synAckLow) }
        set {
            synAckLow = UInt32(truncatingIfNeeded: Self.bounded(newValue))
            synAckHigh = Int16(truncatingIfNeeded: Self.bounded(newValue) >> 32)
        }
    }

    /// From the first SYN to the first ACK of the SYN-ACK.
    var open: Int64 {
        get { Int64(openHigh) << 32 | Int64(openLow) }
        set {
            openLow = UInt32(truncatingIfNeeded: Self.bounded(newValue))
            openHigh = Int16(truncatingIfNeeded: Self.bounded(newValue) >> 32)
        }
    }
}

/// What the table keeps of each connection.
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
    /// The originator's and the responder's; in a self-connect the first one is both.
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

    /// Where the endpoint of one side is; in a self-connect both are the same.
    @inline(__always) func place(_ side: Side) -> Int { side == .originator || isSelfConnect ? 0 : 1 }

    /// The endpoint of one side.
    func endpoint(_ side: Side) -> EndpointMachine { endpoints[place(side)] }

    /// Whether an ICMP error ended the originator's attempt, as far as it shows.
    var isUnreachable: Bool { endpoints[0].hasGivenUp }

    /// The same as `isEnded`, looked at in place.
    mutating func hasEnded() -> Bool {
        endpoints[0].state.isOver
            && (endpoints[1].state.isOver || facts.contains(.reset) || isSelfConnect || isUnreachable)
    }

    /// Whether nothing more can come of it: both sides are closed, or only wait out TIME-WAIT.
    var isEnded: Bool {
        endpoints[0].state.isOver
            && (isSelfConnect || endpoints[1].state.isOver || facts.contains(.reset) || isUnreachable)
    }

    /// Nanoseconds from the first to the latest segment.
    @inline(__always) var duration: Int64 { lastTime.since(firstTime) }

    /// Who ended it: the sender of the RST, else of the first FIN; nil if nobody has.
    @inline(__always) var closer: Side? {
        if facts.contains(.reset) { return facts.contains(.originatorReset) ? .originator : .responder }
        if facts.intersection([.originatorFin, .responderFin]).isEmpty { return nil }
        return facts.contains(.originatorClosedFirst) ? .originator : .responder
    }

    /// Which side a segment with this tuple is from: 0 the originator, 1 the responder; nil if it is of another flow.
    @inline(__always) func sender(_ other: FourTuple) -> Int? {
        // All of it at once, without a branch: one comparison after the other would wait for each, and directions alternate.
        let forth =
            difference(source, sourcePort, other.source)
            | difference(destination, destinationPort, other.destination)
        let back =
            difference(source, sourcePort, other.destination)
            | difference(destination, destinationPort, other.source)
        return min(forth, back) == 0 ? (forth == 0 ? 0 : 1) : nil
    }

    /// 0 if both ends are the same. (The parentheses matter: ^ and | bind alike.)
    @inline(__always) private func difference(_ address: IPAddress, _ port: UInt16, _ end: SocketAddress) -> UInt64 {
        (address.low ^ end.address.low) | (address.high ^ end.address.high) | UInt64(port ^ end.port)
    }

    @inline(__always) func isOriginator(_ end: SocketAddress) -> Bool {
        end.port == sourcePort && end.address.low == source.low && end.address.high == source.high
    }

    /// Whether a segment brings what its sender has not sent before, and moves SND.NXT by it: its first words, or text or FIN
    /// from beyond SND.NXT. Another copy of a frame brings nothing (`DuplicateFilter`).
    mutating func bringsNews(_ segment: Segment, own: Int) -> Bool {
        guard !isSelfConnect, segment.remarks.isDisjoint(with: .dropped) else { return false }
        // What else comes first may be a copy of what the four-tuple's former connection ended with.
        if sides[own].packets == 0 { return segment.flags.has(.syn) }
        return segment.sequenceLength > 0 && segment.flags.has(.ack) && !segment.flags.hasAny([.syn, .rst])
            && endpoints[1 - own].takesTimestampSteadily(segment)
            && endpoints[own].knowsSendSequence && segment.sequenceEnd.isAfter(endpoints[own].sendNext)
    }

    /// Whether this is a SYN-ACK like one before it, which a SYN that was sent again since has asked for: Linux's have no
    /// identification, and its timers for SYN and SYN-ACK, started together, send both within a millisecond a second later.
    mutating func answersRepeatedSyn(_ segment: Segment, own: Int) -> Bool {
        segment.flags.has([.syn, .ack]) && endpoints[own].hasSentSynAck && endpoints[own].iss == segment.sequence
            && endpoints[1 - own].state == .synSent && endpoints[1 - own].sendNext == segment.acknowledgment
    }

    /// Finds out, after a segment or an event that may have changed a state, what the next segments of each side may skip.
    mutating func settle() {
        leaveCourse()
        let isOpen = zeek.bothAreSeen && !isSelfConnect
        sides[0].isSteady =
            isOpen && endpoints[0].sendsSteadily() && endpoints[1].takesSteadily(from: endpoints[0].sendNext)
        sides[1].isSteady =
            isOpen && endpoints[1].sendsSteadily() && endpoints[0].takesSteadily(from: endpoints[1].sendNext)
    }

    /// Takes in a segment that changes no state and deserves no remark, which nearly all of them are; false if it is none.
    ///
    /// Does what `HotPart.take` does for such a segment. `own` is the place of its sender.
    @inline(__always) mutating func takeSteadily(_ segment: Segment, own: Int, time: Timestamp) -> Bool {
        let isOriginator = own == 0
        let peer = 1 &- own
        // What the remarks, Zeek's letters and the holes in the text would look at.
        guard sides[own].isSteady, segment.flags.rawValue & ~TCPFlags.psh.rawValue == TCPFlags.ack.rawValue,
            segment.window != 0, segment.remarks.isDisjoint(with: .dropped), !facts.contains(.hasHoles),
            time.since(lastTime) <= Self.timestampLifetime
        else { return false }
        // Looked at in place, and changed one by one: copies would wait for what was written last. A segment has to bring
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
        sides[own].addUnique(UInt64(length))
        sides[own].lastWindow = segment.window
        sides[own].hasPlainWindow = true
        if isOriginator {
            facts.insert(.originatorMoreThanSyn)
            if handshake.isHalfWay { handshake.open = time.since(firstTime) }
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

extension TCPState {
    /// Whether nothing more comes of an endpoint in this state.
    var isOver: Bool {
        switch self {
        case .closed, .timeWait, .listen: true
        case .unseen, .synSent, .synReceived, .established, .finWait1, .finWait2, .closeWait, .closing, .lastAck: false
        }
    }
}
