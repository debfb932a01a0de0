// Turns records into payloads for the blocks of a capture file, which are placed between the frames.

import TCPModel

/// Makes the payloads of one capture file's blocks. Later payloads refer to what earlier ones have defined, so all of
/// them must be written, in their order.
public struct KernelRecordEncoder: Sendable {
    private var processes = ProcessNumbers()
    private var connections = WrittenConnections()
    /// The UTF-8 of words, because accessing a word takes a lock. Bounded by the number of words that the program
    /// knows.
    private var words: [KernelWord: [UInt8]] = [:]
    /// A buffer for one connection written in full.
    private var full = RecordOctets()

    /// Creates the encoder for a file without records.
    public init() {}

    /// Appends the payloads of a record to `payloads`: several if it has more than a thousand events, connections or
    /// holders, otherwise one.
    public mutating func encode(_ record: KernelRecord, into payloads: inout [[UInt8]]) {
        switch record {
        case .begin(let settings):
            processes.removeAll()
            connections.removeAll()
            var body = RecordOctets()
            body.append(settings.hasEvents ? beginHasEvents : 0)
            finish(.begin, body, &payloads)
        case .events(let events, let taken): encode(events, taken, &payloads)
        case .reading(let reading): encode(reading, &payloads)
        case .owners(let owners, let time, let source): encode(owners, time, source, &payloads)
        case .holders(let holders, let pid, let time, let source): encode(holders, pid, time, source, &payloads)
        case .troubled(let troubled, let time): encode(troubled, time, &payloads)
        case .listening(let end):
            var body = RecordOctets()
            body.append(end.address.isV4 ? listeningIsV4 : 0)
            body.append(end)
            finish(.listening, body, &payloads)
        case .told(let telling): encode(telling, &payloads)
        case .counters(let change): encode(change, .counters, &payloads)
        case .total(let change): encode(change, .total, &payloads)
        }
    }

    private mutating func encode(
        _ change: HostCounterChange, _ kind: KernelRecordFormat.Kind, _ payloads: inout [[UInt8]]
    ) {
        var body = RecordOctets()
        body.append(change.from)
        body.append(change.to)
        body.append(count: change.increases.count)
        for increase in change.increases {
            body.append(increase.name, limit: KernelRecordFormat.nameOctets)
            body.append(increase.count)
        }
        finish(kind, body, &payloads)
    }

    /// Appends a payload: its head, the definitions of processes that its body refers to for the first time, and its
    /// body.
    private mutating func finish(_ kind: KernelRecordFormat.Kind, _ body: RecordOctets, _ payloads: inout [[UInt8]]) {
        var payload = RecordOctets()
        payload.append(KernelRecordFormat.version)
        payload.append(kind.rawValue)
        processes.takeDefinitions(into: &payload)
        payload.append(body)
        payloads.append(payload.octets)
    }

    // MARK: Events

    private mutating func encode(_ events: [SocketEvent], _ taken: Timestamp, _ payloads: inout [[UInt8]]) {
        for portion in events.portions {
            processes.makeRoom(for: portion.count)
            var body = RecordOctets()
            body.append(taken)
            body.append(count: portion.count)
            for event in portion { append(event, to: &body) }
            finish(.events, body, &payloads)
        }
    }

    private mutating func append(_ event: SocketEvent, to body: inout RecordOctets) {
        var flags: EventFlags = []
        if event.local.address.isV4 { flags.insert(.localV4) }
        if event.remote.address.isV4 { flags.insert(.remoteV4) }
        if event.isProcessContext { flags.insert(.processContext) }
        if event.isProcessEnding { flags.insert(.processEnding) }
        if event.socket != 0 { flags.insert(.socket) }
        if event.packet != 0 { flags.insert(.packet) }
        if event.resetState != nil { flags.insert(.resetState) }
        if event.process != nil { flags.insert(.process) }
        body.append(what(event.kind).rawValue)
        body.append(flags.rawValue)
        body.append(event.time)
        body.append(event.pid)
        if event.socket != 0 { body.append(event.socket) }
        if event.packet != 0 { body.append(event.packet) }
        body.append(event.local)
        body.append(event.remote)
        switch event.kind {
        case .transition(let from, let to):
            body.append(from)
            body.append(to)
        case .resetSent(let reason): if let reason { body.append(word: utf8(of: reason)) }
        case .socketError(let errno): body.append(errno)
        case .dropped(let reason): body.append(word: utf8(of: reason))
        case .resetReceived, .retransmit, .synAckRetransmit, .destroyed: break
        }
        if let state = event.resetState { body.append(state) }
        if let process = event.process { body.append(processes.number(of: process)) }
    }

    private func what(_ kind: SocketEvent.Kind) -> KernelRecordFormat.What {
        switch kind {
        case .transition: .transition
        case .resetSent(nil): .resetSent
        case .resetSent: .resetSentForReason
        case .resetReceived: .resetReceived
        case .retransmit: .retransmission
        case .synAckRetransmit: .synAckRetransmission
        case .socketError: .socketError
        case .destroyed: .destroyed
        case .dropped: .dropped
        }
    }

    private mutating func utf8(of word: KernelWord) -> [UInt8] {
        if let known = words[word] { return known }
        let utf8 = cutUTF8(word.text, limit: KernelRecordFormat.nameOctets)
        words[word] = utf8
        return utf8
    }

    // MARK: Readings

