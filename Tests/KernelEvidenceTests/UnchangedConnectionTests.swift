// An unchanged connection is referred to by its number, often as part of a range, and written in full again after a
// minute.

import KernelEvidence
import TCPModel
import Testing

@Suite struct UnchangedConnectionTests {
    private let connection = Sample.connection(Sample.client, Sample.server)

    private func octets(_ codec: inout Codec, _ connection: ReadConnection, at seconds: Int64) throws -> Int {
        let payloads = codec.payloads(.reading(Sample.reading([connection], at: seconds)))
        for payload in payloads {
            guard case .reading(let reading) = try codec.decode(payload) else { throw OtherRecord() }
            #expect(reading.connections.map { allOf($0) } == [allOf(connection)])
        }
        return payloads.reduce(0) { $0 + $1.count }
    }

    @Test func theSameIsNamedForAMinute() throws {
        var codec = Codec()
        let full = try octets(&codec, connection, at: 100)
        for second in Int64(100)...159 { #expect(try octets(&codec, connection, at: second) < full - 100) }
        // The minute counts from the last time it was written in full, not from the last reference.
        #expect(try octets(&codec, connection, at: 160) == full)
        #expect(try octets(&codec, connection, at: 219) < full - 100)
        #expect(try octets(&codec, connection, at: 220) == full)
        // The clock was set back.
        #expect(try octets(&codec, connection, at: 50) == full)
        #expect(try octets(&codec, connection, at: 51) < full - 100)
    }

    /// All connections come in full at once. Otherwise nearly every reading of many connections would have to write
    /// some of them.
    @Test func afterAMinuteAllComeInFull() throws {
        var codec = Codec()
        func size(_ count: Int, at second: Int64) throws -> Int {
            let connections = (0..<count).map { Sample.numbered($0) }
            let payloads = codec.payloads(.reading(Sample.reading(connections, at: second)))
            for payload in payloads { _ = try codec.decode(payload) }
            return payloads.reduce(0) { $0 + $1.count }
        }
        let full = try size(1, at: 0)
        let two = try size(2, at: 30)
        #expect(try size(2, at: 59) < two)
        #expect(try size(2, at: 60) > full + (two - full))
        #expect(try size(2, at: 119) < two)
    }

    @Test func extremeTimesDoNotTrap() throws {
        var codec = Codec()
        for time in [Int64.min, .max, .min, 0] {
            let at = Timestamp(nanoseconds: time)
            let reading = KernelReading(begin: at, end: at, source: .proc, connections: [connection])
            guard case .reading(let back) = try codec.single(.reading(reading)) else { throw OtherRecord() }
            #expect(back.end == at && back.connections.count == 1)
        }
    }

    /// A change to each field of a socket.
    private static let socketChanges: [@Sendable (inout KernelSocket) -> Void] = [
        { $0.local.port += 1 }, { $0.local.address = .loopbackV6 }, { $0.remote.port += 1 }, { $0.state = .lastAck },
        { $0.isIPv6.toggle() }, { $0.timer = .keepalive }, { $0.transmitQueue -= 1 }, { $0.receiveQueue -= 1 },
        { $0.uid -= 1 }, { $0.inode -= 1 }, { $0.backlog = 1 }, { $0.backlog = nil }, { $0.drops = 1 },
        { $0.drops = nil },
    ]

    @Test func everyChangeIsWritten() throws {
        var codec = Codec()
        let full = try octets(&codec, connection, at: 0)
        let named = try octets(&codec, connection, at: 0)
        #expect(named < full)
        var changed: [ReadConnection] = []
        for change in Self.socketChanges {
            for part in 0..<4 {
                var other = connection
                var socket = Sample.socket(Sample.server, Sample.client, inode: 5)
                change(&socket)
                switch part {
                case 0: other.originator = socket
                case 1: other.responder = socket
                case 2: other.elsewhere = socket
                default: other.listeners[0] = socket
                }
                changed.append(other)
            }
        }
        func add(_ change: (inout ReadConnection) -> Void) {
            var other = connection
            change(&other)
            changed.append(other)
        }
        add { $0.originator = nil }
        add { $0.responder = nil }
        add { $0.elsewhere = nil }
        add { $0.listeners = [] }
        add { $0.listeners.append($0.listeners[0]) }
        add { $0.isOriginatorLocal = false }
        add { $0.isResponderLocal = false }
        #expect(Set(changed.map { allOf($0) }).count == changed.count)
        for other in changed {
            #expect(try octets(&codec, other, at: 0) > named + 50, "\(allOf(other))")
            #expect(try octets(&codec, connection, at: 0) == full)
        }
    }

    @Test func whoStartsInTheMiddleKnowsItWithinAMinute() throws {
        var codec = Codec()
        _ = codec.payloads(.reading(Sample.reading([connection], at: 0)))
        #expect(try codec.reading([connection, Sample.numbered(1)], at: 59).map(\.tuple) == [Sample.numbered(1).tuple])
        #expect(try codec.reading([connection, Sample.numbered(1)], at: 60).map(\.tuple).count == 2)
        #expect(try codec.reading([connection], at: 61).map { allOf($0) } == [allOf(connection)])
    }

    /// Hundreds of consecutive idle connections take as much space as one, wherever a reading starts among them.
    @Test(arguments: [2, 1000, 2500]) func successiveOnesAreOnePart(count: Int) throws {
        var codec = Codec()
        let all = (0..<count).map { Sample.numbered($0) }
        func size(_ connections: some Collection<ReadConnection>, at second: Int64) throws -> Int {
            let payloads = codec.payloads(.reading(Sample.reading(Array(connections), at: second)))
            let back = try payloads.flatMap { payload in
                guard case .reading(let reading) = try codec.decode(payload) else { throw OtherRecord() }
                return reading.connections
            }
            #expect(back.map { allOf($0) } == connections.map { allOf($0) })
            return payloads.reduce(0) { $0 + $1.count }
        }
        _ = try size(all, at: 0)
        let name = try size(all, at: 1)
        #expect(name <= 40 * ((count + 999) / 1000), "\(name)")
        #expect(try size(all, at: 2) == name)
        #expect(try size(all.dropFirst(), at: 3) == name)
        #expect(try size(all.suffix(count / 2) + all.prefix(count / 2), at: 4) <= name + 14)
        #expect(try size(all.reversed(), at: 5) == name + 7 * (count - (count + 999) / 1000))
        // A changed connection splits the range once, and keeps its number.
        var changed = all
        changed[count / 2].isOriginatorLocal.toggle()
        #expect(try size(changed, at: 6) > name)
        #expect(try size(changed, at: 7) == name)
    }

    @Test func aNumberMeansNothingToWhoMissedIt() throws {
        var writing = Codec()
        let two = [Sample.numbered(0), Sample.numbered(1)]
        let payloads = try (0..<3).map { second in
            try #require(writing.payloads(.reading(Sample.reading(two, at: second))).first)
        }
        var late = Codec()
        for payload in payloads.dropFirst() {
            guard case .reading(let reading) = try late.decode(payload) else { throw OtherRecord() }
            #expect(reading.connections.isEmpty)
        }
        // A payload that cannot be decoded invalidates everything before it.
        var reading = Codec()
        _ = try reading.decode(payloads[0])
        #expect(throws: KernelRecordFault.self) { try reading.decode(Array(payloads[1].dropLast())) }
        guard case .reading(let last) = try reading.decode(payloads[2]) else { throw OtherRecord() }
        #expect(last.connections.isEmpty)
    }

    /// A few octets could refer to any number of connections, each with any number of listeners.
    @Test func unchangedOnesAreNoMoreThanAWriterNames() throws {
        var codec = Codec()
        let all = (0..<1000).map { Sample.numbered($0) }
        let payload = codec.payloads(.reading(Sample.reading(all, at: 0)))[0]
        _ = try codec.decode(payload)
        var named = codec.payloads(.reading(Sample.reading(all, at: 1)))[0]
        #expect(named.suffix(2) == [0xe8, 0x03])
        named[named.count - 2] = 0xe9
        #expect(throws: KernelRecordFault.badValue("1001 connections")) { try codec.decode(named) }
        // A writer puts two connections with 60,000 listeners each into a payload, but never a third.
        let many = (0..<3).map { number in
            var connection = Sample.numbered(number)
            connection.listeners = Array(
                repeating: Sample.socket(Sample.server, Sample.client, inode: 5), count: 60_000)
            return connection
        }
        for payload in codec.payloads(.reading(Sample.reading(many, at: 2))) { _ = try codec.decode(payload) }
        let unchanged = codec.payloads(.reading(Sample.reading(many, at: 3)))
        #expect(unchanged.count == 2)
        for payload in unchanged { _ = try codec.decode(payload) }
        let head = Array(unchanged[0].prefix(26))
        #expect(throws: KernelRecordFault.badValue("180000 listeners")) {
            try codec.decode(head + [1, 0, 0, 0] + [0, 0, 0, 0, 1, 3, 0])
        }
    }

