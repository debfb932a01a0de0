// Counts the ports of this host that TIME_WAIT holds towards each destination, first from connections that end, then as
// counted by the kernel.
//
// A port of ip_local_port_range can be used once for each combination of own address, destination address and
// destination port. The side that closes first keeps it for 60 seconds.

public import TCPModel

/// The ports that connect() chooses from, and the rule for taking one over from TIME_WAIT (Linux).
public struct PortSupply: BitwiseCopyable, Sendable {
    /// The lower end of net.ipv4.ip_local_port_range.
    public var first: UInt16
    /// The upper end of the range, inclusive.
    public var last: UInt16
    /// net.ipv4.tcp_tw_reuse: 0 = never; 1 = after a second if both sides use timestamps; 2 = the same, but on loopback
    /// only.
    public var reuse: UInt8

    /// A supply with these settings.
    public init(first: UInt16, last: UInt16, reuse: UInt8) {
        self.first = first
        self.last = last
        self.reuse = reuse
    }

    /// The number of ports in the range.
    var count: Int { first <= last ? Int(last) - Int(first) + 1 : 0 }

    /// Whether a TIME_WAIT port towards this address can be taken over after a second.
    func allowsReuse(towards address: IPAddress) -> Bool { reuse == 1 || reuse == 2 && address.isLoopback }
}

/// The scope within which each port can be used once: the own address and the destination.
public struct PortScope: Hashable, BitwiseCopyable, Sendable {
    /// This host's address.
    public var own: IPAddress
    /// The destination address and port.
    public var destination: SocketAddress
}

/// The kernel's count of the ports in use within one scope.
public struct PortCount: BitwiseCopyable, Sendable {
    /// Ports held by TIME_WAIT.
    public var timeWaits: Int
    /// Ports in use by sockets in other states.
    public var others: Int

    /// The counts of one reading.
    public init(timeWaits: Int, others: Int) {
        self.timeWaits = timeWaits
        self.others = others
    }
}

/// The ports held by TIME_WAIT, as far as they were traced.
struct PortUse {
    /// Linux's TCP_TIMEWAIT_LEN in nanoseconds, which is fixed.
    static let timeWait = 60 * Span.second
    /// The maximum number of scopes and ports kept; beyond that, everything is discarded.
    private static let limit = (scopes: 1024, ports: 1 << 18)

    private struct Scope {
        /// When each port entered TIME_WAIT.
        var since: [UInt16: Timestamp] = [:]
        var first: Timestamp
        var counted: PortCount?
        var isReported = false
        /// The traced count at which the kernel is asked again.
        var nextQuestion: Int
    }

    /// The ports that connect() chooses from; nil on replay and where the settings cannot be read.
    var supply: PortSupply?
    private var scopes: [PortScope: Scope] = [:]
    private var total = 0
    /// The scopes for which the kernel should be asked.
    private(set) var questions: [PortScope] = []

    /// Records that a connection ended in TIME_WAIT at its source, this host.
    mutating func note(_ tuple: FourTuple, at time: Timestamp) {
        guard let supply, supply.count > 0, !supply.allowsReuse(towards: tuple.destination.address),
            (supply.first...supply.last).contains(tuple.source.port)
        else { return }
        if scopes.count >= Self.limit.scopes || total >= Self.limit.ports {
            scopes.removeAll(keepingCapacity: true)
            total = 0
        }
        let key = PortScope(own: tuple.source.address, destination: tuple.destination)
        var scope = scopes[key] ?? Scope(first: time, nextQuestion: max(8, supply.count / 4))
        if scope.since.updateValue(time, forKey: tuple.source.port) == nil { total += 1 }
        if !scope.isReported && scope.since.count >= scope.nextQuestion {
            let before = scope.since.count
            scope.since = scope.since.filter { time.since($0.value) < Self.timeWait }
            total -= before - scope.since.count
            if scope.since.count >= scope.nextQuestion {
                questions.append(key)
                // Ask again when the situation has clearly worsened.
                scope.nextQuestion = scope.since.count + max(8, supply.count / 8)
            }
        }
        scopes[key] = scope
    }

    /// Takes the kernel's answer; nil if it gave none.
    mutating func answer(_ key: PortScope, _ count: PortCount?) {
        questions.removeAll { $0 == key }
        scopes[key]?.counted = count
    }

    /// The shortage of ports towards a connection's destination; nil if there is none, or if it was already reported.
    func pressure(_ tuple: FourTuple, now: Timestamp) -> PortPressure? {
        guard let supply,
            let scope = scopes[PortScope(own: tuple.source.address, destination: tuple.destination)], !scope.isReported,
            let counted = scope.counted
        else { return nil }
        let span = max(Span.second, min(Self.timeWait, now.since(scope.first)))
        let perMinute = Int(Double(scope.since.count) * Double(Self.timeWait) / Double(span))
        let pressure = PortPressure(supply: supply, counted: counted, perMinute: perMinute)
        return pressure.isWorthAWord ? pressure : nil
    }

    /// Marks a destination as reported: this happens only once for each.
    mutating func markReported(_ tuple: FourTuple) {
        let key = PortScope(own: tuple.source.address, destination: tuple.destination)
        total -= scopes[key]?.since.count ?? 0
        scopes[key]?.since = [:]
        scopes[key]?.isReported = true
    }
}

/// How scarce the ports towards one destination are.
struct PortPressure: BitwiseCopyable {
    var supply: PortSupply
    var counted: PortCount
    /// The number of TIME_WAITs that begin per minute, which is as long as each lasts.
    var perMinute: Int

    var left: Int { max(0, supply.count - counted.timeWaits - counted.others) }

    /// Whether the ports will run out at this rate.
    var runsOut: Bool { perMinute + counted.others > supply.count }

    /// Whether to report it: a quarter of the ports is held and they will run out, or three quarters are held.
    var isWorthAWord: Bool {
        counted.timeWaits * 4 >= supply.count && runsOut || counted.timeWaits * 4 >= supply.count * 3
    }

    /// Nanoseconds until no port is left at this rate; nil if they do not run out.
    var remaining: Int64? {
        guard runsOut, perMinute > 0 else { return nil }
        return Int64(Double(left) / Double(perMinute) * Double(PortUse.timeWait))
    }
}