    private mutating func encode(_ reading: KernelReading, _ payloads: inout [[UInt8]]) {
        var rest = reading.connections[...]
        repeat {
            let forgets = connections.makeRoom(at: reading.end)
            var portion = ReadingPortion()
            while !portion.isFull, let connection = rest.popFirst() {
                full.removeAll()
                appendFull(connection)
                if let number = connections.number(ofUnchanged: connection.tuple, full.octets) {
                    portion.append(unchanged: number, listeners: connection.listeners.count)
                } else {
                    let number = connections.note(connection.tuple, full.octets)
                    portion.append(number, full, listeners: connection.listeners.count)
                }
            }
            portion.endRun()
            var body = RecordOctets()
            body.append(reading.begin)
            body.append(reading.end)
            body.append(reading.source)
            body.append((forgets ? readingForgetsConnections : 0) | (rest.isEmpty ? 0 : readingGoesOn))
            body.append(count: portion.parts)
            body.append(portion.octets)
            finish(.reading, body, &payloads)
        } while !rest.isEmpty
    }

    private mutating func appendFull(_ connection: ReadConnection) {
        var flags = families(of: connection.tuple)
        if connection.isOriginatorLocal { flags.insert(.originatorLocal) }
        if connection.isResponderLocal { flags.insert(.responderLocal) }
        if connection.originator != nil { flags.insert(.originator) }
        if connection.responder != nil { flags.insert(.responder) }
        if connection.elsewhere != nil { flags.insert(.elsewhere) }
        full.append(flags.rawValue)
        full.append(connection.tuple.source)
        full.append(connection.tuple.destination)
        if let socket = connection.originator { full.append(socket) }
        if let socket = connection.responder { full.append(socket) }
        if let socket = connection.elsewhere { full.append(socket) }
        let listeners = connection.listeners.prefix(Int(UInt16.max))
        full.append(UInt16(truncatingIfNeeded: listeners.count))
        for listener in listeners { full.append(listener) }
    }

    private mutating func encode(_ telling: KernelTelling, _ payloads: inout [[UInt8]]) {
        for portion in telling.found.portions {
            // Ended connections are reported after all findings, so only the last payload has `settled`.
            let settled = portion.endIndex == telling.found.endIndex ? telling.settled : nil
            var body = RecordOctets()
            body.append(telling.now)
            body.append(settled == nil ? 0 : tellingHasSettled)
            if let settled { body.append(settled) }
            body.append(count: portion.count)
            for tuple in portion {
                body.append(families(of: tuple).rawValue)
                body.append(tuple.source)
                body.append(tuple.destination)
            }
            finish(.told, body, &payloads)
        }
    }

    private func families(of tuple: FourTuple) -> ConnectionFlags {
        var families: ConnectionFlags = []
        if tuple.source.address.isV4 { families.insert(.originatorV4) }
        if tuple.destination.address.isV4 { families.insert(.responderV4) }
        return families
    }

    // MARK: Owners and holders

    private mutating func encode(
        _ owners: [UInt64: SocketHolder], _ time: Timestamp, _ source: KernelSource, _ payloads: inout [[UInt8]]
    ) {
        // Sorted, so that equal records yield equal octets.
        for portion in owners.sorted(by: { $0.key < $1.key }).portions {
            processes.makeRoom(for: portion.count)
            var body = RecordOctets()
            body.append(time)
            body.append(source)
            body.append(count: portion.count)
            for (inode, holder) in portion {
                body.append(inode)
                append(holder, to: &body)
            }
            finish(.owners, body, &payloads)
        }
    }

    private mutating func encode(
        _ holders: [UInt64: [SocketHolder]], _ pid: Int32, _ time: Timestamp, _ source: KernelSource,
        _ payloads: inout [[UInt8]]
    ) {
        var rest = holders.sorted { $0.key < $1.key }[...]
        repeat {
            // A list is not divided: a holder missing from it would count as having released the socket.
            var count = 0
            let portion = rest.prefix { list in
                defer { count += 1 + list.value.count }
                return count < KernelRecordFormat.portion
            }
            rest = rest.dropFirst(portion.count)
            processes.makeRoom(for: count)
            var body = RecordOctets()
            body.append(pid)
            body.append(time)
            body.append(source)
            body.append(count: portion.count)
            for (inode, all) in portion {
                body.append(inode)
                body.append(count: all.count)
                for holder in all { append(holder, to: &body) }
            }
            finish(.holders, body, &payloads)
        } while !rest.isEmpty
    }

    private mutating func encode(_ troubled: [Int32: ProcessTrouble], _ time: Timestamp, _ payloads: inout [[UInt8]]) {
        var body = RecordOctets()
        body.append(time)
        body.append(count: troubled.count)
        for (pid, trouble) in troubled.sorted(by: { $0.key < $1.key }) {
            body.append(pid)
            body.append(trouble.rawValue)
        }
        finish(.troubled, body, &payloads)
    }

    private mutating func append(_ holder: SocketHolder, to body: inout RecordOctets) {
        body.append(processes.number(of: holder.process))
        body.append(holder.descriptor)
    }
}

extension Array {
    /// The array divided into portions for payloads, in order. An empty array yields one empty portion, which records
    /// its emptiness.
    fileprivate var portions: [ArraySlice<Element>] {
        let size = KernelRecordFormat.portion
        return isEmpty
            ? [self[...]] : stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
