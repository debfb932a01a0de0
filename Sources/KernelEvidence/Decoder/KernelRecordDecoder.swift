// Reads payloads that the encoder made, or that somebody else did: nothing in them is trusted.

import TCPModel

/// Reads the payloads of one capture file's blocks, in their order.
public struct KernelRecordDecoder: Sendable {
    private var processes = KnownProcesses()
    private var connections = KnownConnections()
    private var words: [String: KernelWord] = [:]

    /// The decoder for a file of which nothing has been read.
    public init() {}

    /// The record of a payload. A fault means that it holds none to be used; those after it can be read all the same.
    public mutating func decode(_ payload: [UInt8]) throws(KernelRecordFault) -> KernelRecord {
        do throws(KernelRecordFault) {
            return try record(payload)
        } catch {
            // What it would have said of connections is missing: as they were before, none of them may be called unchanged. They come
            // again in full. What is of another kind than readings said nothing of them.
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
        // Also of a kind that is not known: records after it refer to them.
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
        case nil: throw .unknownKind(number)
        }
    }

    // MARK: Events

    /// An event of IPv4 without anything that may be missing takes this many octets.
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

    /// The word with this text: making one takes a lock. The program does not keep more different words than this, either.
    private mutating func word(_ text: String) -> KernelWord {
        if let known = words[text] { return known }
        if words.count >= 4096 { words.removeAll() }
        let word = KernelWord(text)
        words[text] = word
        return word
    }

    // MARK: Readings

    /// Connections that are only named take this many octets, however many they are.
    private static let leastPart = 7
    /// The name of one of IPv4 takes this many where it is told.
    private static let leastName = 13
    /// A socket of IPv4 takes this many.
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

    /// A connection that is written in full.
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
        // Each is a connection to be judged, whichever it is: no writer has so many.
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

    /// A process's number and a descriptor.
    private static let leastHolder = 8
    /// The number of an inode before a holder, and before a list of them its count.
    private static let leastOwner = 16
    private static let leastHolders = 12
    /// A number, and the length of a name.
    private static let leastIncrease = 10
    /// A process's id, and why it is troubled.
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
            // A list in which somebody is missing would say that he holds the socket no more.
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

    /// The next holder; nil if nothing is known of the process.
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
        // As their type promises, whatever the file has.
        increases.removeAll { $0.count == 0 }
        increases.sort { $0.name < $1.name }
        for (one, next) in zip(increases, increases.dropFirst()) where one.name == next.name {
            throw .badValue("a counter that comes twice")
        }
        return HostCounterChange(from: from, to: to, increases: increases)
    }
}
