// Puts IP packets together from their fragments (RFC 791 3.2, RFC 8200 4.5, RFC 5722), within bounds.

public import TCPModel

/// What became of fragments.
public struct FragmentCounts: Sendable, Equatable {
    /// Fragments that were seen.
    public var fragments: UInt64 = 0
    /// Packets that were put together.
    public var reassembled: UInt64 = 0
    /// Packets given up because the rest did not come in time.
    public var expired: UInt64 = 0
    /// Packets given up because too many others were in the making.
    public var evicted: UInt64 = 0
    /// Packets with overlapping fragments: of IPv4 the first octets count, IPv6 is discarded.
    public var overlapping: UInt64 = 0
    /// Given up packets of which the first fragment was there, with a whole TCP header.
    public var begun: UInt64 = 0
    /// Packets or fragments that contradict themselves: two ends, an end beyond 65535, octets that do not fit.
    public var invalid: UInt64 = 0

    /// No fragments.
    public init() {}
}

/// The TCP segment that the first fragment of a packet begins with whose others did not come. See
/// `SegmentRemarks.incomplete`.
public struct BegunSegment: BitwiseCopyable, Sendable {
    /// As far as that fragment goes.
    public let segment: Segment
    /// The fragment's time.
    public let time: Timestamp
    /// The fragment's frame.
    public let frame: UInt64
}

/// The packets in the making. One owner feeds it in capture order; it knows no clock but the capture's.
public struct FragmentReassembly: Sendable {
    /// Packets in the making at a time: at most so many times 512 octets are kept, or 64 KB where somebody asks for texts.
    public static let mostDatagrams = 1024
    /// How long a packet may take, in nanoseconds (RFC 8200 4.5; RFC 1122 3.3.2).
    public static let lifetime = 60 * Span.second

    /// What became of them so far.
    public private(set) var counts = FragmentCounts()
    private var datagrams: [FragmentKey: Datagram] = [:]
    /// In the order in which they began; those that are over stay until they are met.
    private var queue: [(key: FragmentKey, serial: UInt64)] = []
    private var queueStart = 0
    private var serial: UInt64 = 0
    /// What `nextBegun` returns, and the text of each if somebody asks for that: at most `mostDatagrams`.
    private var begun: [(segment: BegunSegment, text: [UInt8])] = []
    private var begunStart = 0
    /// Whether somebody asks for the text of segments.
    private let keepsText: Bool
    /// The text of the segment that `take` or `nextBegun` returned last, as far as it was captured; empty unless somebody asks for it.
    public private(set) var latestText: [UInt8] = []

    /// Nothing in the making.
    public init(keepsText: Bool = false) { self.keepsText = keepsText }

    /// Packets whose fragments have not all come.
    public var unfinished: Int { datagrams.reduce(0) { $0 + ($1.value.isDiscarded ? 0 : 1) } }

    /// Takes in a fragment that `decodeFrame` found in `bytes`.
    ///
    /// - Returns: what the packet holds if it is complete now, else `other(.fragment)`.
    /// - Throws: a `DecodeError` as `decodeFrame` does; offsets in it count from the start of the packet's payload.
    public mutating func take(
        _ fragment: Fragment, _ bytes: RawSpan, at time: Timestamp, frame: UInt64
    ) throws(DecodeError) -> DecodedFrame {
        counts.fragments &+= 1
        expire(time.nanoseconds)
        let key = fragment.key
        if datagrams[key] == nil { begin(key, time.nanoseconds) }
        let hadOverlap = datagrams[key]?.hasOverlap ?? false
        let outcome = datagrams[key]?.take(fragment, bytes, at: time.nanoseconds, frame: frame) ?? .waiting
        let hasOverlap = datagrams[key]?.hasOverlap ?? false
        if hasOverlap && !hadOverlap { counts.overlapping &+= 1 }
        switch outcome {
        case .waiting: return .other(.fragment)
        case .invalid:
            counts.invalid &+= 1
            return .other(.fragment)
        case .discarded:
            if !hasOverlap { counts.invalid &+= 1 }
            if let datagram = datagrams[key] { noteBegun(datagram) }
            datagrams[key]?.forgetOctets()
            return .other(.fragment)
        case .complete: break
        }
        guard let datagram = datagrams.removeValue(forKey: key), let first = datagram.first, let total = datagram.total
        else { return .other(.fragment) }
        counts.reassembled &+= 1
        var inner: DecodedFrame = .other(.fragment)
        try withOctets(datagram.kept, count: min(datagram.readable, Datagram.decodedLength)) {
            octets throws(DecodeError) in
            var remarks = SegmentRemarks.reassembled
            if datagram.hasOverlap { remarks.formUnion(.overlappingFragments) }
            inner = try reassembledFrame(octets, first, total: total, remarks)
            // Of several packets the first one, since so little of the payload is kept.
            if case .aggregate(var several) = inner { inner = try several.next(octets) ?? .other(.tunnel) }
        }
        // A tunnel inside may carry fragments too. They are one tunnel deeper, so that this ends.
        if case .fragment(var deeper) = inner {
            try withOctets(datagram.kept, count: datagram.readable) { octets throws(DecodeError) in
                // With all of its text, where that was kept.
                if keepsText,
                    case .fragment(let whole) = try reassembledFrame(octets, first, total: total, .reassembled)
                {
                    deeper = whole
                }
                inner = try take(deeper, octets, at: time, frame: frame)
            }
        } else if keepsText {
            latestText = try text(of: datagram, first, length: total)
        }
        return inner
    }

