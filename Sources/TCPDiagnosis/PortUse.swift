// How many of this host's ports TIME_WAIT holds towards each destination: counted from connections that end, then from the kernel.
//
// A port of ip_local_port_range can be used once for each (own address, destination address, destination port). Whoever
// closes first keeps it for 60 seconds.

public import TCPModel

/// Where connect() takes its ports from, and when it may take one from TIME_WAIT (Linux).
public struct PortSupply: BitwiseCopyable, Sendable {
    /// net.ipv4.ip_local_port_range.
    public var first: UInt16
    /// Its upper end, included.
    public var last: UInt16
    /// net.ipv4.tcp_tw_reuse: 0 never, 1 after a second if both sides have time stamps, 2 so on loopback only.
    public var reuse: UInt8

    /// A supply from its settings.
    public init(first: UInt16, last: UInt16, reuse: UInt8) {
        self.first = first
        self.last = last
        self.reuse = reuse
    }

    /// How many ports there are.
    var count: Int { first <= last ? Int(last) - Int(first) + 1 : 0 }

    /// Whether a TIME_WAIT towards this address may be taken over soon.
    func allowsReuse(towards address: IPAddress) -> Bool { reuse == 1 || reuse == 2 && address.isLoopback }
}

/// What a port is used for once: one's own address, and the destination.
public struct PortScope: Hashable, BitwiseCopyable, Sendable {
    /// This host's address.
    public var own: IPAddress
    /// Where to.
    public var destination: SocketAddress
}

/// How many ports of one scope the kernel says are in use.
public struct PortCount: BitwiseCopyable, Sendable {
    /// Held by TIME_WAIT.
    public var timeWaits: Int
    /// In use by sockets in other states.
    public var others: Int

    /// Counts from a reading.
    public init(timeWaits: Int, others: Int) {
        self.timeWaits = timeWaits
        self.others = others
    }
}

/// The ports that TIME_WAIT holds by what was traced.
struct PortUse {
    /// Linux's TCP_TIMEWAIT_LEN, in nanoseconds: fixed.
    static let timeWait = 60 * Span.second
    /// Scopes and ports that are kept at most; then all is forgotten.
    private static let limit = (scopes: 1024, ports: 1 << 18)

    private struct Scope {
        /// When each port went into TIME_WAIT.
        var since: [UInt16: Timestamp] = [:]
        var first: Timestamp
        var counted: PortCount?
        var isReported = false
        /// The traced count at which the kernel is asked again.
        var nextQuestion: Int
    }

    /// Nil on replay, and where the settings cannot be read.
    var supply: PortSupply?
    private var scopes: [PortScope: Scope] = [:]
    private var total = 0
    /// What the kernel is to be asked.
    private(set) var questions: [PortScope] = []

    /// A connection of `own` ended in TIME_WAIT at this end.
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
                // Asked again when it has got clearly worse.
                scope.nextQuestion = scope.since.count + max(8, supply.count / 8)
            }
        }
        scopes[key] = scope
    }

    /// The kernel's answer; nil if it gave none.
    mutating func answer(_ key: PortScope, _ count: PortCount?) {
        questions.removeAll { $0 == key }
        scopes[key]?.counted = count
    }

    /// What is to be told about a connection's destination, unless it was.
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

    /// It was told: once a destination.
    mutating func markReported(_ tuple: FourTuple) {
        let key = PortScope(own: tuple.source.address, destination: tuple.destination)
        total -= scopes[key]?.since.count ?? 0
        scopes[key]?.since = [:]
        scopes[key]?.isReported = true
    }
}

/// How scarce ports towards one destination are.
struct PortPressure: BitwiseCopyable {
    var supply: PortSupply
    var counted: PortCount
    /// TIME_WAITs that come in a minute, as long as each lasts.
    var perMinute: Int

    var left: Int { max(0, supply.count - counted.timeWaits - counted.others) }

    /// Whether they will run out at this rate.
    var runsOut: Bool { perMinute + counted.others > supply.count }

    /// A quarter is held and it goes on so, or three quarters are held.
    var isWorthAWord: Bool {
        counted.timeWaits * 4 >= supply.count && runsOut || counted.timeWaits * 4 >= supply.count * 3
    }

    /// Nanoseconds until none is left, at this rate.
    var remaining: Int64? {
        guard runsOut, perMinute > 0 else { return nil }
        return Int64(Double(left) / Double(perMinute) * Double(PortUse.timeWait))
    }
}
