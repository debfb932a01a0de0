// Two TCPs that communicate over a bad network past a capture, so that tests know their real states.

import TCPModel

/// How bad the network is.
struct SimulatedNetwork {
    /// Percentage of segments lost before the capture, and behind it.
    var lossBefore: UInt32 = 0
    var lossBehind: UInt32 = 0
    /// Percentage of segments that pass the capture without being captured.
    var notCaptured: UInt32 = 0
    /// Microseconds from an end to the capture, and the random extra delay, which lets segments overtake each other.
    var delay: Int64 = 5000
    var jitter: Int64 = 0
    /// Percentage of segments that are duplicated before or behind the capture, and the most microseconds by which the
    /// copy is late.
    var duplicated: UInt32 = 0
    var duplicateDelay: Int64 = 0
    /// Whether the capture is on the client's host, so that nothing is lost or delayed between the two.
    var isAtClient = false
}

/// One four-tuple from its first to its last segment: one connection, or several in a row.
struct Simulation {
    /// A segment in the capture, from endpoint number `connection` of host `sender` (0 is the client).
    struct Captured {
        let time: Int64
        let sender: Int
        let connection: Int
        var segment: SimulatedSegment
        /// Set if a third party sent the segment.
        var forgery: SimulatedForgery?
        /// Set if this is not the segment itself but an ICMP error about it.
        var error: SimulatedPath?
    }

    private enum Event {
        case call(Int, SimulatedCall)
        case captured(Int, Int, SimulatedSegment, SimulatedForgery? = nil)
        case arrived(Int, SimulatedSegment)
        case reported(Int, Int, SimulatedSegment, SimulatedPath)
        case rejected(Int, Int, SimulatedSegment, SimulatedPath)
        case timer(Int, Int)
        case acknowledge(Int, Int)
    }

    /// Each host's endpoints of this four-tuple, past and present, in order.
    private(set) var endpoints: [[SimulatedEndpoint]]
    /// The contents of the capture.
    var captured: [Captured] = []
    /// Whether an end gave up, or was still sending when the simulation ended; no segment shows this.
    private(set) var gaveUp = false
    /// Microseconds from a host to a capture on it.
    private static let near: Int64 = 5
    let network: SimulatedNetwork
    private var random: Chance
    private var now: Int64 = 0
    private var queue: [(time: Int64, order: Int, event: Event)] = []
    private var order = 0
    /// All segments that both ends sent, by their number.
    private(set) var sent: [Captured] = []
    private var timers = [0, 0]
    private var retries = [0, 0]
    /// The fault, if any, of the path from each end.
    private var paths: [SimulatedPath?] = [nil, nil]

    /// The endpoints of the latest connection.
    var ends: [SimulatedEndpoint] { endpoints.map { $0[$0.count - 1] } }

    init(seed: UInt64, _ network: SimulatedNetwork, isSimultaneous: Bool = false) {
        var random = Chance(seed)
        let hosts = [false, !isSimultaneous].map { SimulatedHost(listens: $0) }
        endpoints = hosts.map { [Self.endpoint($0, &random)] }
        let plan = SimulatedCall.plan(isSimultaneous: isSimultaneous, &random)
        self.random = random
        self.network = network
        run(plan)
    }

    /// Simulates a connection with a random selection from `conduct`.
    init(seed: UInt64, _ network: SimulatedNetwork, conduct: SimulatedConduct) {
        var random = Chance(seed)
        let isSimultaneous = conduct.contains(.simultaneousOpen) && random.isOne(of: 4)
        var hosts = [SimulatedHost(conduct, &random), SimulatedHost(conduct, &random)]
        hosts[1].listens = !isSimultaneous && !(conduct.contains(.resets) && random.isOne(of: 20))
        hosts[1].opensToo = isSimultaneous
        if network.duplicated > 0 || network.isAtClient { for end in 0..<2 { hosts[end].limitsChallenges = true } }
        endpoints = hosts.map { [Self.endpoint($0, &random)] }
        let plan = SimulatedCall.plan(conduct, isSimultaneous: isSimultaneous, &random)
        self.random = random
        self.network = network
        run(plan)
    }

