// Decoding returns what was encoded: every kind of record with every field.

import KernelEvidence
import TCPModel
import Testing

@Suite struct RoundTripTests {
    @Test(arguments: [true, false]) func begin(hasEvents: Bool) throws {
        var codec = Codec()
        guard case .begin(let settings) = try codec.single(.begin(KernelTraceSettings(hasEvents: hasEvents))) else {
            throw OtherRecord()
        }
        #expect(settings.hasEvents == hasEvents)
    }

    @Test func events() throws {
        var codec = Codec()
        let events = Sample.events
        let back = try codec.events(events)
        #expect(back == events)
        #expect(back.map { allOf($0.process) } == events.map { allOf($0.process) })
        // Encode them once more, now that their processes are known.
        #expect(try codec.events(events) == events)
        #expect(try codec.events([]) == [])
    }

    @Test func eachFlagIsItsOwn() throws {
        var codec = Codec()
        let plain = Sample.event(of: nil)
        var events = Array(repeating: plain, count: 8)
        events[1].isProcessContext = true
        events[2].isProcessEnding = true
        events[3].socket = 1
        events[4].packet = 1
        events[5].resetState = .unseen
        events[6].process = Sample.plain
        events[7].pid = 1
        #expect(Set(events).count == 8)
        #expect(try codec.events(events) == events)
    }

    @Test func aReading() throws {
        var codec = Codec()
        var withNothing = Sample.numbered(1)
        withNothing.isResponderLocal = false
        var withBacklog = Sample.numbered(2)
        withBacklog.responder = Sample.socket(Sample.server, Sample.client6, inode: 1)
        withBacklog.responder?.drops = nil
        var withDrops = Sample.numbered(3)
        withDrops.elsewhere = Sample.socket(Sample.server6, Sample.client, inode: 1)
        withDrops.elsewhere?.backlog = nil
        var withListeners = Sample.numbered(4)
        withListeners.listeners = (0..<300).map { Sample.socket(Sample.server, Sample.server6, inode: $0) }
        let connections = [
            Sample.connection(Sample.client, Sample.server), Sample.connection(Sample.client6, Sample.server6),
            Sample.connection(Sample.client, Sample.server6), withNothing, withBacklog, withDrops, withListeners,
        ]
        let record = try codec.single(.reading(Sample.reading(connections, at: 5)))
        guard case .reading(let reading) = record else { throw OtherRecord() }
        #expect(reading.begin == Timestamp(nanoseconds: 4_999_999_995))
        #expect(reading.end == Timestamp(nanoseconds: 5_000_000_000))
        #expect(reading.source == .sockDiag)
        #expect(reading.connections.map { allOf($0) } == connections.map { allOf($0) })
    }

    @Test func everyStateAndTimerOfASocket() throws {
        let timers: [KernelSocket.Timer] = [.none, .retransmission, .keepalive, .timeWait, .persist]
        var codec = Codec()
        var connections: [ReadConnection] = []
        for state in TCPState.allCases {
            for timer in timers {
                var connection = Sample.numbered(connections.count)
                connection.originator = KernelSocket(
                    local: Sample.client, remote: Sample.server, state: state, timer: timer)
                connections.append(connection)
            }
        }
        #expect(try codec.reading(connections, at: 1).map { allOf($0) } == connections.map { allOf($0) })
    }

    @Test func ownersAndHolders() throws {
        var codec = Codec()
        let both = [
            SocketHolder(process: Sample.contained, descriptor: 9), SocketHolder(process: Sample.plain, descriptor: 0),
        ]
        for source in [KernelSource.proc, .sockDiag, .tracepoint] {
            let owners: [UInt64: SocketHolder] = [
                7: both[0], .max: SocketHolder(process: Sample.plain, descriptor: -1),
            ]
            let record = try codec.single(.owners(owners, time: Sample.time, source: source))
            guard case .owners(let back, Sample.time, source) = record else { throw OtherRecord() }
            #expect(allOf(back.mapValues { [$0] }) == allOf(owners.mapValues { [$0] }))

            let holders: [UInt64: [SocketHolder]] = [1: [], 2: both, 3: [both[1]]]
            let other = try codec.single(.holders(holders, of: .min, time: Sample.time, source: source))
            guard case .holders(let all, Int32.min, Sample.time, source) = other else { throw OtherRecord() }
            #expect(allOf(all) == allOf(holders))
        }
        guard case .owners(let none, _, _) = try codec.single(.owners([:], time: Sample.time, source: .proc)) else {
            throw OtherRecord()
        }
        #expect(none.isEmpty)
    }

