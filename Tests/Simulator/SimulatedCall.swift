// The actions of the programs at both ends of a simulated connection, and their times.

/// Situations that a simulated connection may get into.
struct SimulatedConduct: OptionSet {
    let rawValue: UInt32

    /// Programs that stop reading, so that windows close and are probed (CASES E4).
    static let windows = SimulatedConduct(rawValue: 1 << 0)
    /// Aborts, closes with unread text, text for a program that has closed, crashes, closed ports (H3, E13, T12 to
    /// T17).
    static let resets = SimulatedConduct(rawValue: 1 << 1)
    /// SACK and D-SACK, timestamps and PAWS, window scales.
    static let options = SimulatedConduct(rawValue: 1 << 2)
    /// Keep-alives, answered or not (E2, E3).
    static let keepAlives = SimulatedConduct(rawValue: 1 << 3)
    /// One side closes, and the other continues to send for a long time (T5).
    static let halfClose = SimulatedConduct(rawValue: 1 << 4)
    /// Both sides close at once (T4).
    static let simultaneousClose = SimulatedConduct(rawValue: 1 << 5)
    /// Both sides open at once (H12).
    static let simultaneousOpen = SimulatedConduct(rawValue: 1 << 6)
    /// Retransmissions with other segment boundaries (E11).
    static let repacking = SimulatedConduct(rawValue: 1 << 7)
    /// The four-tuple is reused (H18, H19, T24).
    static let reuse = SimulatedConduct(rawValue: 1 << 8)

    // Not among `all`.
    /// Windows whose right edge moves back (E5).
    static let shrinking = SimulatedConduct(rawValue: 1 << 9)
    /// A third party on the path, or far away, forges RSTs and SYNs (E14 to E16, H37).
    static let forgery = SimulatedConduct(rawValue: 1 << 10)
    /// Large segments that are split behind the capture (X8).
    static let offload = SimulatedConduct(rawValue: 1 << 11)
    /// Urgent data (E19).
    static let urgent = SimulatedConduct(rawValue: 1 << 12)
    /// Text in the SYN, which the server accepts or not (H24 to H27).
    static let fastOpen = SimulatedConduct(rawValue: 1 << 13)
    /// Servers that keep no state for a SYN (H20), or wait for text (H28).
    static let lazyServers = SimulatedConduct(rawValue: 1 << 14)
    /// Networks that are unreachable for a while, or stop forwarding large packets, and report it (H4, E20).
    static let errors = SimulatedConduct(rawValue: 1 << 16)
    /// Timers as in RFC 6298 and RFC 8985; hosts that do not number their packets.
    static let timers = SimulatedConduct(rawValue: 1 << 17)
    /// More octets than half of the sequence space, in segments too large for any IP packet (E12).
    static let huge = SimulatedConduct(rawValue: 1 << 15)

    static let all = SimulatedConduct(rawValue: 1 << 9 - 1)
}

/// One action of a program, or of the network around it.
enum SimulatedCall {
    case connect
    case connectAgain
    case write(UInt32)
    case shutDown
    case close
    case abort
    case crash
    case stopReading
    case read
    case readOn
    case shrink
    case forge(SimulatedForgery)
    case breakPath(SimulatedPath?)

    func carryOut(_ end: inout SimulatedEndpoint) {
        switch self {
        case .connect: end.connect()
        case .connectAgain, .forge, .breakPath: break
        case .write(let octets): end.write(octets)
        case .shutDown: end.shutDown()
        case .close: end.close()
        case .abort: end.abortCall()
        case .crash: end.abandon()
        case .stopReading: end.isReading = false
        case .read: end.read()
        case .shrink: end.buffer = end.buffer.map { $0 / 3 }
        case .readOn:
            end.isReading = true
            end.read()
        }
    }

    typealias Plan = [(end: Int, call: SimulatedCall, time: Int64)]

    /// A plan with a few writes and usually a close.
    static func plan(isSimultaneous: Bool, _ random: inout Chance) -> Plan {
        var plan: Plan = [(0, .connect, 0)]
        if isSimultaneous { plan.append((1, .connect, Int64(random.next(below: 12_000)))) }
        for end in 0..<2 {
            for _ in 0..<random.next(below: 4) {
                let octets = UInt32(random.next(below: 3000))
                plan.append((end, .write(octets), Int64(random.next(below: 300_000))))
            }
            if random.next(below: 5) > 0 { plan.append((end, .shutDown, Int64(random.next(below: 400_000)))) }
        }
        return plan
    }

