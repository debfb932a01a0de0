// Connections that are as they were are only named, and come in full again after ten seconds.

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

    @Test func theSameIsNamedForTenSeconds() throws {
        var codec = Codec()
        let full = try octets(&codec, connection, at: 100)
        for second in Int64(100)...109 { #expect(try octets(&codec, connection, at: second) < full - 100) }
        // Ten seconds after it was written in full, not after it was named.
        #expect(try octets(&codec, connection, at: 110) == full)
        #expect(try octets(&codec, connection, at: 119) < full - 100)
        #expect(try octets(&codec, connection, at: 120) == full)
        // A clock that was set back.
        #expect(try octets(&codec, connection, at: 50) == full)
        #expect(try octets(&codec, connection, at: 51) < full - 100)
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

    /// A change of each field of a socket.
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

    @Test func whoStartsInTheMiddleKnowsItWithinTenSeconds() throws {
        var codec = Codec()
        _ = codec.payloads(.reading(Sample.reading([connection], at: 0)))
        #expect(try codec.reading([connection, Sample.numbered(1)], at: 9).map(\.tuple) == [Sample.numbered(1).tuple])
        #expect(try codec.reading([connection, Sample.numbered(1)], at: 10).map(\.tuple).count == 2)
        #expect(try codec.reading([connection], at: 11).map { allOf($0) } == [allOf(connection)])
    }

    @Test func beginForgetsConnections() throws {
        var codec = Codec()
        let full = try octets(&codec, connection, at: 0)
        _ = try codec.single(.begin(KernelTraceSettings(hasEvents: false)))
        #expect(try octets(&codec, connection, at: 1) == full)
        // The decoder forgets as well: another trace in the same file has nothing to do with the one before.
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
        // What it was before the fault must not be taken for what it is.
        #expect(try codec.reading([changed], at: 2).isEmpty)
        #expect(try codec.reading([changed], at: 11).map { allOf($0) } == [allOf(changed)])
    }

    @Test func aReadingThatForgetsIsObeyed() throws {
        var codec = Codec()
        _ = try codec.reading([connection], at: 0)
        var payload = codec.payloads(.reading(Sample.reading([connection], at: 1)))[0]
        // Behind version, kind, count of definitions, two times and the source.
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
        // As many as it keeps are 65 portions; those behind them begin anew.
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
        // Half of them have been met, in another order; those that were forgotten are written again.
        let others = (0..<70_000).map { Sample.numbered(69_999 - $0 * 2 / 3 + ($0 & 1) * 100_000) }
        #expect(try codec.reading(others, at: 3).map(\.tuple) == others.map(\.tuple))
        #expect(try codec.reading(many, at: 4).count == 70_000)
    }

    @Test func aDecoderForgetsWhenAFileNeverDoes() throws {
        // Five encoders of files of their own: together they name more connections than a decoder keeps.
        var decoding = Codec()
        for file in 0..<5 {
            var writing = Codec()
            let connections = (0..<30_000).map { Sample.numbered(file * 30_000 + $0) }
            for payload in writing.payloads(.reading(Sample.reading(connections, at: 0))) {
                _ = try decoding.decode(payload)
            }
            guard file == 4 else { continue }
            var back = 0
            for payload in writing.payloads(.reading(Sample.reading(connections, at: 1))) {
                guard case .reading(let reading) = try decoding.decode(payload) else { throw OtherRecord() }
                back += reading.connections.count
            }
            // It forgot in the middle of the last file: at the 131,073rd, of which 11,072 were this file's.
            #expect(back == 150_000 - 131_072)
        }
    }
}
