// Reassembles IP packets from their fragments (RFC 791 3.2, RFC 8200 4.5, RFC 5722), within bounded memory.

public import TCPModel

/// Counts of fragments and of the packets made from them.
public struct FragmentCounts: Sendable, Equatable {
    /// Fragments seen.
    public var fragments: UInt64 = 0
    /// Packets reassembled.
    public var reassembled: UInt64 = 0
    /// Packets abandoned because the remaining fragments did not arrive in time.
    public var expired: UInt64 = 0
    /// Packets abandoned because too many others were incomplete.
    public var evicted: UInt64 = 0
    /// Packets with overlapping fragments. In IPv4 the octets that came first are used; IPv6 packets are discarded.
    public var overlapping: UInt64 = 0
    /// Abandoned packets whose first fragment was seen and has a whole TCP header.
    public var begun: UInt64 = 0
    /// Packets or fragments that contradict themselves: two different ends, an end beyond 65535, or an impossible
    /// length.
    public var invalid: UInt64 = 0

    /// No fragments.
    public init() {}
}

/// The TCP segment at the start of a packet whose other fragments did not arrive. See `SegmentRemarks.incomplete`.
public struct BegunSegment: BitwiseCopyable, Sendable {
    /// The segment, as far as the first fragment contains it.
    public let segment: Segment
    /// The capture time of that fragment.
    public let time: Timestamp
    /// The frame number of that fragment.
    public let frame: UInt64
}

/// Reassembles packets. A single owner passes fragments in capture order; the only clock is the capture's.
public struct FragmentReassembly: Sendable {
    /// The most packets that can be incomplete at a time. For each, 512 octets are kept, or up to 64 KiB if texts are
    /// wanted.
    public static let mostDatagrams = 1024
    /// How long a packet may remain incomplete, in nanoseconds (RFC 8200 4.5; RFC 1122 3.3.2).
    public static let lifetime = 60 * Span.second

    /// The counts so far.
    public private(set) var counts = FragmentCounts()
    private var datagrams: [FragmentKey: Datagram] = [:]
    /// Packets in order of their first arrival; finished ones stay in the queue until they reach its front.
    private var queue: [(key: FragmentKey, serial: UInt64)] = []
    private var queueStart = 0
    private var serial: UInt64 = 0
    /// The segments that `nextBegun` returns, each with its text if texts are wanted: at most `mostDatagrams`.
    private var begun: [(segment: BegunSegment, text: [UInt8])] = []
    private var begunStart = 0
    /// Whether texts are wanted.
    private let keepsText: Bool
    /// The captured text of the segment that `take` or `nextBegun` returned last; empty unless texts are wanted.
    public private(set) var latestText: [UInt8] = []

    /// Starts without any packets. With `keepsText`, the text of reassembled segments is kept too.
    public init(keepsText: Bool = false) { self.keepsText = keepsText }

    /// The number of incomplete packets.
    public var unfinished: Int { datagrams.reduce(0) { $0 + ($1.value.isDiscarded ? 0 : 1) } }

    /// Adds a fragment that `decodeFrame` found in `bytes`.
    ///
    /// - Returns: the contents of the packet if this fragment completes it, otherwise `other(.fragment)`.
    /// - Throws: the same errors as `decodeFrame`; offsets in them count from the start of the packet's payload.
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
            // Of several packets only the first is used, since so little of the payload is kept.
            if case .aggregate(var several) = inner { inner = try several.next(octets) ?? .other(.tunnel) }
        }
        // A tunnel inside may carry fragments too. They are one tunnel deeper, so the recursion ends.
        if case .fragment(var deeper) = inner {
            try withOctets(datagram.kept, count: datagram.readable) { octets throws(DecodeError) in
                // With all its text, if that was kept.
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

    /// The text in a reassembled packet, or in the first `length` octets of an abandoned one.
    private func text(of datagram: Datagram, _ first: Fragment, length: Int) throws(DecodeError) -> [UInt8] {
        var text: [UInt8] = []
        try withOctets(datagram.kept, count: min(datagram.readable, length)) { octets throws(DecodeError) in
            var found = try reassembledFrame(octets, first, total: length, .reassembled, locatesText: true)
            if case .aggregate(var several) = found { found = try several.next(octets) ?? .other(.tunnel) }
            if case .text(let place) = found { text = octets.copied(place.start, count: place.count) }
        }
        return text
    }

    /// The next segment found at the start of an abandoned packet; nil if there is none. They come in the order in
    /// which their packets were abandoned, which depends on the capture alone.
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

    /// Abandons all incomplete packets, since no more fragments will come.
    public mutating func giveUpAll() {
        while queueStart < queue.count {
            let (key, serial) = queue[queueStart]
            queueStart += 1
            abandon(key, serial, \.expired)
        }
    }

    /// Forgets an incomplete packet and counts it there; false if it was finished before.
    @discardableResult private mutating func abandon(
        _ key: FragmentKey, _ serial: UInt64, _ counter: WritableKeyPath<FragmentCounts, UInt64>
    ) -> Bool {
        guard let datagram = datagrams[key], datagram.serial == serial else { return false }
        if !datagram.isDiscarded {
            counts[keyPath: counter] &+= 1
            noteBegun(datagram)
        }
        datagrams[key] = nil
        return true
    }

    /// Keeps the segment at the start of a packet, if its first fragment has arrived and holds one.
    private mutating func noteBegun(_ datagram: Datagram) {
        guard let first = datagram.first, begun.count - begunStart < Self.mostDatagrams else { return }
        var found: DecodedFrame = .other(.fragment)
        do throws(DecodeError) {
            try withOctets(datagram.kept, count: min(datagram.readable, first.length, Datagram.decodedLength)) {
                octets throws(DecodeError) in
                found = try reassembledFrame(octets, first, total: first.length, .incomplete)
            }
        } catch {
            // There is too little of the packet to tell what it is.
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
        // Finished packets can pile up behind an old incomplete one.
        if queue.count - queueStart > 4 * Self.mostDatagrams {
            queue = queue[queueStart...].filter { datagrams[$0.key]?.serial == $0.serial }
            queueStart = 0
        }
    }

    /// Abandons packets that began too long ago. A clock that was set back abandons nothing, and packets that it leaves
    /// in the future block no others: each call moves at most one of them to the end of the queue.
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
                abandon(key, serial, \.expired)
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
            if abandon(key, serial, \.evicted) { return }
        }
    }
}

/// Decodes a reassembled packet. `bytes` is the start of its payload, which has `total` octets.
private func reassembledFrame(
    _ bytes: RawSpan, _ first: Fragment, total: Int, _ remarks: SegmentRemarks, locatesText: Bool = false
) throws(DecodeError) -> DecodedFrame {
    // Too few octets of a longer packet are kept to verify its checksum.
    let frame = FrameExtent(
        captured: bytes.byteCount, original: total, limit: .fragments, verifiesChecksums: false,
        locatesText: locatesText)
    var payload = IPv6Payload(
        nextHeader: first.protocolNumber, offset: 0, end: total, limit: .fragments, remarks: remarks)
    if !first.isIPv4 {
        try payload.skipExtensions(bytes, frame, from: 0)
        // A fragment header inside a fragmented packet: no host sends that.
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