    @Test func aConnectionIsInAReadingOnce() throws {
        var codec = Codec()
        let all = (0..<4).map { Sample.numbered($0) }
        _ = try codec.reading(all, at: 0)
        let named = codec.payloads(.reading(Sample.reading(all, at: 1)))[0]
        let twice = Array(named.prefix(26)) + [2, 0, 0, 0] + [0, 0, 0, 0, 1, 4, 0] + [3, 0, 0, 0, 1, 1, 0]
        #expect(throws: KernelRecordFault.badValue("connection 3 twice")) { try codec.decode(twice) }
    }

    @Test func beginForgetsConnections() throws {
        var codec = Codec()
        let full = try octets(&codec, connection, at: 0)
        _ = try codec.single(.begin(KernelTraceSettings(hasEvents: false)))
        #expect(try octets(&codec, connection, at: 1) == full)
        // The decoder forgets as well: another trace in the same file is unrelated to the one before.
        var second = Codec()
        _ = second.payloads(.reading(Sample.reading([connection], at: 0)))
        let named = second.payloads(.reading(Sample.reading([connection], at: 1)))[0]
        _ = try codec.single(.begin(KernelTraceSettings(hasEvents: false)))
        guard case .reading(let reading) = try codec.decode(named) else { throw OtherRecord() }
        #expect(reading.connections.isEmpty)
    }