    private static func endpoint(_ host: SimulatedHost, _ random: inout Chance) -> SimulatedEndpoint {
        // One ISN in four makes the sequence numbers wrap during the connection.
        let late = random.next(below: 4) == 0
        let iss = late ? .max - UInt32(random.next(below: 3000)) : UInt32(random.next(below: 1 << 32))
        return SimulatedEndpoint(iss: iss, host, seed: UInt64(iss))
    }

    /// Whether every segment that passes the capture is captured.
    var hasEveryFrame: Bool { network.notCaptured == 0 }

    private mutating func run(_ plan: [(end: Int, call: SimulatedCall, time: Int64)]) {
        for item in plan { add(.call(item.end, item.call), after: item.time) }
        while order < 20_000, let event = takeEvent() { handle(event) }
        precondition(order < 20_000, "they never come to an end")
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
        switch event {
        case .captured(let sender, let connection, let segment, let forgery):
            captured.append(
                Captured(time: now, sender: sender, connection: connection, segment: segment, forgery: forgery))
        case .reported(let end, let connection, let segment, let error):
            captured.append(Captured(time: now, sender: end, connection: connection, segment: segment, error: error))
        case .rejected(let end, let connection, let segment, let error):
            guard connection == endpoints[end].count - 1 else { return }
            act(end) { $0.receive(error, about: segment.sequence) }
        case .call(let end, .breakPath(let path)): paths[end] = path
        case .call(let end, .connectAgain): connectAgain(end)
        case .call(let end, .forge(let forgery)): forge(forgery, inTheNameOf: end)
        case .call(let end, let call): act(end) { call.carryOut(&$0) }
        case .arrived(let end, let segment):
            retries[end] = 0
            if endpoints[end][0].host.listens, ends[end].yields(to: segment) { succeed(end) }
            act(end) { $0.receive(segment) }
        case .acknowledge(let end, let number):
            guard timers[end] == number, ends[end].state != .closed else { return }
            act(end) { if $0.unansweredSegments > 0 { $0.acknowledge() } }
        case .timer(let end, let number):
            guard timers[end] == number, let timer = ends[end].timer else { return }
            retries[end] += 1
            if retries[end] > 12 || now > 50_000_000 {
                gaveUp = timer == .keepAlive ? gaveUp : true
                return
            }
            act(end) { $0.timeout() }
        }
    }

    private mutating func act(_ end: Int, _ body: (inout SimulatedEndpoint) -> Void) {
        let connection = endpoints[end].count - 1
        endpoints[end][connection].now = now
        endpoints[end][connection].clock = UInt32(truncatingIfNeeded: now / 1000 + Int64(1 + end) * 7_000_000)
        body(&endpoints[end][connection])
        for segment in endpoints[end][connection].takeOutput() { emit(segment, from: end, connection) }
        timers[end] += 1
        let it = ends[end]
        if it.unansweredSegments > 0 { add(.acknowledge(end, timers[end]), after: 40_000) }
        switch it.timer {
        case .retransmission, .persist:
            // Doubled each time, as in RFC 6298, from 200 ms up to 1.6 s, so that everything is over before a TIME-WAIT
            // is.
            let first = it.host.measuresRoundTrips ? it.clocking.timeout : 200_000
            add(.timer(end, timers[end]), after: first << Int64(min(retries[end], 3)))
        case .tailLossProbe: add(.timer(end, timers[end]), after: it.probeTimeout)
        case .keepAlive: add(.timer(end, timers[end]), after: it.host.keepAliveTime ?? 0)
        case nil: break
        }
    }

