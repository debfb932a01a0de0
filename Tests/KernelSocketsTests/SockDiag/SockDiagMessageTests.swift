// The parser of sock_diag messages on synthetic buffers: every field, every cut, hostile lengths.

import SeededRandom
import TCPModel
import Testing

@testable import KernelSockets

/// Builds messages as the kernel does on a little-endian machine.
private struct Octets {
    var bytes: [UInt8] = []

    mutating func u8(_ values: UInt8...) { bytes += values }
    mutating func big16(_ value: UInt16) { bytes += [UInt8(value >> 8), UInt8(value & 0xff)] }
    mutating func u16(_ value: UInt16) { bytes += [UInt8(value & 0xff), UInt8(value >> 8)] }
    mutating func u32(_ value: UInt32) {
        for shift in [0, 8, 16, 24] { bytes.append(UInt8(value >> UInt32(shift) & 0xff)) }
    }

    mutating func attribute(_ kind: UInt16, _ payload: [UInt8]) {
        u16(UInt16(4 + payload.count))
        u16(kind)
        bytes += payload
        while bytes.count % 4 != 0 { bytes.append(0) }
    }
}

private func words(_ values: [UInt32]) -> [UInt8] {
    var octets = Octets()
    for value in values { octets.u32(value) }
    return octets.bytes
}

@Suite struct SockDiagMessageTests {
    /// A socket from 127.0.0.1:9500 to 127.0.0.1:35924, with every attribute that the parser reads.
    static func message(state: UInt8 = 1, family: UInt8 = 2, infoLength: Int = 248) -> [UInt8] {
        var octets = Octets()
        octets.u8(family, state, 1, 3)
        octets.big16(9500)
        octets.big16(35924)
        for _ in 0..<2 {
            if family == 10 {
                octets.bytes += [UInt8](repeating: 0, count: 10) + [0xff, 0xff, 127, 0, 0, 1]
            } else {
                octets.bytes += [127, 0, 0, 1] + [UInt8](repeating: 0, count: 12)
            }
        }
        for value: UInt32 in [7, 0x1111_1111, 0x2222_2222, 250, 2560, 16, 1000, 777] { octets.u32(value) }
        let info = words((0..<90).map { UInt32($0) * 0x0101_0101 })
        octets.attribute(2, Array(info.prefix(infoLength)))
        octets.attribute(7, words(Array(100...108)))
        octets.attribute(8, [3])
        octets.attribute(21, words([0x55, 0x66]))
        octets.attribute(99, [1, 2, 3])
        return octets.bytes
    }

    static func parse(_ bytes: [UInt8]) -> DetailedSocket? {
        if case .socket(let found) = SockDiagMessage.parse(bytes.span, 0..<bytes.count) { found } else { nil }
    }

    @Test func everyField() throws {
        let found = try #require(Self.parse(Self.message()))
        let socket = found.socket
        #expect(socket.local == SocketAddress(.loopbackV4, 9500) && socket.remote == SocketAddress(.loopbackV4, 35924))
        #expect(socket.state == .established && socket.timer == .retransmission && !socket.isIPv6)
        #expect(socket.receiveQueue == 2560 && socket.transmitQueue == 16 && socket.uid == 1000 && socket.inode == 777)
        let details = found.details
        #expect(details.interface == 7 && details.cookie == 0x2222_2222_1111_1111)
        #expect(details.timerCount == 3 && details.timerMilliseconds == 250 && details.backlog == nil)
        #expect(details.isReceiveShutDown == true && details.isSendShutDown == true)
        #expect(details.controlGroup == 0x66_0000_0055)
        #expect(details.memory?.receive == 100 && details.memory?.backlog == 107 && details.memory?.drops == 108)
        let info = try #require(details.info)
        #expect(info.length == 248)
        #expect(info.roundTrip == 17 * 0x0101_0101 && info.totalRetransmissions == 25 * 0x0101_0101)
        #expect(info.bytesAcknowledged == 31 * 0x0101_0101 << 32 | 30 * 0x0101_0101)
    }

    @Test func mappedAddressesAndListeners() throws {
        let mapped = try #require(Self.parse(Self.message(family: 10)))
        #expect(mapped.socket.isIPv6 && mapped.socket.local == SocketAddress(.loopbackV4, 9500))
        let listener = try #require(Self.parse(Self.message(state: 10)))
        #expect(listener.socket.transmitQueue == 0 && listener.details.backlog == 16)
        #expect(try #require(Self.parse(Self.message(state: 12))).socket.state == .synReceived)
    }

    @Test func aFieldThatThisKernelLacksIsNil() throws {
        let old = try #require(Self.parse(Self.message(infoLength: 104))?.details.info)
        #expect(old.totalRetransmissions != nil && old.notSentBytes == nil && old.bytesAcknowledged == nil)
        let cut = try #require(Self.parse(Self.message(infoLength: 70))?.details.info)
        #expect(cut.pathMTU != nil && cut.roundTrip == nil && cut.roundTripVariation == nil)
        let newer = try #require(Self.parse(Self.message(infoLength: 360))?.details.info)
        #expect(newer.length == TCPInfo.capacity && newer.peerWindow == 57 * 0x0101_0101)
    }

