// Decodes payloads, which may come from any writer: nothing in them is trusted.

import TCPModel

/// Decodes the payloads of one capture file's blocks, in their order.
public struct KernelRecordDecoder: Sendable {
    private var processes = KnownProcesses()
    private var connections = KnownConnections()
    private var words: [String: KernelWord] = [:]

    /// Creates the decoder for a file that has not been read yet.
    public init() {}

    /// Decodes one payload. A fault means that it has no usable record; the payloads after it can still be decoded.
    public mutating func decode(_ payload: [UInt8]) throws(KernelRecordFault) -> KernelRecord {
        do throws(KernelRecordFault) {
            return try record(payload)
        } catch {
            // The payload may have changed connections, so those known from before must not be taken as unchanged; they
            // will come again in full. A payload of an unknown kind is not a reading, and changed none.
            if case .unknownKind = error {} else { connections.removeAll() }
            throw error
        }
    }

    private mutating func record(_ payload: [UInt8]) throws(KernelRecordFault) -> KernelRecord {
        var cursor = RecordCursor(payload)
        let version = try cursor.u16()
        guard version == KernelRecordFormat.version else { throw .unknownVersion(version) }
        let number = try cursor.u16()
        let kind = KernelRecordFormat.Kind(rawValue: number)
        if kind == .begin {
            processes.removeAll()
            connections.removeAll()
        }
        // Also for an unknown kind, because later records refer to these definitions.
        try processes.define(&cursor)
        switch kind {
        case .begin:
            let flags = try cursor.u8()
            return .begin(KernelTraceSettings(hasEvents: flags & beginHasEvents != 0))
        case .events: return try events(&cursor)
        case .reading: return .reading(try reading(&cursor))
        case .owners: return try owners(&cursor)
        case .holders: return try holders(&cursor)
        case .counters: return .counters(try counters(&cursor))
        case .total: return .total(try counters(&cursor))
        case .told: return .told(try telling(&cursor))
        case .troubled: return try troubled(&cursor)
        case .listening:
            let flags = try cursor.u8()
            return .listening(try cursor.end(isV4: flags & listeningIsV4 != 0))
        case nil: throw .unknownKind(number)
        }
    }

    // MARK: Events

    /// The octets of an IPv4 event without optional fields.
    private static let leastEvent = 26

    private mutating func events(_ cursor: inout RecordCursor) throws(KernelRecordFault) -> KernelRecord {
        let taken = try cursor.time()
        let count = try cursor.portion(least: Self.leastEvent)
        var events: [SocketEvent] = []
        events.reserveCapacity(count)
        for _ in 0..<count { events.append(try event(&cursor)) }
        return .events(events, taken: taken)
    }

    private mutating func event(_ cursor: inout RecordCursor) throws(KernelRecordFault) -> SocketEvent {
        let number = try cursor.u8()
        guard let what = KernelRecordFormat.What(rawValue: number) else { throw .badValue("event \(number)") }
        let flags = EventFlags(rawValue: try cursor.u8())
        let time = try cursor.time()
        let pid = try cursor.i32()
        let socket = flags.contains(.socket) ? try cursor.u64() : 0
        let packet = flags.contains(.packet) ? try cursor.u64() : 0
        let local = try cursor.end(isV4: flags.contains(.localV4))
        let remote = try cursor.end(isV4: flags.contains(.remoteV4))
        var event = SocketEvent(
            time: time, kind: try kind(what, &cursor), socket: socket, packet: packet, local: local, remote: remote,
            isProcessContext: flags.contains(.processContext), pid: pid)
        event.isProcessEnding = flags.contains(.processEnding)
        if flags.contains(.resetState) { event.resetState = try cursor.state() }
        if flags.contains(.process) { event.process = processes[try cursor.u32()] }
        return event
    }

    private mutating func kind(
        _ what: KernelRecordFormat.What, _ cursor: inout RecordCursor
    ) throws(KernelRecordFault) -> SocketEvent.Kind {
        switch what {
        case .transition:
            let from = try cursor.state()
            return .transition(from: from, to: try cursor.state())
        case .resetSent: return .resetSent(reason: nil)
        case .resetSentForReason: return .resetSent(reason: word(try cursor.word()))
        case .resetReceived: return .resetReceived
        case .retransmission: return .retransmit
        case .synAckRetransmission: return .synAckRetransmit
        case .socketError: return .socketError(errno: try cursor.i32())
        case .destroyed: return .destroyed
        case .dropped: return .dropped(reason: word(try cursor.word()))
        }
    }

    /// The word with this text, cached because making one takes a lock. The limit is the number of different words that
    /// the program keeps.
    private mutating func word(_ text: String) -> KernelWord {
        if let known = words[text] { return known }
        if words.count >= 4096 { words.removeAll() }
        let word = KernelWord(text)
        words[text] = word
        return word
    }

    // MARK: Readings

    /// The octets of a run of unchanged connections, whatever its length.
    private static let leastPart = 7
    /// The octets of an IPv4 connection in a told record.
    private static let leastName = 13
    /// The octets of an IPv4 socket without optional fields.
    private static let leastSocket = 35

    private mutating func reading(_ cursor: inout RecordCursor) throws(KernelRecordFault) -> KernelReading {
        let begin = try cursor.time()
        let end = try cursor.time()
        let source = try cursor.source()
        let flags = try cursor.u8()
        if flags & readingForgetsConnections != 0 { connections.removeAll() }
        let count = try cursor.portion(least: Self.leastPart)
        var read: [ReadConnection] = []
        var unchanged = UnchangedConnections()
        for _ in 0..<count {
            let number = try cursor.u32()
            let flags = ConnectionFlags(rawValue: try cursor.u8())
            if flags.contains(.unchanged) {
                read += try unchanged.take(number, count: try cursor.u16(), of: connections)
            } else {
                let connection = try connection(flags, &cursor)
                connections.note(connection, number)
                read.append(connection)
            }
        }
        var reading = KernelReading(begin: begin, end: end, source: source, connections: read)
        reading.goesOn = flags & readingGoesOn != 0
        return reading
    }