    private mutating func emit(_ segment: SimulatedSegment, from sender: Int, _ connection: Int) {
        var segment = segment
        segment.number = sent.count
        segment.isIdentified = ends[sender].host.numbersPackets
        sent.append(Captured(time: now, sender: sender, connection: connection, segment: segment))
        let isDuplicated = network.duplicated > 0 && random.next(below: 100) < network.duplicated
        let isBehind = isDuplicated && random.isOne(of: 2)
        if isDuplicated && !isBehind {
            let late = random.next(upTo: network.duplicateDelay)
            pass(segment, from: sender, connection, after: network.delay + late)
        }
        let isNear = network.isAtClient && sender == 0
        if random.next(below: 100) < network.lossBefore && !isNear { return }
        let passing = isNear ? Self.near : network.delay + random.next(upTo: network.jitter)
        pass(segment, from: sender, connection, after: passing)
        if isBehind {
            let late = random.next(upTo: network.duplicateDelay)
            add(.arrived(1 - sender, segment), after: passing + network.delay + late)
        }
    }

    /// Passes a segment to the capture, and perhaps on to the other end.
    private mutating func pass(_ segment: SimulatedSegment, from sender: Int, _ connection: Int, after passing: Int64) {
        let isMissed = network.notCaptured > 0 && random.next(below: 100) < network.notCaptured
        if !isMissed { add(.captured(sender, connection, segment), after: passing) }
        let size = ends[sender].host.isOffloaded ? SimulatedEndpoint.segmentSize : .max
        for piece in segment.pieces(of: size) {
            let isNear = network.isAtClient && sender == 1
            if random.next(below: 100) < network.lossBehind && !isNear { continue }
            if let path = paths[sender], !path.forwards(piece) {
                add(.reported(sender, connection, piece, path), after: passing + 2 * network.delay)
                add(.rejected(sender, connection, piece, path), after: passing + 3 * network.delay)
                continue
            }
            let behind = isNear ? Self.near : network.delay + random.next(upTo: network.jitter)
            add(.arrived(1 - sender, piece), after: passing + behind)
        }
    }

    private mutating func forge(_ forgery: SimulatedForgery, inTheNameOf end: Int) {
        guard var segment = forgery.segment(from: ends[end], to: ends[1 - end]) else { return }
        segment.number = sent.count
        sent.append(
            Captured(time: now, sender: end, connection: endpoints[end].count - 1, segment: segment, forgery: forgery))
        if forgery.isCaptured {
            add(.captured(end, endpoints[end].count - 1, segment, forgery), after: network.delay)
        }
        add(.arrived(1 - end, segment), after: 2 * network.delay)
    }

    // MARK: The four-tuple is used again

    /// The client reuses its port, unless it has a socket there that is not in TIME-WAIT.
    private mutating func connectAgain(_ end: Int) {
        guard ends[end].state == .closed && ends[end].hasOpened || ends[end].state == .timeWait else { return }
        succeed(end)
        act(end) { $0.connect() }
    }

    /// A new endpoint replaces one that is over. Its numbers lie beyond the old ones (RFC 9293 3.4.3; RFC 6191); some
    /// hosts choose them afresh once the old connection is closed.
    private mutating func succeed(_ end: Int) {
        let old = ends[end]
        var step = 70_000 + UInt32(random.next(below: random.isOne(of: 2) ? 100_000 : 1 << 24))
        if old.state == .closed && random.isOne(of: 4) {
            step = random.isOne(of: 2) ? UInt32(random.next(below: 1 << 32)) : UInt32(random.next(below: 2000)) &- 1000
        }
        endpoints[end].append(
            SimulatedEndpoint(
                iss: old.highest.advanced(by: step).rawValue, old.host, seed: UInt64(old.highest.rawValue)))
        if old.host.listens == false { endpoints[end][endpoints[end].count - 1].state = .closed }
        // Its program behaves like the one before, and usually closes at the end.
        let place = endpoints[end].count - 1
        endpoints[end][place].written = UInt32(random.next(below: 2000))
        endpoints[end][place].isClosing = random.next(below: 4) > 0
    }
}
