// What a segment from one side adds to that side's numbers, whatever the other side does.

import TCPModel

extension DirectionStatistics {
    /// Counts a segment that this side sent.
    mutating func count(_ event: SegmentEvent) {
        let segment = event.segment
        let flags = segment.flags
        packets &+= 1
        if flags.has(.syn) { syns &+= 1 }
        if flags.has(.fin) { fins &+= 1 }
        if flags.has(.rst) { resets &+= 1 }
        if flags.has(.ack) { ackPackets &+= 1 }
        if segment.isPureAck { pureAcks &+= 1 }
        if let lastTime { longestIdle = max(longestIdle, event.time.since(lastTime)) }
        lastTime = event.time
        if event.notes.contains(.keepAlive) { keepAlives &+= 1 }
        if event.notes.contains(.windowProbe) && segment.payloadLength == 0 { emptyWindowProbes &+= 1 }
        if segment.payloadLength > 0 { countText(event) }
    }

    private mutating func countText(_ event: SegmentEvent) {
        let length = event.segment.payloadLength
        dataPackets &+= 1
        dataBytes &+= UInt64(length)
        if event.segment.flags.has(.psh) { pushedPackets &+= 1 }
        if event.segment.flags.has(.urg) {
            urgentPackets &+= 1
            urgentBytes &+= UInt64(event.segment.urgentPointer)
        }
        largestSegment = max(largestSegment, length)
        if smallestSegment == 0 || length < smallestSegment { smallestSegment = length }
        if firstDataTime == nil { firstDataTime = event.time }
        lastDataTime = event.time
        if event.cutOctets > 0 {
            cutBytes &+= UInt64(event.cutOctets)
            cutPackets &+= 1
        }
    }

    /// Notes which options this side offers.
    mutating func note(_ options: TCPOptions) {
        if options.present.contains(.maximumSegmentSize) { maximumSegmentSize = options.maximumSegmentSize }
        if options.present.contains(.windowScale) { windowScale = options.windowScale }
        if options.present.contains(.timestamps) { offersTimestamps = true }
        if options.present.contains(.sackPermitted) { offersSACK = true }
    }

    /// Takes in the window of a segment with ACK or SYN.
    ///
    /// - Parameters:
    ///   - window: in octets.
    ///   - isScaled: whether both sides have offered scaling.
    mutating func note(window: UInt64, isScaled: Bool, _ event: SegmentEvent) {
        let flags = event.segment.flags
        largestWindow = max(largestWindow, window)
        if window > 0 && isScaled && !flags.has(.syn) && !isWindowScaled {
            // Unscaled windows of the handshake do not belong in the same mean.
            isWindowScaled = true
            largestWindow = window
            smallestWindow = window
            windowSum = 0
            windowPackets = 0
            unscaledPackets = packets - 1
        } else if window > 0 && (smallestWindow == 0 || window < smallestWindow) {
            smallestWindow = window
        }
        windowSum &+= window
        windowPackets &+= 1
        if flags.has(.ack) && window == 0 { zeroWindowAdvertisements &+= 1 }
    }
}