    @Test func whoIsStopped() throws {
        var codec = Codec()
        for troubled: [Int32: ProcessTrouble] in [
            [:], [1: .stopped], [.min: .traced, .max: .stopped, 7: .noDescriptors],
        ] {
            guard case .troubled(troubled, Sample.time) = try codec.single(.troubled(troubled, time: Sample.time))
            else {
                throw OtherRecord()
            }
        }
    }

    @Test func whereTheHostListens() throws {
        var codec = Codec()
        for end in [Sample.server, Sample.server6] {
            guard case .listening(end) = try codec.single(.listening(end)) else { throw OtherRecord() }
        }
    }

    @Test func counters() throws {
        var codec = Codec()
        let increases: [HostCounterChange.Increase] = [
            .init(name: "TcpExtTCPTimeouts", count: 1), .init(name: "TcpRetransSegs", count: .max),
        ]
        let change = HostCounterChange(
            from: Timestamp(nanoseconds: .min), to: Timestamp(nanoseconds: .max), increases: increases)
        guard case .counters(let back) = try codec.single(.counters(change)),
            case .total(let total) = try codec.single(.total(change))
        else { throw OtherRecord() }
        #expect(total.increases == back.increases && total.from == back.from && total.to == back.to)
        #expect(back.from == change.from && back.to == change.to)
        #expect(back.increases == increases)
    }

    @Test func whatWasTold() throws {
        var codec = Codec()
        let tuples = [Sample.client, Sample.client6].flatMap { client in
            [Sample.server, Sample.server6].map { FourTuple(source: client, destination: $0) }
        }
        for telling in [
            KernelTelling(now: Sample.time), KernelTelling(now: Sample.time, settled: Timestamp(nanoseconds: .min)),
            KernelTelling(now: Timestamp(nanoseconds: .max), settled: Sample.time, found: tuples),
        ] {
            guard case .told(let back) = try codec.single(.told(telling)) else { throw OtherRecord() }
            #expect(back == telling)
        }
    }

    @Test func countersAreSortedAndNoneIsZeroWhateverTheFileHas() throws {
        var codec = Codec()
        let change = HostCounterChange(
            from: Sample.time, to: Sample.time,
            increases: [.init(name: "b", count: 1), .init(name: "c", count: 0), .init(name: "a", count: 2)])
        guard case .counters(let back) = try codec.single(.counters(change)) else { throw OtherRecord() }
        #expect(back.increases.map(\.name) == ["a", "b"])
    }

    /// Counter names reach a terminal in columns as wide as the longest one, and JSON as keys, so bad ones are refused.
    @Test(arguments: [
        ["\u{1b}]0;pwned\u{7}"], ["a\nb"], ["a b"], [""], ["\u{202e}"], [String(repeating: "a", count: 256)],
        ["a", "a"],
    ])
    func namesOfCountersThatNoKernelHas(_ names: [String]) {
        var codec = Codec()
        let change = HostCounterChange(
            from: Sample.time, to: Sample.time, increases: names.map { .init(name: $0, count: 1) })
        // The encoder cuts names that are too long.
        let isCut = names[0].utf8.count > 255
        #expect(((try? codec.single(.counters(change))) == nil) == !isCut)
    }

    @Test func nobodyIsNamed() throws {
        var read = ReadConnection(FourTuple(source: Sample.client, destination: Sample.server))
        let socket = KernelSocket(local: Sample.client, remote: Sample.server, state: .established, uid: 1000)
        (read.originator, read.responder, read.elsewhere, read.listeners) = (socket, socket, socket, [socket])
        read.forgetUsers()
        let sockets = [read.originator, read.responder, read.elsewhere, read.listeners.first]
        #expect(sockets.allSatisfy { $0?.uid == .max })
        var event = Sample.event(of: nil)
        event.pid = 7
        event.forgetProcess()
        #expect(event.pid == 0 && event.process == nil)
    }