    /// That plan, with the additions that `conduct` asks for.
    static func plan(_ conduct: SimulatedConduct, isSimultaneous: Bool, _ random: inout Chance) -> Plan {
        var plan = plan(isSimultaneous: isSimultaneous, &random)
        if conduct.contains(.huge) { plan.removeAll { $0.call.closes } }
        func time(_ random: inout Chance, from first: UInt64, below last: UInt64) -> Int64 {
            Int64(first + random.next(below: last - first))
        }
        let end = Int(random.next(below: 2))
        if conduct.contains(.windows) && random.isOne(of: 2) {
            plan.append((end, .stopReading, time(&random, from: 0, below: 200_000)))
            plan.append((1 - end, .write(UInt32(random.next(below: 8000))), time(&random, from: 0, below: 300_000)))
            if random.isOne(of: 2) { plan.append((end, .read, time(&random, from: 200_000, below: 1_000_000))) }
            plan.append((end, .readOn, time(&random, from: 300_000, below: 3_000_000)))
        }
        if conduct.contains(.halfClose) && random.isOne(of: 3) {
            plan.removeAll { $0.end != end && $0.call.closes }
            plan.append((end, .shutDown, time(&random, from: 20_000, below: 200_000)))
            for _ in 0..<5 {
                let octets = UInt32(random.next(below: 4000))
                plan.append((1 - end, .write(octets), time(&random, from: 0, below: 1_500_000)))
            }
            plan.append((1 - end, .shutDown, time(&random, from: 1_000_000, below: 2_000_000)))
        }
        if conduct.contains(.simultaneousClose) && random.isOne(of: 4) {
            plan.removeAll { $0.call.closes }
            let start = time(&random, from: 20_000, below: 300_000)
            for end in 0..<2 { plan.append((end, .shutDown, start + Int64(random.next(below: 15_000)))) }
        }
        if conduct.contains(.resets) && random.isOne(of: 2) {
            let calls: [SimulatedCall] = [.abort, .abort, .close, .close, .close, .crash]
            let call = calls[Int(random.next(below: UInt64(calls.count)))]
            if random.isOne(of: 2) { plan.append((end, .stopReading, 0)) }
            plan.append((end, call, time(&random, from: 0, below: 500_000)))
            if random.isOne(of: 2) { plan.append((1 - end, .write(700), time(&random, from: 0, below: 600_000))) }
            // A later write lets an end that is still open find out.
            plan.append((1 - end, .write(100), time(&random, from: 1_000_000, below: 1_200_000)))
            plan.append((1 - end, .close, time(&random, from: 1_200_000, below: 1_400_000)))
        }
        if conduct.contains(.reuse) && random.isOne(of: 2) {
            for _ in 0...random.next(below: 2) {
                plan.append((0, .connectAgain, time(&random, from: 300_000, below: 4_000_000)))
            }
        }
        if conduct.contains(.shrinking) {
            for end in 0..<2 where random.isOne(of: 2) {
                plan.append((end, .shrink, time(&random, from: 0, below: 600_000)))
                plan.append((end, .stopReading, time(&random, from: 0, below: 300_000)))
                plan.append((end, .readOn, time(&random, from: 300_000, below: 2_000_000)))
            }
        }
        if conduct.contains(.fastOpen) { plan.insert((0, .write(1 + UInt32(random.next(below: 900))), 0), at: 0) }
        if conduct.contains(.huge) {
            for part in 0..<Int64(7) { plan.append((end, .write(500_000_000), part * 150_000)) }
            plan.append((end, .shutDown, 1_200_000))
        }
        if conduct.contains(.errors) {
            let start = time(&random, from: 0, below: 300_000) * (random.isOne(of: 2) ? 0 : 1)
            let path: SimulatedPath = random.isOne(of: 3) ? .narrow(200) : .unreachable
            plan.insert((end, .breakPath(path), start), at: 0)
            if path == .unreachable { plan.append((end, .breakPath(nil), time(&random, from: 1000, below: 400_000))) }
        }
        if conduct.contains(.forgery) {
            for _ in 0..<random.next(below: 3) {
                plan.append((end, .forge(SimulatedForgery(&random)), time(&random, from: 0, below: 800_000)))
            }
            // A later write lets an end that is still open find out.
            for end in 0..<2 { plan.append((end, .write(100), time(&random, from: 800_000, below: 1_200_000))) }
        }
        return plan
    }

    private var closes: Bool {
        switch self {
        case .shutDown, .close: true
        case .connect, .connectAgain, .write, .abort, .crash, .stopReading, .read, .readOn, .shrink, .forge, .breakPath:
            false
        }
    }
}
