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
    /// Packets or fragments that contradict themselves: two ends, an end beyond 65535, octets that do not fit.
    public var invalid: UInt64 = 0

    /// No fragments.
    public init() {}
}

/// The packets in the making. One owner feeds it in capture order; it knows no clock but the capture's.
public struct FragmentReassembly: Sendable {
    /// Packets in the making at a time: at most so many times 512 octets are kept.
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

    /// Nothing in the making.
    public init() {}

    /// Packets whose fragments have not all come.
    public var unfinished: Int { datagrams.reduce(0) { $0 + ($1.value.isDiscarded ? 0 : 1) } }

    /// Takes in a fragment that `decodeFrame` found in `bytes`.
    ///
    /// - Returns: what the packet holds if it is complete now, else `other(.fragment)`.
    /// - Throws: a `DecodeError` as `decodeFrame` does; offsets in it count from the start of the packet's payload.
    public mutating func take(
        _ fragment: Fragment, _ bytes: RawSpan, at time: Timestamp
    ) throws(DecodeError) -> DecodedFrame {
        counts.fragments &+= 1
        expire(time.nanoseconds)
        let key = fragment.key
        if datagrams[key] == nil { begin(key, time.nanoseconds) }
        let hadOverlap = datagrams[key]?.hasOverlap ?? false
        let outcome = datagrams[key]?.take(fragment, bytes) ?? .waiting
        let hasOverlap = datagrams[key]?.hasOverlap ?? false
        if hasOverlap && !hadOverlap { counts.overlapping &+= 1 }
        switch outcome {
        case .waiting: return .other(.fragment)
        case .invalid:
            counts.invalid &+= 1
            return .other(.fragment)
        case .discarded:
            if !hasOverlap { counts.invalid &+= 1 }
            return .other(.fragment)
        case .complete: break
        }
        guard let datagram = datagrams.removeValue(forKey: key), let first = datagram.first, let total = datagram.total
        else { return .other(.fragment) }
        counts.reassembled &+= 1
        var inner: DecodedFrame = .other(.fragment)
        try withOctets(datagram.kept, count: datagram.readable) { octets throws(DecodeError) in
            inner = try reassembledFrame(octets, first, total: total, hasOverlap: datagram.hasOverlap)
            // A tunnel inside may carry fragments too. They are one tunnel deeper, so that this ends.
            if case .fragment(let deeper) = inner { inner = try take(deeper, octets, at: time) }
        }
        return inner
    }

    private mutating func begin(_ key: FragmentKey, _ now: Int64) {
        if datagrams.count >= Self.mostDatagrams { giveUpOldest() }
        serial &+= 1
        datagrams[key] = Datagram(started: now, serial: serial)
        queue.append((key, serial))
        // The ones that are over may be many while an old one waits.
        if queue.count - queueStart > 4 * Self.mostDatagrams {
            queue = queue[queueStart...].filter { datagrams[$0.key]?.serial == $0.serial }
            queueStart = 0
        }
    }

    /// Gives up what began too long ago. A clock that went back gives nothing up.
    private mutating func expire(_ now: Int64) {
        while queueStart < queue.count {
            let (key, serial) = queue[queueStart]
            if let datagram = datagrams[key], datagram.serial == serial {
                let (age, overflow) = now.subtractingReportingOverflow(datagram.started)
                guard !overflow, age > Self.lifetime else { break }
                if !datagram.isDiscarded { counts.expired &+= 1 }
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
            if !datagram.isDiscarded { counts.evicted &+= 1 }
            datagrams[key] = nil
            return
        }
    }
}

/// What a packet that was put together holds. `bytes` is the start of its payload, of `total` octets.
private func reassembledFrame(
    _ bytes: RawSpan, _ first: Fragment, total: Int, hasOverlap: Bool
) throws(DecodeError) -> DecodedFrame {
    let frame = FrameExtent(captured: bytes.byteCount, original: total, limit: .fragments)
    var remarks = SegmentRemarks.reassembled
    if hasOverlap { remarks.formUnion(.overlappingFragments) }
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