    /// The text in a packet that was put together, or in the first `length` octets of one that was given up.
    private func text(of datagram: Datagram, _ first: Fragment, length: Int) throws(DecodeError) -> [UInt8] {
        var text: [UInt8] = []
        try withOctets(datagram.kept, count: min(datagram.readable, length)) { octets throws(DecodeError) in
            var found = try reassembledFrame(octets, first, total: length, .reassembled, locatesText: true)
            if case .aggregate(var several) = found { found = try several.next(octets) ?? .other(.tunnel) }
            if case .text(let place) = found { text = octets.copied(place.start, count: place.count) }
        }
        return text
    }

    /// The next of the segments that packets began with which were given up; nil if there is none. In the order in which they
    /// were given up, which is that of the capture and depends on nothing else.
    public mutating func nextBegun() -> BegunSegment? {
        guard begunStart < begun.count else { return nil }
        begunStart += 1
        let (next, text) = begun[begunStart - 1]
        latestText = text
        if begunStart == begun.count {
            begun.removeAll()
            begunStart = 0
        }
        return next
    }

    /// Nothing more comes: gives up all that is in the making.
    public mutating func giveUpAll() {
        while queueStart < queue.count {
            let (key, serial) = queue[queueStart]
            queueStart += 1
            guard let datagram = datagrams[key], datagram.serial == serial else { continue }
            if !datagram.isDiscarded {
                counts.expired &+= 1
                noteBegun(datagram)
            }
            datagrams[key] = nil
        }
    }

    /// Keeps the segment that a packet begins with, if its first fragment is there and says so.
    private mutating func noteBegun(_ datagram: Datagram) {
        guard let first = datagram.first, begun.count - begunStart < Self.mostDatagrams else { return }
        var found: DecodedFrame = .other(.fragment)
        do throws(DecodeError) {
            try withOctets(datagram.kept, count: min(datagram.readable, first.length, Datagram.decodedLength)) {
                octets throws(DecodeError) in
                found = try reassembledFrame(octets, first, total: first.length, .incomplete)
            }
        } catch {
            // Too little of it to tell what it is.
            return
        }
        guard case .segment(let segment) = found else { return }
        counts.begun &+= 1
        if begunStart > Self.mostDatagrams {
            begun.removeFirst(begunStart)
            begunStart = 0
        }
        let text = keepsText ? (try? text(of: datagram, first, length: first.length)) ?? [] : []
        begun.append(
            (
                BegunSegment(
                    segment: segment, time: Timestamp(nanoseconds: datagram.firstTime), frame: datagram.firstFrame),
                text
            ))
    }

    private mutating func begin(_ key: FragmentKey, _ now: Int64) {
        if datagrams.count >= Self.mostDatagrams { giveUpOldest() }
        serial &+= 1
        datagrams[key] = Datagram(started: now, serial: serial, keepsText: keepsText)
        queue.append((key, serial))
        // The ones that are over may be many while an old one waits.
        if queue.count - queueStart > 4 * Self.mostDatagrams {
            queue = queue[queueStart...].filter { datagrams[$0.key]?.serial == $0.serial }
            queueStart = 0
        }
    }

    /// Gives up what began too long ago. A clock that went back gives nothing up, and what it left in the future holds up nobody: it
    /// goes to the end of the queue, one at a time.
    private mutating func expire(_ now: Int64) {
        var hasPutOff = false
        while queueStart < queue.count {
            let (key, serial) = queue[queueStart]
            if let datagram = datagrams[key], datagram.serial == serial {
                let (age, overflow) = now.subtractingReportingOverflow(datagram.started)
                if !overflow, age < 0, !hasPutOff, queueStart + 1 < queue.count {
                    hasPutOff = true
                    queue.append((key, serial))
                    queueStart += 1
                    continue
                }
                guard !overflow, age > Self.lifetime else { break }
                if !datagram.isDiscarded {
                    counts.expired &+= 1
                    noteBegun(datagram)
                }
                datagrams[key] = nil
            }
            queueStart += 1
        }
        if queueStart > Self.mostDatagrams {
            queue.removeFirst(queueStart)
            queueStart = 0
        }
    }

    private mutating func giveUpOldest() {
        while queueStart < queue.count {
            let (key, serial) = queue[queueStart]
            queueStart += 1
            guard let datagram = datagrams[key], datagram.serial == serial else { continue }
            if !datagram.isDiscarded {
                counts.evicted &+= 1
                noteBegun(datagram)
            }
            datagrams[key] = nil
            return
        }
    }
}

/// What a packet that was put together holds. `bytes` is the start of its payload, of `total` octets.
private func reassembledFrame(
    _ bytes: RawSpan, _ first: Fragment, total: Int, _ remarks: SegmentRemarks, locatesText: Bool = false
) throws(DecodeError) -> DecodedFrame {
    // Of a longer packet too few octets are kept to verify anything.
    let frame = FrameExtent(
        captured: bytes.byteCount, original: total, limit: .fragments, verifiesChecksums: false,
        locatesText: locatesText)
    var payload = IPv6Payload(
        nextHeader: first.protocolNumber, offset: 0, end: total, limit: .fragments, remarks: remarks)
    if !first.isIPv4 {
        try payload.skipExtensions(bytes, frame, from: 0)
        // A fragment header in what is fragmented: no host sends that.
        if payload.isFragment { return .other(.fragment) }
    }
    return try ipPayloadFrame(
        bytes, frame, number: payload.nextHeader, isInIPv4: first.isIPv4,
        NetworkPacket(
            source: first.source, destination: first.destination, offset: payload.offset,
            length: total - payload.offset, limit: .fragments, ipLength: first.headerLength + total,
            identification: first.isIPv4 ? UInt16(truncatingIfNeeded: first.identification) : 0,
            hopLimit: first.hopLimit, remarks: payload.remarks, nesting: first.nesting))
}
