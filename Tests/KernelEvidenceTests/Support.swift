// Sample records for the codec, and the forms in which tests compare them.

import KernelEvidence
import TCPModel
import Testing

/// An encoder and the decoder that reads its output.
struct Codec {
    var encoder = KernelRecordEncoder()
    var decoder = KernelRecordDecoder()

    mutating func payloads(_ record: KernelRecord) -> [[UInt8]] {
        var payloads: [[UInt8]] = []
        encoder.encode(record, into: &payloads)
        return payloads
    }

    mutating func decode(_ payload: [UInt8]) throws(KernelRecordFault) -> KernelRecord {
        try decoder.decode(payload)
    }

    mutating func passed(_ record: KernelRecord) throws -> [KernelRecord] {
        try payloads(record).map { try decode($0) }
    }

    /// Encodes and decodes a record that fits in one payload.
    mutating func single(_ record: KernelRecord) throws -> KernelRecord {
        let passed = try passed(record)
        try #require(passed.count == 1)
        return passed[0]
    }

    mutating func events(_ events: [SocketEvent]) throws -> [SocketEvent] {
        try passed(.events(events, taken: Sample.time)).flatMap { record -> [SocketEvent] in
            guard case .events(let events, Sample.time) = record else { throw OtherRecord() }
            return events
        }
    }

    mutating func reading(_ connections: [ReadConnection], at seconds: Int64) throws -> [ReadConnection] {
        try passed(.reading(Sample.reading(connections, at: seconds))).flatMap { record -> [ReadConnection] in
            guard case .reading(let reading) = record else { throw OtherRecord() }
            return reading.connections
        }
    }
}

/// The concatenation of these parts. A long chain of `+` would take the compiler minutes.
func joined(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }

/// This many zeros.
func zeros(_ count: Int) -> [UInt8] { Array(repeating: 0, count: count) }

/// A record was decoded as one of another kind.
struct OtherRecord: Error {}

/// All fields of a socket, since it is not Equatable.
func allOf(_ socket: KernelSocket?) -> String {
    guard let socket else { return "none" }
    return "\(socket.local) \(socket.remote) \(socket.state) \(socket.isIPv6) \(socket.timer) \(socket.transmitQueue) "
        + "\(socket.receiveQueue) \(socket.uid) \(socket.inode) \(socket.backlog.debugDescription) "
        + socket.drops.debugDescription
}

func allOf(_ connection: ReadConnection) -> [String] {
    [
        "\(connection.tuple.source) \(connection.tuple.destination)", allOf(connection.originator),
        allOf(connection.responder), allOf(connection.elsewhere),
        "\(connection.isOriginatorLocal) \(connection.isResponderLocal)",
    ] + connection.listeners.map { allOf($0) }
}

/// All fields of a process, since `==` ignores details.
func allOf(_ process: ProcessIdentity?) -> String {
    guard let process else { return "none" }
    let details = process.details.map {
        "\($0.executable ?? "-") \($0.controlGroup ?? "-") \($0.unit ?? "-") \($0.container.debugDescription)"
    }
    return "\(process.pid) \(process.command) \(process.uid) \(details ?? "no details")"
}

func allOf(_ holders: [UInt64: [SocketHolder]]) -> [UInt64: [String]] {
    holders.mapValues { $0.map { "\(allOf($0.process)) \($0.descriptor)" } }
}

enum Sample {
    static let time = Timestamp(nanoseconds: 1_700_000_000_123_456_789)
    static let client = SocketAddress(IPAddress(192, 0, 2, 1), 40_000)
    static let server = SocketAddress(IPAddress(198, 51, 100, 7), 443)
    static let client6 = SocketAddress(IPAddress(high: 0x2001_0db8_0102_0304, low: 0x0506_0708_090a_0b0c), 50_001)
    static let server6 = SocketAddress(.loopbackV6, 8443)

    static let plain = ProcessIdentity(pid: 4711, command: "curl", uid: 1000)
    static let contained = ProcessIdentity(
        pid: 815, command: "nginx: worker", uid: 33,
        details: ProcessDetails(
            executable: "/usr/sbin/nginx (deleted)", controlGroup: "/system.slice/docker-ab.scope",
            container: .init(runtime: "docker", identifier: "abcdef0123", pod: "1-2-3"), unit: "docker-ab.scope"))

    static func transition() -> SocketEvent {
        SocketEvent(
            time: time, kind: .transition(from: .synSent, to: .established), socket: 0xffff_8881_2345_6780,
            local: client, remote: server, isProcessContext: true, pid: 4711, process: plain)
    }

