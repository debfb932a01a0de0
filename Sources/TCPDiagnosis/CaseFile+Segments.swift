// Takes a segment down in its connection's file.

import TCPMachine
import TCPModel
import TCPTimeline

extension CaseFile {
    mutating func take(_ event: SegmentEvent) {
        let sighting = Sighting(frame: event.frame, time: event.time)
        let side = event.sender
        let flags = event.segment.flags
        noteOpening(event, sighting)
        noteEnding(event, sighting)
        if side == .responder && (synAckStamp != nil || flags.has(.syn)) { noteStamp(event) }
        noteWindow(event, sighting)
        noteKeepAlive(event, sighting)
        if self[side].hopLimit == 0 && !flags.has(.rst) { self[side].hopLimit = event.segment.hopLimit }
        noteText(event, sighting)
        noteLateText(event)
        noteLarge(event, sighting)
        noteVerdict(event, sighting)
        if !event.anomalies.isEmpty {
            note(event.anomalies, sender: side, sighting)
            if event.anomalies.contains(.acknowledgedUnseen) {
                gap.note(sighting)
                self[side.other].unseen = sighting
            }
        }
        self[side].last = sighting
        if !flags.has(.rst) { self[side].lastButReset = sighting }
    }

    private mutating func noteText(_ event: SegmentEvent, _ sighting: Sighting) {
        let side = event.sender
        guard event.segment.payloadLength > 0, event.notes.isDisjoint(with: [.keepAlive, .windowProbe]),
            !event.isOfAnotherConnection
        else { return }
        self[side].lastText = sighting
        // What crosses a FIN was sent before its sender could know of that.
        if event.acknowledges(self[side.other]) && !event.notes.contains(.retransmission) {
            self[side].textAfterPeerFin &+= UInt64(event.segment.payloadLength)
        }
    }

    /// The first segment of each side that was sent again, was needless, or came late.
    private mutating func noteVerdict(_ event: SegmentEvent, _ sighting: Sighting) {
        let side = event.sender
        // The verdict is large, and nearly always empty: it is not copied.
        if event.notes.contains(.retransmission) || event.verdict.late == .lostBeforeCapture {
            self[side].repeated.note(sighting)
        }
        if event.verdict.late == .reordered { self[side].reordered.note(sighting) }
        if event.verdict.retransmission?.spurious != nil { self[side].needless.note(sighting) }
        if let exposed = event.verdict.exposes {
            let sighting = Sighting(frame: exposed.frame, time: exposed.time)
            self[side.other].needless.note(sighting)
            if exposed.kind == .tailLossProbe { self[side.other].tailProbe.note(sighting) }
        }
    }

    /// Octets that the peer had acknowledged before they were captured.
    private mutating func noteLateText(_ event: SegmentEvent) {
        let side = event.sender
        let length = event.segment.payloadLength
        if length > 0, gap.isSeen, !event.notes.contains(.retransmission),
            Int32(bitPattern: event.relativeSequence &+ length &- self[side].acknowledged) <= 0
        {
            lateOctets &+= UInt64(length)
        }
        if event.segment.flags.has(.ack), !event.segment.flags.has(.rst) {
            self[side.other].acknowledged = event.relativeAck
        }
    }

    /// Follows the first large segment of each side until it is acknowledged.
    private mutating func noteLarge(_ event: SegmentEvent, _ sighting: Sighting) {
        let side = event.sender
        let segment = event.segment
        if segment.flags.has(.ack), self[side.other].large.first.isSeen, !self[side.other].large.arrived {
            if Int32(bitPattern: event.relativeAck &- self[side.other].large.start) > 0 {
                self[side.other].large.arrived = true
            } else if segment.options.present.contains(.sack) || self[side.other].large.sendings > 1 {
                self[side.other].large.missed = sighting
            }
        }
        guard segment.payloadLength >= LargeSegment.least, !self[side].large.arrived else { return }
        if !self[side].large.first.isSeen {
            self[side].large.first = sighting
            self[side].large.start = event.relativeSequence
            self[side].large.length = segment.payloadLength
        } else if event.relativeSequence != self[side].large.start {
            return
        }
        self[side].large.sendings &+= 1
        self[side].large.last = sighting
        self[side].large.length = min(self[side].large.length, segment.payloadLength)
    }

    private mutating func noteOpening(_ event: SegmentEvent, _ sighting: Sighting) {
        guard event.segment.flags.has(.syn) else { return }
        let side = event.sender
        if !self[side].syn.isSeen { self[side].syn = sighting }
        self[side].lastSyn = sighting
        if event.segment.flags.has(.ack) {
            self[side].synAckCount &+= 1
        } else {
            self[side].synCount &+= 1
            if self[side.other].synAckCount > 0 && !event.anomalies.contains(.initialSequenceChanged) {
                self[side].synsAfterAnswer &+= 1
            }
            if synText == 0 { synText = event.segment.payloadLength }
        }
    }

