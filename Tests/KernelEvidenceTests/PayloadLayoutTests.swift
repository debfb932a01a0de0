// The octets of payloads, one by one, as the format's description defines them.

import KernelEvidence
import TCPModel
import Testing

@Suite struct PayloadLayoutTests {
    private func only(_ codec: inout Codec, _ record: KernelRecord) throws -> [UInt8] {
        let payloads = codec.payloads(record)
        try #require(payloads.count == 1)
        return payloads[0]
    }

    private let time = Timestamp(nanoseconds: 0x0807_0605_0403_0201)
    private let timeOctets: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

    @Test func begin() throws {
        var codec = Codec()
        #expect(try only(&codec, .begin(.init(hasEvents: true))) == [2, 0, 1, 0, 0, 0, 0, 0, 1])
        #expect(try only(&codec, .begin(.init(hasEvents: false))) == [2, 0, 1, 0, 0, 0, 0, 0, 0])
    }

    @Test func aTransitionOfIPv4() throws {
        var codec = Codec()
        let process = ProcessIdentity(pid: 0x0102_0304, command: "ab", uid: 0x0506_0708)
        let event = SocketEvent(
            time: time, kind: .transition(from: .listen, to: .synReceived), socket: 0x1122_3344_5566_7788,
            local: SocketAddress(IPAddress(10, 20, 30, 40), 0x1f90),
            remote: SocketAddress(IPAddress(1, 2, 3, 4), 0x0102),
            isProcessContext: true, pid: 0x0102_0304, process: process)
        let body = joined(
            timeOctets, [1, 0, 0, 0],
            [1, 0b1001_0111], timeOctets, [4, 3, 2, 1], [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11],
            [10, 20, 30, 40, 0x90, 0x1f], [1, 2, 3, 4, 2, 1], [10, 3], [0, 0, 0, 0])
        let definition = joined([0, 0, 0, 0], [4, 3, 2, 1], [8, 7, 6, 5], [0], [2, 0, 0x61, 0x62])
        let first = try only(&codec, .events([event], taken: time))
        #expect(first == joined([2, 0, 2, 0], [1, 0, 0, 0], definition, body))
        let second = try only(&codec, .events([event], taken: time))
        #expect(second == joined([2, 0, 2, 0], [0, 0, 0, 0], body))
    }

    @Test func aDropOfIPv6WithItsPacket() throws {
        var codec = Codec()
        let event = SocketEvent(
            time: time, kind: .dropped(reason: "AB"), packet: 1, local: SocketAddress(.loopbackV6, 1),
            remote: SocketAddress(IPAddress(high: 0x2001_0db8_0000_0000, low: 0xff), 2))
        let body = joined(
            [9, 0b0010_0000], timeOctets, [0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0], zeros(15), [1], [1, 0],
            [0x20, 0x01, 0x0d, 0xb8], zeros(11), [0xff], [2, 0], [2, 0x41, 0x42])
        let payload = try only(&codec, .events([event], taken: time))
        #expect(payload == joined([2, 0, 2, 0, 0, 0, 0, 0], timeOctets, [1, 0, 0, 0], body))
    }