    @Test func cutAtEveryOctet() {
        let whole = Self.message()
        for count in 0..<whole.count {
            let found = Self.parse(Array(whole.prefix(count)))
            #expect((found == nil) == (count < SockDiagMessage.length), "\(count)")
            // A cut attribute is left out, never half read.
            if count < SockDiagMessage.length + 4 + 248 { #expect(found?.details.info == nil, "\(count)") }
        }
    }

    @Test func hostileAttributesAndStates() {
        let head = Array(Self.message().prefix(SockDiagMessage.length))
        let tails: [[UInt8]] = [
            [0, 0, 2, 0], [3, 0, 2, 0], [255, 255, 2, 0], [4, 0, 2, 0], [5, 0, 7, 0, 1], [4, 0, 8, 0], [4, 0, 21, 0],
            [8, 0, 7, 0, 1, 2, 3, 4], [1], [0xff, 0xff, 0xff, 0xff],
        ]
        for tail in tails {
            let found = Self.parse(head + tail)
            #expect(found != nil && found?.details.info == nil && found?.details.memory == nil, "\(tail)")
        }
        var other = head
        for state: UInt8 in [0, 13, 200] {
            other[1] = state
            #expect(Self.parse(other) == nil)
        }
        other[1] = 1
        other[0] = 1
        #expect(Self.parse(other) == nil)
    }

    /// The kinds of the messages in a datagram, up to its end or to damage.
    static func walk(_ bytes: [UInt8]) -> (kinds: [UInt16], isDamaged: Bool) {
        var messages = NetlinkMessages(bytes.span, count: bytes.count)
        var kinds: [UInt16] = []
        while let message = messages.next(bytes.span) {
            #expect(message.payload.upperBound <= bytes.count)
            kinds.append(message.kind)
        }
        return (kinds, messages.isDamaged)
    }

    static func datagram() -> [UInt8] {
        var octets = Octets()
        for (kind, length): (UInt16, Int) in [(20, 17), (20, 16), (3, 20)] {
            octets.u32(UInt32(length))
            octets.u16(kind)
            octets.u16(0)
            octets.u32(1)
            octets.u32(0)
            octets.bytes += [UInt8](repeating: 9, count: (length - 16 + 3) & ~3)
        }
        return octets.bytes
    }

    @Test func messagesOfADatagram() {
        let whole = Self.datagram()
        #expect(Self.walk(whole).kinds == [20, 20, 3] && !Self.walk(whole).isDamaged)
        #expect(Self.walk([]).kinds == [] && !Self.walk([]).isDamaged)
        for count in 1..<whole.count {
            let (kinds, isDamaged) = Self.walk(Array(whole.prefix(count)))
            #expect(kinds.count <= 3)
            // The datagram is intact only if it ends with a message, with or without padding.
            #expect(isDamaged != [17, 18, 19, 20, 36].contains(count), "\(count)")
        }
        for length: UInt32 in [0, 1, 15, 0x7fff_ffff, .max] {
            #expect(Self.walk(words([length, 20, 1, 0])).isDamaged)
        }
    }

    /// If the kernel lacks the module for TCP sockets, the answer is only the end of a list, with ENOENT in it
    /// (measured).
    @Test func endsOfAnswers() {
        func end(_ kind: UInt16, _ payload: [UInt8]) -> Int32? {
            var octets = Octets()
            octets.u32(UInt32(16 + payload.count))
            octets.u16(kind)
            octets.u16(2)
            octets.u32(1)
            octets.u32(0)
            octets.bytes += payload
            var messages = NetlinkMessages(octets.bytes.span, count: octets.bytes.count)
            return messages.next(octets.bytes.span)?.end(octets.bytes.span)
        }
        func minus(_ code: Int32) -> [UInt8] { words([UInt32(bitPattern: -code)]) }
        #expect(end(3, []) == 0 && end(3, minus(0)) == 0 && end(2, minus(0) + minus(0)) == 0)
        #expect(end(3, minus(2)) == 2, "a list that never began")
        #expect(end(2, minus(1)) == 1)
        #expect(end(2, []) == 74 && end(2, [1, 2, 3]) == 74, "EBADMSG")
        #expect(end(3, words([0x8000_0000])) == 74)
        #expect(end(20, Self.message()) == nil && end(1, []) == nil)
    }

    @Test func randomOctetsNeverTrap() {
        var generator = SplitMix(seed: 188)
        var parsed = 0
        for round in 0..<2000 {
            var bytes = Self.message()
            for _ in 0..<8 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = Self.parse(Array(bytes.prefix(round % bytes.count)))
            if Self.parse(bytes) != nil { parsed += 1 }
            _ = Self.walk(bytes)
        }
        // Some are still sockets, and some are not.
        #expect(parsed > 200 && parsed < 1990, "\(parsed) parsed")
    }

    /// Runs a filter in the kernel's bytecode as the kernel does (net/ipv4/inet_diag.c, inet_diag_bc_run).
    static func accepts(_ code: [UInt8], source: UInt16, destination: UInt16) -> Bool? {
        var position = 0
        while position < code.count {
            guard code.count - position >= 4 else { return nil }
            func port() -> UInt16 { UInt16(code[position + 6]) | UInt16(code[position + 7]) << 8 }
            let holds: Bool
            switch code[position] {
            case 1: holds = false
            case 11: holds = source == port()
            case 12: holds = destination == port()
            default: return nil
            }
            position += holds ? Int(code[position + 1]) : Int(code[position + 2]) | Int(code[position + 3]) << 8
        }
        return position == code.count
    }

    @Test(arguments: [[9500], [1, 2, 3], Array(60000...60063)] as [[UInt16]])
    func theKernelsPortFilter(_ ports: [UInt16]) {
        let code = SockDiagRequest.portFilter(ports)
        for port in ports {
            #expect(Self.accepts(code, source: port, destination: 7) == true)
            #expect(Self.accepts(code, source: 7, destination: port) == true)
        }
        #expect(Self.accepts(code, source: 7, destination: 8) == false)
        #expect(Self.accepts(code, source: 0, destination: 0) == false)
    }
}
