// The captures to measure on: always the same octets for the same size.

import Glibc
import SeededRandom

/// A kind of traffic.
enum Workload: String, CaseIterable {
    /// Many short connections, about two thousand open at a time.
    case short
    /// A few connections with bulk data.
    case bulk
    /// A SYN flood: no SYN is ever answered.
    case flood
    /// Connections that are all open at once, and stay open.
    case open
    /// Short connections over IPv6 and through VLAN tags.
    case mixed
    /// Bulk data with loss and reordering.
    case lossy

    /// The number of connections at full size.
    var fullCount: Int {
        switch self {
        case .short: 300_000
        case .bulk: 8
        case .flood: 2_000_000
        case .open: 1_000_000
        case .mixed: 200_000
        case .lossy: 200
        }
    }

    /// Writes the capture at `scale` (1 = full size) and returns it with its counts of frames and connections.
    func generate(to path: String, scale: Double) throws(BenchError) -> Capture {
        var file = try CaptureFile(path: path)
        let connections: Int
        switch self {
        case .short, .mixed, .flood, .open: connections = max(1, Int(Double(fullCount) * scale))
        case .bulk, .lossy: connections = fullCount
        }
        switch self {
        case .short: interleave(connections, width: 2000, &file) { Conversation(index: $0, exchanges: 2, closes: true) }
        case .mixed:
            interleave(connections, width: 2000, &file) {
                Conversation(
                    index: $0, exchanges: 2, closes: true, isIPv6: $0 % 3 != 1, vlan: $0 % 3 == 0 ? 0 : 42)
            }
        case .flood:
            var numbers = SplitMix(seed: 9)
            for _ in 0..<connections {
                file.clock += 1
                let draw = numbers.next()
                let path = Path(
                    source: UInt32(truncatingIfNeeded: draw), destination: 0x0a80_0001,
                    sourcePort: UInt16(truncatingIfNeeded: draw >> 32) | 1024, destinationPort: 80)
                file.write(
                    Packet(path: path, flags: Packet.syn, sequence: UInt32(truncatingIfNeeded: numbers.next())))
            }
        case .open: openAtOnce(connections, &file)
        case .bulk: transfer(connections, frames: max(1000, Int(4_000_000 * scale)), lossPerMille: 0, &file)
        case .lossy: transfer(connections, frames: max(1000, Int(3_000_000 * scale)), lossPerMille: 20, &file)
        }
        file.finish()
        return Capture(workload: self, path: path, frames: file.frames, octets: file.octets, connections: connections)
    }

    /// Writes `count` conversations, `width` of them open at a time, taking turns at random.
    private func interleave(
        _ count: Int, width: Int, _ file: inout CaptureFile, _ make: (Int) -> Conversation
    ) {
        var numbers = SplitMix(seed: 1)
        var started = min(width, count)
        var active = (0..<started).map(make)
        while !active.isEmpty {
            let turn = numbers.below(active.count)
            file.clock += 3
            if let packet = active[turn].next() {
                file.write(packet)
            } else if started < count {
                active[turn] = make(started)
                started += 1
            } else {
                active.swapAt(turn, active.count - 1)
                active.removeLast()
            }
        }
    }

    /// Opens all connections; then each exchanges one message, in another order.
    private func openAtOnce(_ count: Int, _ file: inout CaptureFile) {
        var all = (0..<count).map { Conversation(index: $0, exchanges: 1, closes: false) }
        for index in all.indices {
            for _ in 0..<3 {
                file.clock += 2
                if let packet = all[index].next() { file.write(packet) }
            }
        }
        // A step with no divisor in common with the count visits all of them.
        var step = 611_953
        while count % step == 0 { step += 2 }
        var index = 0
        for _ in 0..<count {
            index = (index + step) % count
            for _ in 0..<2 {
                file.clock += 2
                if let packet = all[index].next() { file.write(packet) }
            }
        }
    }

    private func transfer(_ count: Int, frames: Int, lossPerMille: Int, _ file: inout CaptureFile) {
        var all = (0..<count).map { Transfer(index: $0, lossPerMille: lossPerMille) }
        var numbers = SplitMix(seed: 5)
        while file.frames < frames {
            // A burst from one connection, then one from another.
            let turn = numbers.below(count)
            for _ in 0..<(1 + numbers.below(12)) {
                file.clock += 4
                file.write(all[turn].next())
            }
        }
    }
}

/// A generated capture.
struct Capture {
    let workload: Workload
    let path: String
    let frames: Int
    let octets: Int
    let connections: Int
}

/// Why the benchmarks cannot continue.
struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