    @Test func whatWasTold() throws {
        var codec = Codec()
        let telling = KernelTelling(
            now: time, settled: time,
            found: [
                FourTuple(
                    source: SocketAddress(IPAddress(1, 2, 3, 4), 0x0506), destination: SocketAddress(.loopbackV6, 7))
            ])
        let tuple = joined([0b10], [1, 2, 3, 4, 6, 5], zeros(15), [1, 7, 0])
        #expect(
            try only(&codec, .told(telling))
                == joined([2, 0, 8, 0], zeros(4), timeOctets, [1], timeOctets, [1, 0, 0, 0], tuple))
        #expect(
            try only(&codec, .told(KernelTelling(now: time)))
                == joined([2, 0, 8, 0], zeros(4), timeOctets, [0], zeros(4)))
    }

    @Test func numbersOfStatesAreLinuxs() throws {
        let numbers: [(TCPState, UInt8)] = [
            (.unseen, 0), (.established, 1), (.synSent, 2), (.synReceived, 3), (.finWait1, 4), (.finWait2, 5),
            (.timeWait, 6), (.closed, 7), (.closeWait, 8), (.lastAck, 9), (.listen, 10), (.closing, 11),
        ]
        #expect(numbers.count == TCPState.allCases.count)
        for (state, number) in numbers {
            var codec = Codec()
            let kind = SocketEvent.Kind.transition(from: state, to: .unseen)
            let event = SocketEvent(time: time, kind: kind, local: Sample.client, remote: Sample.server)
            #expect(try only(&codec, .events([event], taken: time)).suffix(2) == [number, 0])
        }
    }

    @Test func aReading() throws {
        var codec = Codec()
        let client = SocketAddress(IPAddress(1, 2, 3, 4), 5)
        let server = SocketAddress(IPAddress(6, 7, 8, 9), 10)
        var connection = ReadConnection(FourTuple(source: client, destination: server))
        connection.isResponderLocal = true
        connection.responder = KernelSocket(
            local: server, remote: client, state: .established, isIPv6: true, timer: .keepalive, transmitQueue: 1,
            receiveQueue: 2, uid: 3, inode: 4)
        var listener = KernelSocket(local: server, remote: SocketAddress(.anyV6, 0), state: .listen)
        listener.backlog = 5
        listener.drops = 6
        connection.listeners = [listener]
        let reading = KernelReading(begin: time, end: time, source: .sockDiag, connections: [connection])
        let ends: [UInt8] = [1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10, 0]
        let head = joined([2, 0, 3, 0], zeros(4), timeOctets, timeOctets, [1, 0], [1, 0, 0, 0])
        let responder = joined(
            [0b0000_0111, 1, 2], [6, 7, 8, 9, 10, 0], [1, 2, 3, 4, 5, 0], [1, 0, 0, 0], [2, 0, 0, 0], [3, 0, 0, 0],
            [4, 0, 0, 0, 0, 0, 0, 0])
        let listening = joined(
            [0b0001_1001, 10, 0], [6, 7, 8, 9, 10, 0], zeros(18), zeros(20), [5, 0, 0, 0], [6, 0, 0, 0])
        let first = try only(&codec, .reading(reading))
        #expect(first == joined(head, zeros(4), [0b0101_0110], ends, responder, [1, 0], listening))
        // An unchanged connection is written as its number and a count of one.
        #expect(try only(&codec, .reading(reading)) == joined(head, zeros(4), [1], [1, 0]))
        // Two more connections get the next numbers; three consecutive ones are written as one part.
        let three = [connection, Sample.numbered(1), Sample.numbered(2)]
        let longer = KernelReading(begin: time, end: time, source: .sockDiag, connections: three)
        _ = codec.payloads(.reading(longer))
        #expect(try only(&codec, .reading(longer)) == joined(head, zeros(4), [1], [3, 0]))
    }

    @Test func ownersHoldersAndCounters() throws {
        var codec = Codec()
        let process = ProcessIdentity(
            pid: 1, command: "", uid: 2,
            details: ProcessDetails(
                executable: "e", controlGroup: "c", container: .init(runtime: "r", identifier: "i", pod: "p"),
                unit: "u"))
        let holder = SocketHolder(process: process, descriptor: 3)
        let definition = joined(
            [0, 0, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0], [0x7f], [0, 0], Array("ecurip".utf8).flatMap { [1, 0, $0] })
        let inode: [UInt8] = [9, 0, 0, 0, 0, 0, 0, 0]
        let holding: [UInt8] = [0, 0, 0, 0, 3, 0, 0, 0]
        let owners = try only(&codec, .owners([9: holder], time: time, source: .proc))
        #expect(
            owners == joined([2, 0, 4, 0, 1, 0, 0, 0], definition, timeOctets, [0], [1, 0, 0, 0], inode, holding))
        let holders = try only(&codec, .holders([8: [], 9: [holder]], of: 1, time: time, source: .tracepoint))
        let lists = joined([8], zeros(11), inode, [1, 0, 0, 0], holding)
        #expect(
            holders == joined([2, 0, 5, 0], zeros(4), [1, 0, 0, 0], timeOctets, [2], [2, 0, 0, 0], lists))
        let change = HostCounterChange(from: time, to: time, increases: [.init(name: "x", count: 258)])
        let counters = try only(&codec, .counters(change))
        let increase: [UInt8] = [1, 0, 0x78, 2, 1, 0, 0, 0, 0, 0, 0]
        #expect(counters == joined([2, 0, 6, 0], zeros(4), timeOctets, timeOctets, [1, 0, 0, 0], increase))
    }

    @Test func whoIsStopped() throws {
        var codec = Codec()
        let troubled = try only(&codec, .troubled([258: .traced, 7: .stopped], time: time))
        let list: [UInt8] = [7, 0, 0, 0, 1, 2, 1, 0, 0, 2]
        #expect(troubled == joined([2, 0, 9, 0], zeros(4), timeOctets, [2, 0, 0, 0], list))
    }

    @Test func sizes() throws {
        var codec = Codec()
        var event = Sample.transition()
        event.packet = 0xffff_8880_0000_0001
        let events = Array(repeating: event, count: 1000)
        let octets = try only(&codec, .events(events, taken: time)).count
        #expect(octets <= 50 * 1000, "\(octets) for a thousand events")

        let connections = (0..<1000).map { Sample.numbered($0) }
        _ = codec.payloads(.reading(Sample.reading(connections, at: 0)))
        let named = try only(&codec, .reading(Sample.reading(connections, at: 1))).count
        #expect(named <= 50, "\(named) for a thousand connections")
    }
}