    @Test(arguments: [0, 1, 999, 1000, 1001, 2500]) func portions(count: Int) throws {
        var codec = Codec()
        let expected = max(1, (count + 999) / 1000)
        let events = (0..<count).map { number in
            var event = Sample.event(of: nil)
            event.socket = UInt64(number)
            return event
        }
        #expect(try codec.events(events) == events)
        #expect(codec.payloads(.events(events, taken: Sample.time)).count == expected)
        let connections = (0..<count).map { Sample.numbered($0) }
        let records = try codec.passed(.reading(Sample.reading(connections, at: 1)))
        #expect(records.count == expected)
        var back: [ReadConnection] = []
        for record in records {
            guard case .reading(let reading) = record else { throw OtherRecord() }
            #expect(reading.connections.count <= 1000 && reading.end == Timestamp(seconds: 1, nanoseconds: 0))
            back += reading.connections
            // All records but the last one say that more follow.
            #expect(reading.goesOn == (back.count < count))
        }
        #expect(back.map(\.tuple) == connections.map(\.tuple))
    }

    @Test func manyListenersMakeSmallerPortions() throws {
        var codec = Codec()
        let listeners = (0..<1000).map { Sample.socket(Sample.server, Sample.client, inode: $0) }
        let connections = (0..<100).map { number in
            var connection = Sample.numbered(number)
            connection.listeners = listeners
            return connection
        }
        let payloads = codec.payloads(.reading(Sample.reading(connections, at: 1)))
        #expect(payloads.count > 1)
        #expect(payloads.allSatisfy { $0.count < 2 << 20 })
        var decoded = 0
        for payload in payloads {
            guard case .reading(let reading) = try codec.decode(payload) else { throw OtherRecord() }
            #expect(reading.connections.allSatisfy { $0.listeners.count == 1000 })
            decoded += reading.connections.count
        }
        #expect(decoded == 100)
    }

    /// A replay judges each connection at the same moment as the trace did.
    @Test func aTellingOfManyConnections() throws {
        var codec = Codec()
        let found = (0..<2500).map {
            FourTuple(source: SocketAddress(Sample.client.address, $0), destination: Sample.server)
        }
        let settled = Timestamp(nanoseconds: 5)
        let tellings = try codec.passed(.told(KernelTelling(now: Sample.time, settled: settled, found: found))).map {
            guard case .told(let telling) = $0 else { throw OtherRecord() }
            return telling
        }
        #expect(tellings.flatMap(\.found) == found)
        #expect(tellings.map(\.now) == [Sample.time, Sample.time, Sample.time])
        #expect(tellings.map(\.settled) == [nil, nil, settled], "what is over is reported behind all that was found")
    }

    /// Anyone may choose a long path for a program and run very many instances of it.
    @Test func noPayloadIsLongerThanABlockMayBe() throws {
        let limit = 16 << 20
        let path = String(repeating: "/x", count: 2047)
        func holder(_ pid: Int) -> SocketHolder {
            SocketHolder(
                process: Sample.process(pid).with(ProcessDetails(executable: path, controlGroup: path)), descriptor: 3)
        }
        let all = (0..<4000).map(holder)
        var codec = Codec()
        let owners = Dictionary(uniqueKeysWithValues: all.enumerated().map { (UInt64($0.offset + 1), $0.element) })
        let payloads = codec.payloads(.owners(owners, time: Sample.time, source: .proc))
        #expect(payloads.count == 4 && payloads.allSatisfy { $0.count <= limit })
        var read: [UInt64: SocketHolder] = [:]
        for payload in payloads {
            guard case .owners(let some, Sample.time, .proc) = try codec.decode(payload) else { throw OtherRecord() }
            read.merge(some) { $1 }
        }
        #expect(read == owners)

        // Each socket's list stays whole, in one payload; to make it fit, details are left out.
        codec = Codec()
        let holders: [UInt64: [SocketHolder]] = [1: all, 2: Array(all.prefix(2)), 3: []]
        let lists = codec.payloads(.holders(holders, of: 7, time: Sample.time, source: .proc))
        #expect(lists.count == 2 && lists.allSatisfy { $0.count <= limit })
        var found: [UInt64: [SocketHolder]] = [:]
        for payload in lists {
            guard case .holders(let some, 7, Sample.time, .proc) = try codec.decode(payload) else {
                throw OtherRecord()
            }
            found.merge(some) { $1 }
        }
        #expect(found == holders)
        #expect(found[1]?.first?.process.details?.executable == path && found[1]?.last?.process.details == nil)
    }
}
