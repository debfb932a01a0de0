// The optional behaviour of a simulated TCP, beyond what states depend on.

/// The behaviour of one end. By default it does nothing optional: its windows never close, and it sends no RSTs.
struct SimulatedHost {
    /// Octets of text that it buffers for its program; nil for any number.
    var buffer: UInt32?
    /// The window scale that it offers, if any.
    var windowScale: UInt8?
    var hasTimestamps = false
    var hasSACK = false
    /// Probes a closed window with the next octet (RFC 9293 3.8.6.1) rather than, like Linux, with the number before
    /// SND.UNA.
    var probesWithText = false
    /// Sends a keep-alive after this many microseconds of silence (3.8.4).
    var keepAliveTime: Int64?
    /// Puts one octet that was sent before into a keep-alive, as 3.8.4 describes for old hosts.
    var keepAliveHasText = false
    /// Retransmits with other segment boundaries, and may go back to SND.UNA after a timeout (3.8.1 lets it repackage).
    var repackages = false
    /// Delays ACKs: acknowledges every second segment, or after 40 ms (RFC 9293 3.8.6.3).
    var delaysAcks = false
    /// Puts its FIN on the last segment of text.
    var putsFinOnText = false
    /// Sends a RST for a segment of no connection (3.10.7.1), and for text that can no longer reach its program.
    var sendsResets = false
    /// Accepts connections, one after another.
    var listens = false
    /// Opens actively too (3.5), so the peer's SYN is not refused if it comes first.
    var opensToo = false
    /// The most octets of text in a segment.
    var segmentSize: UInt32 = SimulatedEndpoint.segmentSize
    /// Leaves splitting its segments to the network card.
    var isOffloaded = false
    /// Sends its first text in its SYN, and accepts text in a SYN.
    var fastOpens = false
    /// Keeps no state for a SYN: the acknowledged number has all it needs (RFC 4987 3.6).
    var usesCookies = false
    /// Does not accept an ACK without text as the last one of a handshake until it has sent its SYN-ACK this many times
    /// (TCP_DEFER_ACCEPT).
    var defersAccept = 0
    /// Answers unacceptable segments without text at most every half second.
    var limitsChallenges = false
    /// Marks some text as urgent.
    var sendsUrgent = false
    /// Bases its timers on measured round trips (RFC 6298) rather than a fixed time.
    var measuresRoundTrips = false
    /// Sends tail loss probes (RFC 8985 7).
    var probesTail = false
    /// Numbers its packets (RFC 6864 permits 0 if they must not be fragmented).
    var numbersPackets = true
}

extension SimulatedHost {
    /// A host with random behaviour within `conduct`.
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