    static let kinds: [SocketEvent.Kind] =
        [
            .resetSent(reason: nil), .resetSent(reason: "TCP_ABORT_ON_CLOSE"), .resetSent(reason: ""), .resetReceived,
            .retransmit, .synAckRetransmit, .socketError(errno: 110), .socketError(errno: -1), .destroyed,
            .dropped(reason: .noSocket), .dropped(reason: "12345"),
        ]
        + TCPState.allCases.flatMap { state in
            [.transition(from: state, to: .closed), .transition(from: .unseen, to: state)]
        }

    /// Events of every kind, in every mix of address families, with every field and with none.
    static var events: [SocketEvent] {
        var events: [SocketEvent] = []
        for (index, kind) in kinds.enumerated() {
            for (local, remote) in [(client, server), (client6, server6), (client, server6), (client6, server)] {
                let at = Timestamp(nanoseconds: time.nanoseconds + Int64(events.count))
                events.append(SocketEvent(time: at, kind: kind, local: local, remote: remote))
                var full = SocketEvent(
                    time: at, kind: kind, socket: .max - UInt64(index), packet: 0xffff_8880_0000_0001 + UInt64(index),
                    local: local, remote: remote, isProcessContext: true, pid: -1 - Int32(index),
                    process: index & 1 == 0 ? plain : contained)
                full.isProcessEnding = true
                full.resetState = TCPState.allCases[index % TCPState.allCases.count]
                events.append(full)
            }
        }
        return events
    }

    static func socket(_ local: SocketAddress, _ remote: SocketAddress, inode: UInt64) -> KernelSocket {
        var socket = KernelSocket(
            local: local, remote: remote, state: .closeWait, isIPv6: !local.address.isV4, timer: .persist,
            transmitQueue: 0x0102_0304, receiveQueue: .max, uid: 0x8000_0001, inode: inode)
        socket.backlog = 128
        socket.drops = .max
        return socket
    }

    /// A connection between two endpoints on this host.
    static func connection(_ client: SocketAddress, _ server: SocketAddress) -> ReadConnection {
        var connection = ReadConnection(FourTuple(source: client, destination: server))
        connection.originator = KernelSocket(local: client, remote: server, state: .established, inode: 12)
        connection.responder = socket(server, client, inode: .max)
        connection.listeners = [socket(server, SocketAddress(.anyV6, 0), inode: 99)]
        connection.elsewhere = socket(SocketAddress(.anyV4, 443), SocketAddress(.anyV4, 0), inode: 100)
        connection.isOriginatorLocal = true
        connection.isResponderLocal = true
        return connection
    }

    /// The connection with this number; each number has a different client address.
    static func numbered(_ number: Int) -> ReadConnection {
        let address = IPAddress(v4: 0x0a00_0000 + UInt32(number))
        var connection = ReadConnection(FourTuple(source: SocketAddress(address, 1), destination: server))
        connection.isResponderLocal = true
        return connection
    }

    static func reading(_ connections: [ReadConnection], at seconds: Int64) -> KernelReading {
        KernelReading(
            begin: Timestamp(seconds: seconds, nanoseconds: -5), end: Timestamp(seconds: seconds, nanoseconds: 0),
            source: .sockDiag, connections: connections)
    }

    static func process(_ number: Int) -> ProcessIdentity {
        ProcessIdentity(pid: Int32(number), command: "p\(number)", uid: UInt32(number))
    }

    static func event(of process: ProcessIdentity?) -> SocketEvent {
        SocketEvent(time: time, kind: .destroyed, local: client, remote: server, process: process)
    }

    /// One record of each kind.
    static var records: [KernelRecord] {
        [
            .begin(KernelTraceSettings(hasEvents: true)),
            .events(Array(events.prefix(120)), taken: time),
            .reading(reading([connection(client, server), connection(client6, server6), numbered(1)], at: 1)),
            .reading(reading([connection(client, server), numbered(1), numbered(2)], at: 2)),
            .reading(reading([connection(client, server), numbered(1), numbered(2)], at: 3)),
            .owners(
                [
                    7: SocketHolder(process: plain, descriptor: 3),
                    UInt64.max: SocketHolder(process: contained, descriptor: -1),
                ], time: time, source: .proc),
            .holders(
                [
                    1: [],
                    2: [SocketHolder(process: contained, descriptor: 9), SocketHolder(process: plain, descriptor: 0)],
                ],
                of: -7, time: time, source: .tracepoint),
            .troubled([1: .stopped, Int32.max: .traced], time: time),
            .told(
                KernelTelling(
                    now: time, settled: Timestamp(nanoseconds: .max),
                    found: [
                        FourTuple(source: client, destination: server), FourTuple(source: client6, destination: server),
                    ])),
            .counters(
                HostCounterChange(
                    from: Timestamp(nanoseconds: .min), to: Timestamp(nanoseconds: .max),
                    increases: [.init(name: "TcpOutRsts", count: 3), .init(name: "TcpRetransSegs", count: .max)])),
        ]
    }
}