    /// Linux hides options in the low six bits of a cookie's time stamp (cookie_init_timestamp): rounded down to 64 ms, those bits
    /// replaced, and never ahead of the clock. It is up to 64 ms behind that of the server's next segment then.
    private mutating func noteStamp(_ event: SegmentEvent) {
        guard event.segment.options.present.contains(.timestamps) else { return }
        let value = event.segment.options.timestampValue
        if event.segment.flags.has(.syn) {
            // A second SYN-ACK is none of a cookie's, and the next segment answers either.
            synAckStamp = self[.responder].synCount == 0 && stampLag == nil ? (value, event.time) : nil
            stampLag = stampLag ?? 0
        } else if let stamp = synAckStamp {
            synAckStamp = nil
            let passed = event.time.since(stamp.time)
            // Two clocks: after a second they may differ by half a millisecond.
            guard passed >= 0, passed <= Span.second else { return }
            stampLag = Int64(Int32(bitPattern: value &- stamp.value)) - passed / Span.millisecond
        }
    }

    private mutating func noteEnding(_ event: SegmentEvent, _ sighting: Sighting) {
        let side = event.sender
        let flags = event.segment.flags
        if self[side].fin.isSeen && event.notes.contains(.retransmission) { self[side].hasRepeatedAfterFin = true }
        if flags.has(.fin) && !self[side].fin.isSeen && !event.isOfAnotherConnection {
            self[side].fin = sighting
            self[side].finNumber = event.segment.finSequence
        }
        guard flags.has(.rst) else {
            if event.acknowledges(self[side.other]) { self[side.other].isFinAcknowledged = true }
            return
        }
        if !self[side].firstReset.isSeen {
            self[side].firstReset = sighting
            self[side].resetHopLimit = event.segment.hopLimit
        }
        let isFitting = event.anomalies.isDisjoint(with: [.resetNotExact, .resetIgnored])
        // Who sent something after a RST had not been reset by it: the next RST is another matter.
        guard !self[side].reset.isSeen || self[side].lastButReset.frame > self[side].reset.frame else {
            if isFitting { self[side].isResetFitting = true }
            // An abort comes first and answers follow it, whatever order they were captured in.
            if flags.has(.ack) { self[side].resetHadAck = true }
            return
        }
        self[side].isResetFitting = isFitting
        self[side].reset = sighting
        self[side].resetHadAck = flags.has(.ack)
        self[side].resetAnswers = self[side.other].last
    }

    /// A window of 0 stalls only a peer that has something to send; how long it lasts is taken down all the same.
    private mutating func noteWindow(_ event: SegmentEvent, _ sighting: Sighting) {
        let side = event.sender
        if event.notes.contains(.windowProbe) { self[side].windowProbes &+= 1 }
        guard event.segment.flags.has(.ack), !event.segment.flags.has(.rst) else { return }
        // Wireshark's note leaves SYN and FIN out; the window of either is as shut.
        if event.segment.window == 0 {
            if !self[side].shut.isSeen { self[side].shut = sighting }
            noteShut(side, until: event.time)
        } else if self[side].shut.isSeen {
            noteShut(side, until: event.time)
            self[side].shut = Sighting()
        }
    }

    mutating func noteShut(_ side: Side, until time: Timestamp) {
        let lasted = time.since(self[side].shut.time)
        if lasted > self[side].longestShut.nanoseconds { self[side].longestShut = (lasted, self[side].shut.frame) }
    }

    private mutating func noteKeepAlive(_ event: SegmentEvent, _ sighting: Sighting) {
        let side = event.sender
        // Whatever is heard from a side answers its peer's keep-alives.
        self[side.other].unansweredKeepAlives = 0
        guard event.notes.contains(.keepAlive) else { return }
        if self[side].unansweredKeepAlives == 0 { self[side].firstKeepAlive = sighting }
        self[side].lastKeepAlive = sighting
        self[side].unansweredKeepAlives &+= 1
    }
}

extension SegmentEvent {
    /// Whether it belongs to an older connection with the same ends, whose numbers it has.
    fileprivate var isOfAnotherConnection: Bool {
        !anomalies.isDisjoint(with: [.unacceptableAck, .staleSegment])
    }

    /// Whether it acknowledges the FIN of the side with this record.
    fileprivate func acknowledges(_ record: SideRecord) -> Bool {
        record.fin.isSeen && segment.flags.has(.ack) && segment.acknowledgment.isAfter(record.finNumber)
    }
}
