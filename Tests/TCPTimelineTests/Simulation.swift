// Two TCPs that talk over a bad network, past a capture, so that tests know the states that they are really in.

import TCPModel

/// One end: RFC 9293 as far as states depend on it, without windows, urgent data and RSTs.
struct SimulatedEndpoint {
    /// Octets of text in a segment at most, and segments in flight at most.
    static let segmentSize: UInt32 = 500
    static let flight: UInt32 = 8 * segmentSize

    private(set) var state: TCPState
    /// Octets that its program will have written, and whether it will close after them.
    var written: UInt32 = 0
    var isClosing = false
    /// What it wants to send now.
    private(set) var output: [SimulatedSegment] = []

    private let iss: SequenceNumber
    private var unacknowledged: SequenceNumber
    private var next: SequenceNumber
    private var receiveNext = SequenceNumber(0)
    private var ownFin: SequenceNumber?
    private var peerFin: SequenceNumber?
    /// Text beyond a hole.
    private var waiting: [(start: SequenceNumber, end: SequenceNumber)] = []

    init(iss: UInt32, listens: Bool) {
        self.iss = SequenceNumber(iss)
        unacknowledged = self.iss
        next = self.iss
        state = listens ? .listen : .closed
    }

    /// Octets of text that it has sent.
    var sent: UInt32 {
        let end = ownFin ?? next
        return end == iss ? 0 : end.offset(from: iss.advanced(by: 1))
    }

    /// Whether something is on its way that was not acknowledged: a timer runs then.
    var isWaiting: Bool { unacknowledged != next && state != .closed }

    mutating func takeOutput() -> [SimulatedSegment] {
        defer { output = [] }
        return output
    }

    // MARK: The user's calls and the timer (RFC 9293 3.10.1 to 3.10.4, 3.10.8)

    mutating func connect() {
        guard state == .closed else { return }
        state = .synSent
        next = iss.advanced(by: 1)
        send(.syn, iss)
    }

    /// Sends what may be sent: text, then the FIN.
    mutating func push() {
        switch state {
        case .established, .closeWait: break
        default: return
        }
        let end = iss.advanced(by: 1 + written)
        while next.isBefore(end), next.offset(from: unacknowledged) < Self.flight {
            let length = min(Self.segmentSize, end.offset(from: next))
            send([.ack, .psh], next, length)
            next = next.advanced(by: length)
        }
        guard isClosing, next == end else { return }
        send([.ack, .fin], next)
        ownFin = next
        next = next.advanced(by: 1)
        state = state == .established ? .finWait1 : .lastAck
    }

    /// The retransmission timer ran out: the oldest segment again.
    mutating func repeatOldest() {
        if unacknowledged == iss { return state == .synSent ? send(.syn, iss) : send([.syn, .ack], iss) }
        let end = ownFin ?? next
        if unacknowledged == end { return send([.ack, .fin], end) }
        send([.ack, .psh], unacknowledged, min(Self.segmentSize, end.offset(from: unacknowledged)))
    }

    private mutating func send(_ flags: TCPFlags, _ sequence: SequenceNumber, _ length: UInt32 = 0) {
        output.append(
            SimulatedSegment(
                flags: flags, sequence: sequence,
                acknowledgment: flags.has(.ack) ? receiveNext : SequenceNumber(0), length: length))
    }

    private mutating func acknowledge() { send(.ack, next) }

    // MARK: SEGMENT ARRIVES (3.10.7)

    mutating func receive(_ segment: SimulatedSegment) {
        switch state {
        case .closed, .unseen: return
        case .listen:
            guard segment.flags == .syn else { return }
            receiveNext = segment.sequence.advanced(by: 1)
            next = iss.advanced(by: 1)
            state = .synReceived
            send([.syn, .ack], iss)
        case .synSent: receiveSynSent(segment)
        default: receiveSynchronized(segment)
        }
        push()
    }

    private mutating func receiveSynSent(_ segment: SimulatedSegment) {
        guard segment.flags.has(.syn) else { return }
        receiveNext = segment.sequence.advanced(by: 1)
        if segment.flags.has(.ack) {
            unacknowledged = segment.acknowledgment
            state = .established
            acknowledge()
        } else {
            state = .synReceived
            send([.syn, .ack], iss)
        }
    }

    private mutating func receiveSynchronized(_ segment: SimulatedSegment) {
        let isOld = segment.sequence.isBefore(receiveNext)
        if segment.flags.has(.syn) {
            // In SYN-RECEIVED the other half of a simultaneous open, whose ACK counts (3.5, figure 7).
            if state == .synReceived && segment.flags.has(.ack) && segment.acknowledgment == next {
                unacknowledged = next
                state = .established
                return acknowledge()
            }
            return state == .synReceived ? send([.syn, .ack], iss) : acknowledge()
        }
        if isOld && segment.end.isAtOrBefore(receiveNext) { return acknowledge() }
        if segment.acknowledgment.isAfter(next) { return acknowledge() }
        if state == .synReceived {
            guard segment.acknowledgment.isAfter(iss) else { return }
            state = .established
        }
        if segment.acknowledgment.isAfter(unacknowledged) { unacknowledged = segment.acknowledgment }
        if let ownFin, unacknowledged.isAfter(ownFin) {
            switch state {
            case .finWait1: state = .finWait2
            case .closing: state = .timeWait
            case .lastAck: state = .closed
            default: break
            }
        }
        guard segment.end != segment.sequence, state != .closed else { return }
        take(segment)
        acknowledge()
    }

