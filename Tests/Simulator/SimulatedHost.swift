// What a simulated TCP does besides the least that states depend on.

/// The habits of one end. By default it has none of them: its windows never close, and it sends no RSTs.
struct SimulatedHost {
    /// Octets of text that it takes in before its program reads; nil: any number.
    var buffer: UInt32?
    /// The window scale that it offers.
    var windowScale: UInt8?
    var hasTimestamps = false
    var hasSACK = false
    /// Probes a closed window with the next octet (RFC 9293 3.8.6.1), and not, as Linux does, with the number before SND.UNA.
    var probesWithText = false
    /// Sends a keep-alive after so many microseconds of silence (3.8.4).
    var keepAliveTime: Int64?
    /// With one octet that it had sent before, as 3.8.4 has it for old hosts.
    var keepAliveHasText = false
    /// Cuts what it sends again otherwise, and goes back to SND.UNA after a timeout (3.8.1 lets it repackage).
    var repackages = false
    /// Acknowledges every second segment, or after 40 ms (RFC 9293 3.8.6.3).
    var delaysAcks = false
    /// Sends its FIN with the last text.
    var putsFinOnText = false
    /// Answers what is for no connection with a RST (3.10.7.1); and sends one where text cannot reach its program any more.
    var sendsResets = false
    /// Takes connections, one after another.
    var listens = false
    /// Opens itself (3.5), so that the peer's SYN is not refused before that.
    var opensToo = false
    /// Octets of text in a segment at most.
    var segmentSize: UInt32 = SimulatedEndpoint.segmentSize
    /// Leaves it to its network card to cut them.
    var isOffloaded = false
    /// Sends its first text with its SYN; takes that of a SYN.
    var fastOpens = false
    /// Keeps nothing of a SYN: its number tells it all once it is acknowledged (RFC 4987 3.6).
    var usesCookies = false
    /// Takes no ACK without text for the last one of a handshake, until it has sent its SYN-ACK so often (TCP_DEFER_ACCEPT).
    var defersAccept = 0
    /// Answers what is not acceptable and has no text every half second at most.
    var limitsChallenges = false
    /// Marks some text as urgent.
    var sendsUrgent = false
    /// Measures round trips for its timers (RFC 6298), and does not wait a fixed time.
    var measuresRoundTrips = false
    /// Sends its last segment again when no ACK comes for it (RFC 8985 7).
    var probesTail = false
    /// Numbers its packets (RFC 6864 lets it send 0 where they may not be cut).
    var numbersPackets = true
}

extension SimulatedHost {
    /// A host with habits as `conduct` asks for them.
    init(_ conduct: SimulatedConduct, _ random: inout Chance) {
        if conduct.contains(.windows) {
            buffer = 1000 + UInt32(random.next(below: 7000))
            probesWithText = random.isOne(of: 2)
        }
        if conduct.contains(.options) {
            hasTimestamps = random.isOne(of: 2)
            hasSACK = random.isOne(of: 2)
            if random.isOne(of: 2) { windowScale = UInt8(random.next(below: 8)) }
        }
        if conduct.contains(.keepAlives) && random.isOne(of: 3) {
            keepAliveTime = 150_000 + Int64(random.next(below: 600_000))
            keepAliveHasText = random.isOne(of: 3)
        }
        repackages = conduct.contains(.repacking) && random.isOne(of: 2)
        delaysAcks = random.isOne(of: 3)
        putsFinOnText = random.isOne(of: 3)
        sendsResets = true
        if conduct.contains(.shrinking) && buffer == nil { buffer = 3000 + UInt32(random.next(below: 9000)) }
        if conduct.contains(.offload) {
            (isOffloaded, segmentSize) = (true, segmentSize * (1 + UInt32(random.next(below: 6))))
        }
        limitsChallenges = !conduct.isSubset(of: .all)
        fastOpens = conduct.contains(.fastOpen) && !random.isOne(of: 4)
        if conduct.contains(.lazyServers) {
            if random.isOne(of: 2) { usesCookies = true } else { defersAccept = Int(random.next(below: 4)) }
        }
        if conduct.contains(.huge) { (windowScale, buffer, segmentSize) = (14, nil, 1 << 26) }
        sendsUrgent = conduct.contains(.urgent)
        if conduct.contains(.timers) {
            measuresRoundTrips = true
            probesTail = random.isOne(of: 2)
            numbersPackets = !random.isOne(of: 3)
        }
    }
}
