// The statistics of one connection: both directions, the time that each endpoint spent in each state.

import TCPMachine
public import TCPModel

/// Statistics of one connection, fed with its segments in capture order.
public struct ConnectionStatistics: Sendable {
    /// The connection's number.
    public let number: UInt64
    /// What each side sent: the originator's at 0, the responder's at 1.
    public internal(set) var directions = [DirectionStatistics(), DirectionStatistics()]
    var senders = [SenderState(), SenderState()]
    /// Nanoseconds in each state, by side and `TCPState.rawValue`.
    private var residence: InlineArray<2, InlineArray<16, Int64>> = .init(repeating: .init(repeating: 0))
    private var residents: InlineArray<2, (state: TCPState, since: Timestamp)?> = .init(repeating: nil)

    init(number: UInt64) { self.number = number }

    /// What a side sent.
    public subscript(side: Side) -> DirectionStatistics { directions[Int(side.rawValue)] }

    /// How long an endpoint was in a state, up to `now`: what its transitions say, inferred ones included.
    public func time(of side: Side, in state: TCPState, at now: Timestamp) -> Int64 {
        let own = Int(side.rawValue)
        var span = residence[own][Int(state.rawValue) & 15]
        if let (current, since) = residents[own], current == state { span += max(0, now.since(since)) }
        return span
    }

    // MARK: One segment

    mutating func take(_ event: SegmentEvent) -> SegmentVerdict {
        noteStates(event)
        if event.notes.contains(.duplicateFrame) { return SegmentVerdict() }
        let own = Int(event.sender.rawValue)
        noteSegment(event, own)
        // What its receiver drops says nothing of the octets in flight.
        if !event.notes.isDisjoint(with: [.badChecksum, .incomplete])
            || !event.anomalies.isDisjoint(with: [.synInsideConnection, .blindAck])
        {
            return SegmentVerdict()
        }
        noteOptions(event.segment, own)
        var verdict = noteSending(event, own)
        noteAck(event, own, &verdict)
        noteOutstanding(event, own, verdict)
        guard !event.segment.flags.has(.rst) else { return verdict }
        noteWindow(event, own)
        return verdict
    }

    private mutating func noteStates(_ event: SegmentEvent) {
        func enter(_ reaction: Reaction, _ side: Side) {
            for index in 0..<reaction.count {
                let own = Int(side.rawValue)
                if let (state, since) = residents[own] {
                    residence[own][Int(state.rawValue) & 15] += max(0, event.time.since(since))
                }
                residents[own] = (reaction[index].to, event.time)
            }
        }
        enter(event.sent, event.sender)
        enter(event.arrived, event.sender.other)
    }

    private mutating func noteSegment(_ event: SegmentEvent, _ own: Int) {
        let segment = event.segment
        let flags = segment.flags
        directions[own].packets &+= 1
        if directions[own].isWindowScaled { directions[own].windowPackets &+= 1 }
        if flags.has(.syn) { directions[own].syns &+= 1 }
        if flags.has(.fin) { directions[own].fins &+= 1 }
        if flags.has(.rst) { directions[own].resets &+= 1 }
        if flags.has(.ack) { directions[own].ackPackets &+= 1 }
        if segment.isPureAck { directions[own].pureAcks &+= 1 }
        if let last = directions[own].lastTime {
            directions[own].longestIdle = max(directions[own].longestIdle, event.time.since(last))
        }
        directions[own].lastTime = event.time
        if event.notes.contains(.keepAlive) { directions[own].keepAlives &+= 1 }
        if event.notes.contains(.windowProbe) { directions[own].emptyWindowProbes &+= 1 }
        let length = segment.payloadLength
        if length > 0 {
            directions[own].dataPackets &+= 1
            directions[own].dataBytes &+= UInt64(length)
            if flags.has(.psh) { directions[own].pushedPackets &+= 1 }
            if flags.has(.urg) {
                directions[own].urgentPackets &+= 1
                directions[own].urgentBytes &+= UInt64(segment.urgentPointer)
            }
            if length > directions[own].largestSegment {
                directions[own].largestSegment = length
            }
            if directions[own].smallestSegment == 0 || length < directions[own].smallestSegment {
                directions[own].smallestSegment = length
            }
            if directions[own].firstDataTime == nil { directions[own].firstDataTime = event.time }
            directions[own].lastDataTime = event.time
            if event.cutOctets > 0 {
                directions[own].cutBytes &+= UInt64(event.cutOctets)
                directions[own].cutPackets &+= 1
            }
        }
        // A SYN inside the open connection is somebody else's: its numbers are none of this stream.
        if flags.has(.syn) && !event.anomalies.contains(.synInsideConnection) {
            senders[own].syn = segment.sequence
            // Until it acknowledges something, the other side's text counts from here.
            senders[1 - own].lastAck = senders[1 - own].lastAck ?? segment.sequence
        }
        if flags.has(.fin) { senders[own].fin = segment.finSequence }
        if let syn = senders[own].syn, let fin = senders[own].fin {
            directions[own].streamLength = fin.offset(from: syn) &- 1
        }
    }