    private mutating func take(_ segment: SimulatedSegment) {
        if segment.flags.has(.fin) { peerFin = segment.sequence.advanced(by: segment.length) }
        if segment.length > 0 { waiting.append((segment.sequence, segment.sequence.advanced(by: segment.length))) }
        var isMoving = true
        while isMoving {
            isMoving = false
            for piece in waiting where piece.start.isAtOrBefore(receiveNext) && piece.end.isAfter(receiveNext) {
                receiveNext = piece.end
                isMoving = true
            }
        }
        guard peerFin == receiveNext else { return }
        receiveNext = receiveNext.advanced(by: 1)
        switch state {
        case .synReceived, .established: state = .closeWait
        case .finWait1: state = .closing
        case .finWait2: state = .timeWait
        default: break
        }
    }
}

/// What goes over the wire.
struct SimulatedSegment {
    var flags: TCPFlags
    var sequence: SequenceNumber
    var acknowledgment: SequenceNumber
    var length: UInt32

    var end: SequenceNumber { sequence.advanced(by: length + (flags.hasAny([.syn, .fin]) ? 1 : 0)) }
}

/// How bad the network is.
struct SimulatedNetwork {
    /// Of a hundred segments so many get lost before the capture, and so many behind it.
    var lossBefore: UInt32 = 0
    var lossBehind: UInt32 = 0
    /// Microseconds from an end to the capture, and how many more it may take: with more, segments overtake each other.
    var delay: Int64 = 5000
    var jitter: Int64 = 0
}

/// One connection from its first to its last segment.
struct Simulation {
    private enum Event {
        case connect(Int)
        case close(Int)
        case write(Int, UInt32)
        case captured(Int, SimulatedSegment)
        case arrived(Int, SimulatedSegment)
        case timer(Int, Int)
    }

    private(set) var ends: [SimulatedEndpoint]
    /// What the capture sees: when (microseconds), from whom (0 the client), what.
    private(set) var captured: [(time: Int64, sender: Int, segment: SimulatedSegment)] = []
    /// Whether an end gave up, which no segment tells.
    private(set) var gaveUp = false
    private let network: SimulatedNetwork
    private var random: SeededRandom
    private var now: Int64 = 0
    private var queue: [(time: Int64, order: Int, event: Event)] = []
    private var order = 0
    private var timers = [0, 0]
    private var retries = [0, 0]

    init(seed: UInt64, _ network: SimulatedNetwork, isSimultaneous: Bool = false) {
        var random = SeededRandom(seed)
        ends = [false, !isSimultaneous].map { listens in
            // Every fourth number comes round during the connection.
            let late = random.next(below: 4) == 0
            let iss = late ? .max - UInt32(random.next(below: 3000)) : UInt32(random.next(below: 1 << 32))
            return SimulatedEndpoint(iss: iss, listens: listens)
        }
        self.random = random
        self.network = network
        add(.connect(0), after: 0)
        if isSimultaneous { add(.connect(1), after: Int64(random.next(below: 12_000))) }
        for end in 0..<2 {
            for _ in 0..<random.next(below: 4) {
                add(.write(end, UInt32(random.next(below: 3000))), after: Int64(random.next(below: 300_000)))
            }
            if random.next(below: 5) > 0 { add(.close(end), after: Int64(random.next(below: 400_000))) }
        }
        while let event = takeEvent() { handle(event) }
    }

    private mutating func add(_ event: Event, after microseconds: Int64) {
        order += 1
        queue.append((now + microseconds, order, event))
    }

    private mutating func takeEvent() -> Event? {
        guard
            let first = queue.indices.min(by: { (queue[$0].time, queue[$0].order) < (queue[$1].time, queue[$1].order) })
        else { return nil }
        let next = queue.remove(at: first)
        now = next.time
        return next.event
    }

    private mutating func handle(_ event: Event) {
        let end: Int
        switch event {
        case .captured(let sender, let segment):
            captured.append((now, sender, segment))
            return
        case .connect(let it):
            end = it
            ends[end].connect()
        case .write(let it, let octets):
            end = it
            if !ends[end].isClosing { ends[end].written += octets }
            ends[end].push()
        case .close(let it):
            end = it
            ends[end].isClosing = true
            ends[end].push()
        case .arrived(let it, let segment):
            end = it
            ends[end].receive(segment)
            retries[end] = 0
        case .timer(let it, let number):
            end = it
            guard timers[end] == number, ends[end].isWaiting else { return }
            retries[end] += 1
            if retries[end] > 12 {
                gaveUp = true
                return
            }
            ends[end].repeatOldest()
        }
        for segment in ends[end].takeOutput() { emit(segment, from: end) }
        timers[end] += 1
        // Doubled each time, as RFC 6298 has it, from 200 ms up to 1.6 s: so that all is over before a TIME-WAIT is.
        if ends[end].isWaiting { add(.timer(end, timers[end]), after: 200_000 << Int64(min(retries[end], 3))) }
    }

    private mutating func emit(_ segment: SimulatedSegment, from sender: Int) {
        if random.next(below: 100) < network.lossBefore { return }
        let passing = network.delay + random.next(upTo: network.jitter)
        add(.captured(sender, segment), after: passing)
        if random.next(below: 100) < network.lossBehind { return }
        add(.arrived(1 - sender, segment), after: passing + network.delay + random.next(upTo: network.jitter))
    }
}

/// SplitMix64 (Steele, Lea and Flood): the same numbers for the same seed.
struct SeededRandom {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    private mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }

    mutating func next(below limit: UInt64) -> UInt64 { next() % limit }
    mutating func next(upTo limit: Int64) -> Int64 { limit > 0 ? Int64(next() % UInt64(limit)) : 0 }
}