    @Test func aFaultForgetsConnections() throws {
        var codec = Codec()
        _ = try codec.reading([connection], at: 0)
        var changed = connection
        changed.originator = nil
        var damaged = codec.payloads(.reading(Sample.reading([changed], at: 1)))[0]
        damaged.removeLast()
        #expect(throws: KernelRecordFault.cut) { try codec.decode(damaged) }
        // The connection's state before the fault must not be mistaken for its current state.
        #expect(try codec.reading([changed], at: 2).isEmpty)
        #expect(try codec.reading([changed], at: 60).map { allOf($0) } == [allOf(changed)])
    }

    @Test func aReadingThatForgetsIsObeyed() throws {
        var codec = Codec()
        _ = try codec.reading([connection], at: 0)
        var payload = codec.payloads(.reading(Sample.reading([connection], at: 1)))[0]
        // This octet follows the version, kind, count of definitions, two times and the source.
        #expect(payload[25] == 0)
        payload[25] = 1
        guard case .reading(let reading) = try codec.decode(payload) else { throw OtherRecord() }
        #expect(reading.connections.isEmpty)
    }

    @Test func aWriterThatForgetsSaysSo() throws {
        var codec = Codec()
        let many = (0..<70_000).map { Sample.numbered($0) }
        let payloads = codec.payloads(.reading(Sample.reading(many, at: 0)))
        #expect(payloads.count == 70)
        // The encoder's limit of 65,536 connections has room for 65 portions of 1000; then numbering restarts.
        #expect(payloads.indices.filter { payloads[$0][25] & 1 != 0 } == [65])
    }

    @Test func moreConnectionsThanAreKept() throws {
        var codec = Codec()
        let many = (0..<70_000).map { Sample.numbered($0) }
        for second in Int64(0)...2 {
            let back = try codec.reading(many, at: second)
            #expect(back.map(\.tuple) == many.map(\.tuple))
            #expect(back.allSatisfy { $0.isResponderLocal })
        }
        // Half of them are known, but come in another order; those that were forgotten are written again.
        let others = (0..<70_000).map { Sample.numbered(69_999 - $0 * 2 / 3 + ($0 & 1) * 100_000) }
        #expect(try codec.reading(others, at: 3).map(\.tuple) == others.map(\.tuple))
        #expect(try codec.reading(many, at: 4).count == 70_000)
    }

    /// No encoder gives out so many numbers without telling the decoder to forget the first ones.
    @Test func aDecoderForgetsWhenAFileNeverDoes() throws {
        var codec = Codec()
        func octets(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } }
        func decoded(_ parts: [[UInt8]]) throws -> [ReadConnection] {
            let head: [UInt8] = [2, 0, 3, 0] + zeros(4) + zeros(16) + [0, 0] + octets(UInt32(parts.count))
            guard case .reading(let reading) = try codec.decode(head + parts.joined()) else { throw OtherRecord() }
            return reading.connections
        }
        for start in stride(from: UInt32(0), to: 180_000, by: 60_000) {
            let parts = (start..<start + 60_000).map { octets($0) + [0b0110] + octets($0) + zeros(10) }
            #expect(try decoded(parts).count == 60_000)
        }
        // The decoder forgot at the 131,073rd connection.
        #expect(try decoded([octets(131_072 - 500) + [1, 0xe8, 3]]).count == 500)
        #expect(try decoded([octets(179_999 - 500) + [1, 0xe8, 3]]).count == 501)
    }
}
