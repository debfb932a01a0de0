// The distortions of a capture: frames are late, out of order, duplicated, cut short, or missing (CASES X1 to X14).

import Exchanges
import TCPModel
import TCPTimeline

/// A way of capturing that does not show everything, or not as it was.
enum SimulatedCapture {
    /// The capture begins after this many frames (X4).
    case begins(after: Int)
    /// The capture has only the frames of one end (X5, X6).
    case only(end: Int)
    /// Each direction has a queue, written out every so many microseconds (X14).
    case queues(every: Int64)
    /// This percentage of frames is missing, but none of the last `sparing` ones (X7).
    case missing(UInt32, sparing: Int)
    /// A short snapshot length cuts off options (X12).
    case withoutOptions
    /// Segments of one direction in order within so many microseconds come as one frame (X8: GRO before the capture).
    case joining(within: Int64)
}

extension Simulation {
    /// The same connections, captured this way.
    func captured(_ way: SimulatedCapture, seed: UInt64) -> Simulation {
        var (other, random) = (self, Chance(seed))
        switch way {
        case .begins(let count): other.captured.removeFirst(min(count, captured.count))
        case .only(let end): other.captured.removeAll { $0.sender != end }
        case .missing(let percent, let spared):
            let last = captured.suffix(spared)
            other.captured = captured.dropLast(spared).filter { _ in random.next(below: 100) >= percent } + last
        case .withoutOptions: for index in captured.indices { other.captured[index].segment.cutOptions() }
        case .queues(let interval): other.write(queuesEvery: interval, &random)
        case .joining(let span): other.join(within: span)
        }
        return other
    }

    /// Frames keep their times, but the file has them in another order.
    private mutating func write(queuesEvery interval: Int64, _ random: inout Chance) {
        let phases = (0..<2).map { _ in random.next(upTo: interval) }
        let order = captured.indices.map { index in
            let phase = phases[captured[index].sender]
            return (written: (captured[index].time - phase) / interval * interval + phase, index: index)
        }
        captured = order.sorted { ($0.written, $0.index) < ($1.written, $1.index) }.map { captured[$0.index] }
    }

    private mutating func join(within span: Int64) {
        var joined: [Captured] = []
        for item in captured {
            let last = joined.lastIndex { $0.sender == item.sender }
            if let last, last == joined.count - 1, item.time - joined[last].time <= span,
                item.connection == joined[last].connection, joined[last].segment.isContinued(by: item.segment)
            {
                joined[last].segment.join(item.segment)
            } else {
                joined.append(item)
            }
        }
        captured = joined
    }
}

extension SimulatedSegment {
    fileprivate mutating func cutOptions() {
        hasAllOptions = windowScale == nil && timestamp == nil && !permitsSACK && sack.isEmpty
        (windowScale, timestamp, permitsSACK, sack) = (nil, nil, false, [])
    }

    /// The conditions under which Linux merges segments (`tcp_gro_receive`).
    fileprivate func isContinued(by next: SimulatedSegment) -> Bool {
        length > 0 && next.length > 0 && !flags.hasAny(.synFinRst) && !next.flags.hasAny([.syn, .rst])
            && next.sequence == textEnd && next.acknowledgment == acknowledgment && next.window == window
            && sack.isEmpty && next.sack.isEmpty && timestamp?.value == next.timestamp?.value && !isProbe
    }

    fileprivate mutating func join(_ next: SimulatedSegment) {
        length += next.length
        flags.formUnion(next.flags)
    }
}
