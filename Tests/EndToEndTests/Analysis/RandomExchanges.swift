// A capture of random exchanges, identical in every run: wraps, holes, repetitions, reused ports, odd flags and
// windows.

import CaptureBuilding
import SeededRandom

/// Makes a classic pcap file of raw IPv4 datagrams.
struct RandomExchanges {
    private var random: SplitMix
    private var clock: Int64 = 1_600_000_000_000_000
    private var file = CaptureBytes()

    init(seed: UInt64) { random = SplitMix(seed: seed) }

    /// The file, with one four-tuple per exchange.
    mutating func capture(exchanges: Int) -> [UInt8] {
        file = .pcap(linkType: 101)
        for index in 0..<exchanges { exchange(port: UInt16(10_000 + index)) }
        return file.bytes
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func one<T>(of values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &random)] }

    private mutating func exchange(port: UInt16) {
        let starts: [UInt32] = [
            1000, 0xffff_ff80, 0x7fff_ffc0, 0xffff_fff0, UInt32.random(in: 1 ... .max, using: &random),
        ]
        var isn = [one(of: starts), one(of: starts)]
        var next = isn
        let isMidstream = chance(20)
        // In half of the exchanges the server mostly repeats its ACK.
        let repeatsAcks = chance(50)
        let usualWindow: UInt16 = one(of: [20, 20, 0])
        var lastAck: UInt32?
        for index in 0..<Int.random(in: 3...40, using: &random) {
            // Sometimes the clock goes back.
            clock += one(of: [1, 10, 100, 900, 2000, 5000, 30_000, 300_000, -50])
            var side = Int.random(in: 0...1, using: &random)
            var flags: UInt8 = 0x10
            var length = one(of: [0, 0, 0, 0, 1, 1, 5, 10, 20])
            if index < 2 && !isMidstream {
                side = index
                flags = index == 0 ? 0x02 : 0x12
                length = index == 0 ? one(of: [0, 0, 5]) : 0
            } else {
                switch Int.random(in: 0..<100, using: &random) {
                case 0..<3: flags = 0x02
                case 3..<6: flags = 0x12
                case 6..<10: flags = 0x11
                case 10..<13: flags = one(of: [0x04, 0x14])
                case 13: flags = one(of: [0x00, 0x01, 0x08, 0x29])
                default: break
                }
            }
            var sequence = flags & 0x02 != 0 ? isn[side] : next[side]
            if flags & 0x02 != 0 {
                if chance(20) { sequence &+= UInt32.random(in: 1...200, using: &random) }
            } else {
                sequence &+= one(of: [0, 0, 0, 0, 0, 0, 0, 1, 5, 10, .max, .max &- 4, .max &- 9])
            }
            var ack = next[1 - side] &+ one(of: [0, 0, 0, 0, 0, 0, 0, 1, 5, 30, .max &- 4])
            if repeatsAcks && side == 1 && flags == 0x10 && chance(70) {
                length = 0
                sequence = next[side]
                ack = lastAck ?? ack
            }
            if flags & 0x10 == 0 { ack = 0 }
            if side == 1 { lastAck = ack }
            let end = sequence &+ UInt32(length) &+ (flags & 0x03 != 0 ? 1 : 0)
            if Int32(bitPattern: end &- next[side]) > 0 { next[side] = end }
            if flags & 0x12 == 0x02 {
                isn[side] = sequence
                next[side] = end
            }
            let window: UInt16 = repeatsAcks && chance(80) ? usualWindow : one(of: [0, 10, 10, 20, 20, 20, 5])
            datagram(side, port, sequence, ack, flags, window: window, length: length)
        }
    }

    private mutating func datagram(
        _ side: Int, _ port: UInt16, _ sequence: UInt32, _ ack: UInt32, _ flags: UInt8, window: UInt16, length: Int
    ) {
        var options: [UInt8] = []
        if flags & 0x02 != 0 {
            if chance(60) { options += [3, 3, one(of: [0, 1, 2, 3, 15]), 1] }
            if chance(30) { options += [34, 6, 1, 2, 3, 4, 1, 1] }
        }
        let ports = side == 0 ? (port, 80) : (80, port)
        let segment = tcpSegment(
            from: ports.0, to: ports.1, sequence: sequence, acknowledgment: ack, flags: UInt16(flags), window: window,
            options: options, [UInt8](repeating: 0, count: length))
        let hosts: [[UInt8]] = [[10, 0, 0, 1], [10, 0, 0, 2]]
        file.record(
            seconds: UInt32(clock / 1_000_000), fraction: UInt32(clock % 1_000_000),
            ipv4Packet(from: hosts[side], to: hosts[1 - side], segment))
    }
}