    /// Decodes a connection that is written in full.
    private func connection(
        _ flags: ConnectionFlags, _ cursor: inout RecordCursor
    ) throws(KernelRecordFault) -> ReadConnection {
        let originator = try cursor.end(isV4: flags.contains(.originatorV4))
        let responder = try cursor.end(isV4: flags.contains(.responderV4))
        var connection = ReadConnection(FourTuple(source: originator, destination: responder))
        connection.isOriginatorLocal = flags.contains(.originatorLocal)
        connection.isResponderLocal = flags.contains(.responderLocal)
        if flags.contains(.originator) { connection.originator = try cursor.socket() }
        if flags.contains(.responder) { connection.responder = try cursor.socket() }
        if flags.contains(.elsewhere) { connection.elsewhere = try cursor.socket() }
        for _ in 0..<(try cursor.shortCount(least: Self.leastSocket)) {
            connection.listeners.append(try cursor.socket())
        }
        return connection
    }

    private func telling(_ cursor: inout RecordCursor) throws(KernelRecordFault) -> KernelTelling {
        var telling = KernelTelling(now: try cursor.time())
        if try cursor.u8() & tellingHasSettled != 0 { telling.settled = try cursor.time() }
        let count = try cursor.count(least: Self.leastName)
        // Each one, whatever it is, leads to a review of a connection; no writer lists that many.
        guard count <= KernelRecordFormat.portion else { throw .badValue("\(count) connections") }
        for _ in 0..<count {
            let flags = ConnectionFlags(rawValue: try cursor.u8())
            let originator = try cursor.end(isV4: flags.contains(.originatorV4))
            let responder = try cursor.end(isV4: flags.contains(.responderV4))
            telling.found.append(FourTuple(source: originator, destination: responder))
        }
        return telling
    }

    // MARK: Owners, holders and counters

    /// The number of a process and a descriptor.
    private static let leastHolder = 8
    /// An inode, followed by a holder or by the count of a list of them.
    private static let leastOwner = 16
    private static let leastHolders = 12
    /// The length of a name, and an increase.
    private static let leastIncrease = 10
    /// The id of a process, and its trouble.
    private static let leastTroubled = 5

    private mutating func owners(_ cursor: inout RecordCursor) throws(KernelRecordFault) -> KernelRecord {
        let time = try cursor.time()
        let source = try cursor.source()
        var owners: [UInt64: SocketHolder] = [:]
        for _ in 0..<(try cursor.count(least: Self.leastOwner)) {
            let inode = try cursor.u64()
            if let holder = try holder(&cursor) { owners[inode] = holder }
        }
        return .owners(owners, time: time, source: source)
    }

    private mutating func holders(_ cursor: inout RecordCursor) throws(KernelRecordFault) -> KernelRecord {
        let pid = try cursor.i32()
        let time = try cursor.time()
        let source = try cursor.source()
        var holders: [UInt64: [SocketHolder]] = [:]
        for _ in 0..<(try cursor.count(least: Self.leastHolders)) {
            let inode = try cursor.u64()
            let count = try cursor.count(least: Self.leastHolder)
            var all: [SocketHolder] = []
            for _ in 0..<count {
                if let holder = try holder(&cursor) { all.append(holder) }
            }
            // A holder missing from the list would count as having released the socket.
            if all.count == count { holders[inode] = all }
        }
        return .holders(holders, of: pid, time: time, source: source)
    }

    private func troubled(_ cursor: inout RecordCursor) throws(KernelRecordFault) -> KernelRecord {
        let time = try cursor.time()
        var troubled: [Int32: ProcessTrouble] = [:]
        for _ in 0..<(try cursor.count(least: Self.leastTroubled)) {
            let pid = try cursor.i32()
            let why = try cursor.u8()
            guard let trouble = ProcessTrouble(rawValue: why) else { throw .badValue("reason \(why) of a trouble") }
            troubled[pid] = trouble
        }
        return .troubled(troubled, time: time)
    }

    /// The next holder; nil if its process is unknown.
    private func holder(_ cursor: inout RecordCursor) throws(KernelRecordFault) -> SocketHolder? {
        let process = processes[try cursor.u32()]
        let descriptor = try cursor.i32()
        return process.map { SocketHolder(process: $0, descriptor: descriptor) }
    }

    private func counters(_ cursor: inout RecordCursor) throws(KernelRecordFault) -> HostCounterChange {
        let from = try cursor.time()
        let to = try cursor.time()
        var increases: [HostCounterChange.Increase] = []
        for _ in 0..<(try cursor.count(least: Self.leastIncrease)) {
            let name = try cursor.text(limit: KernelRecordFormat.nameOctets)
            guard !name.isEmpty, name.utf8.allSatisfy(HostCounters.isNameOctet) else {
                throw .badValue("a counter's name of other characters")
            }
            increases.append(HostCounterChange.Increase(name: name, count: try cursor.u64()))
        }
        // The type promises sorted, nonzero increases, whatever the file contains.
        increases.removeAll { $0.count == 0 }
        increases.sort { $0.name < $1.name }
        for (one, next) in zip(increases, increases.dropFirst()) where one.name == next.name {
            throw .badValue("a counter that comes twice")
        }
        return HostCounterChange(from: from, to: to, increases: increases)
    }
}