    private mutating func noteOptions(_ segment: Segment, _ own: Int) {
        let options = segment.options
        if options.present.contains(.maximumSegmentSize) {
            directions[own].maximumSegmentSize = options.maximumSegmentSize
        }
        if options.present.contains(.windowScale) { directions[own].windowScale = options.windowScale }
        if options.present.contains(.timestamps) { directions[own].offersTimestamps = true }
        if options.present.contains(.sackPermitted) { directions[own].offersSACK = true }
    }

    /// The window in octets: scaled if both sides offered it, and never on a SYN (RFC 7323 2.2).
    private func window(_ segment: Segment, _ own: Int) -> UInt64 {
        guard segment.flags.hasAny([.ack, .syn]) else { return 0 }
        guard !segment.flags.has(.syn), directions[1 - own].windowScale != nil,
            let scale = directions[own].windowScale
        else { return UInt64(segment.window) }
        return UInt64(segment.window) << UInt64(min(14, scale))
    }

    private mutating func noteWindow(_ event: SegmentEvent, _ own: Int) {
        let segment = event.segment
        let window = window(segment, own)
        senders[own].lastWindow = window
        guard segment.flags.hasAny([.ack, .syn]) else { return }
        directions[own].largestWindow = max(directions[own].largestWindow, window)
        let isScaled = directions[own].windowScale != nil && directions[1 - own].windowScale != nil
        if window > 0 && isScaled && !segment.flags.has(.syn) && !directions[own].isWindowScaled {
            // Unscaled windows of the handshake do not belong into the same mean.
            directions[own].isWindowScaled = true
            directions[own].largestWindow = window
            directions[own].smallestWindow = window
            directions[own].windowSum = 0
            directions[own].windowPackets = 1
        } else if window > 0 && (directions[own].smallestWindow == 0 || window < directions[own].smallestWindow) {
            directions[own].smallestWindow = window
        }
        directions[own].windowSum &+= window
        guard segment.flags.has(.ack) else { return }
        if window == 0 {
            directions[own].zeroWindowAdvertisements &+= 1
            if directions[own].zeroWindowSince == nil && !segment.flags.hasAny(.synFinRst) {
                directions[own].zeroWindowSince = event.time
                directions[own].zeroWindowEpisodes &+= 1
                if directions[own].firstZeroWindow == nil { directions[own].firstZeroWindow = event.time }
            }
        } else if let since = directions[own].zeroWindowSince {
            let span = max(0, event.time.since(since))
            directions[own].zeroWindowSince = nil
            directions[own].zeroWindowTime &+= span
            directions[own].longestZeroWindow = max(directions[own].longestZeroWindow, span)
        }
    }
}
