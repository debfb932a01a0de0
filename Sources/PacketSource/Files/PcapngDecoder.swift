// pcapng: decodes sections, interface descriptions, statistics and packet blocks. Each block's length is checked first.

import TCPModel

/// The decoder of one pcapng file, with the state from its sections and interface descriptions so far.
struct PcapngDecoder {
    /// The interfaces of all sections so far; a frame's interface is an index into this array.
    private(set) var interfaces: [CaptureInterface] = []
    private var clocks: [PcapngClock] = []
    /// For each interface, the frames lost: as stated by its latest statistics, and as summed up from its packets.
    private var drops: [(stated: UInt64, told: UInt64)] = []
    /// The first interface of the current section.
    private var sectionBase = 0
    private var swapped = false
    private let keepsLocalBlocks: Bool

    /// A decoder before its first block. It stops at blocks of our own if `keepsLocalBlocks`, and otherwise skips them
    /// as other programs do.
    init(keepsLocalBlocks: Bool = false) { self.keepsLocalBlocks = keepsLocalBlocks }

    /// The sum over the interfaces of the last isb_ifdrop, or of the sum from their packets if that is larger.
    /// Saturates.
    var droppedFrames: UInt64 { drops.reduce(0) { Self.sum($0, max($1.stated, $1.told)) } }

    private static func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let (total, overflow) = first.addingReportingOverflow(second)
        return overflow ? .max : total
    }

    /// Processes the blocks of `bytes`, which start at a block, and delivers their frames. It returns after each
    /// interface description, so that the caller can inspect the interface before its first frame.
    mutating func run(
        _ bytes: RawSpan, limit: Int, body: (FrameHeader, RawSpan) -> Bool
    ) -> DecoderOutcome {
        let count = bytes.byteCount
        var at = 0
        var frames = 0
        while at < count {
            guard count - at >= 12 else {
                return DecoderOutcome(consumed: at, frames: frames, stop: .needs(12, isPacket: false))
            }
            let type = bytes.word(at, swapped: swapped)
            if type == PcapngBlock.sectionHeader, let fault = startSection(magic: bytes.word(at + 8, swapped: false)) {
                return DecoderOutcome(consumed: at, frames: frames, stop: .fault(fault))
            }
            let isPacket =
                type == PcapngBlock.enhancedPacket || type == PcapngBlock.simplePacket
                || type == PcapngBlock.obsoletePacket
            let length = bytes.word(at + 4, swapped: swapped)
            guard length >= 12, length & 3 == 0, length <= DecoderLimit.blockLength else {
                return DecoderOutcome(consumed: at, frames: frames, stop: .fault(.badBlockLength(length)))
            }
            guard count - at >= Int(length) else {
                return DecoderOutcome(consumed: at, frames: frames, stop: .needs(Int(length), isPacket: isPacket))
            }
            let trailer = bytes.word(at + Int(length) - 4, swapped: swapped)
            guard trailer == length else {
                return DecoderOutcome(
                    consumed: at, frames: frames, stop: .fault(.blockLengthMismatch(length, trailer)))
            }
            if isPacket && frames >= limit {
                return DecoderOutcome(consumed: at, frames: frames, stop: .limit)
            }
            let content = bytes.extracting(at + 8..<at + Int(length) - 4)
            if type == LocalBlock.type, keepsLocalBlocks, let payload = LocalBlock.payload(content) {
                // Like a frame, it is left until the caller wants one.
                if limit == 0 { return DecoderOutcome(consumed: at, frames: frames, stop: .limit) }
                return DecoderOutcome(consumed: at + Int(length), frames: frames, stop: .localBlock(payload))
            }
            let fault: CaptureFileError.Reason?
            var wanted = true
            switch type {
            case PcapngBlock.enhancedPacket, PcapngBlock.obsoletePacket:
                fault = packet(content, isObsolete: type == PcapngBlock.obsoletePacket, wanted: &wanted, body)
            case PcapngBlock.simplePacket: fault = simplePacket(content, wanted: &wanted, body)
            case PcapngBlock.interfaceDescription: fault = describe(content)
            case PcapngBlock.interfaceStatistics: fault = statistics(content)
            case PcapngBlock.sectionHeader: fault = checkSection(content)
            default: fault = nil
            }
            if let fault { return DecoderOutcome(consumed: at, frames: frames, stop: .fault(fault)) }
            at += Int(length)
            if isPacket { frames += 1 }
            guard wanted else { return DecoderOutcome(consumed: at, frames: frames, stop: .stopped) }
            if type == PcapngBlock.interfaceDescription {
                return DecoderOutcome(consumed: at, frames: frames, stop: .interface)
            }
        }
        return DecoderOutcome(consumed: at, frames: frames, stop: .exhausted)
    }

    // MARK: - Packets

    /// An enhanced packet block, or the obsolete packet block, whose interface number has 16 bits and is followed by a
    /// drop count.
    @inline(__always) private mutating func packet(
        _ content: RawSpan, isObsolete: Bool, wanted: inout Bool, _ body: (FrameHeader, RawSpan) -> Bool
    ) -> CaptureFileError.Reason? {
        let fixed = 20
        guard content.byteCount >= fixed else { return .badBlockLength(UInt32(content.byteCount + 12)) }
        let id = isObsolete ? UInt32(content.half(0, swapped: swapped)) : content.word(0, swapped: swapped)
        guard id < interfaces.count - sectionBase else { return .unknownInterface(id) }
        let index = sectionBase + Int(id)
        let captured = content.word(12, swapped: swapped)
        guard captured <= DecoderLimit.capturedLength else { return .packetTooLong(captured) }
        guard Int(captured) <= content.byteCount - fixed else { return .packetBeyondBlock(captured: captured) }
        let options = fixed + (Int(captured) + 3) & ~3
        if isObsolete {
            let lost = content.half(2, swapped: swapped)
            // All ones: unknown.
            if lost != .max { drops[index].told = Self.sum(drops[index].told, UInt64(lost)) }
        } else if content.byteCount - options >= 4 {
            takeOptions(content, from: options, of: index)
        }
        let header = FrameHeader(
            time: clocks[index].time(
                high: content.word(4, swapped: swapped), low: content.word(8, swapped: swapped)),
            capturedLength: captured, originalLength: content.word(16, swapped: swapped),
            linkType: interfaces[index].linkType, interface: UInt16(index))
        wanted = body(header, content.extracting(fixed..<fixed + Int(captured)))
        return nil
    }

    /// Reads the options of an enhanced packet block: only the number of frames lost before it (epb_dropcount) matters.
    @inline(never) private mutating func takeOptions(_ content: RawSpan, from start: Int, of interface: Int) {
        let isSwapped = swapped
        var lost: UInt64 = 0
        _ = forEachOption(content, from: start) { code, value in
            if code == PcapngOption.lostBefore, value.byteCount >= 8 { lost = value.long(0, swapped: isSwapped) }
        }
        drops[interface].told = Self.sum(drops[interface].told, lost)
    }

    /// A simple packet block: it belongs to the section's first interface and has no timestamp (it gets the epoch).
    private mutating func simplePacket(
        _ content: RawSpan, wanted: inout Bool, _ body: (FrameHeader, RawSpan) -> Bool
    ) -> CaptureFileError.Reason? {
        guard content.byteCount >= 4 else { return .badBlockLength(UInt32(content.byteCount + 12)) }
        guard sectionBase < interfaces.count else { return .unknownInterface(0) }
        let original = content.word(0, swapped: swapped)
        let limit = interfaces[sectionBase].snapshotLength
        let captured = limit == 0 ? original : min(original, limit)
        guard captured <= DecoderLimit.capturedLength else { return .packetTooLong(captured) }
        guard Int(captured) <= content.byteCount - 4 else { return .packetBeyondBlock(captured: captured) }
        let header = FrameHeader(
            time: Timestamp(nanoseconds: 0), capturedLength: captured, originalLength: original,
            linkType: interfaces[sectionBase].linkType, interface: UInt16(sectionBase))
        wanted = body(header, content.extracting(4..<4 + Int(captured)))
        return nil
    }

    // MARK: - Everything else

    /// Sets the section's byte order from its magic, which is passed as read in this machine's byte order.
    private mutating func startSection(magic: UInt32) -> CaptureFileError.Reason? {
        switch magic {
        case PcapngBlock.byteOrderMagic: swapped = false
        case PcapngBlock.byteOrderMagic.byteSwapped: swapped = true
        default: return .badByteOrderMagic(magic)
        }
        return nil
    }

    private mutating func checkSection(_ content: RawSpan) -> CaptureFileError.Reason? {
        guard content.byteCount >= 16 else { return .badBlockLength(UInt32(content.byteCount + 12)) }
        let major = content.half(4, swapped: swapped)
        guard major == 1 else {
            return .unsupportedVersion(major: Int(major), minor: Int(content.half(6, swapped: swapped)))
        }
        sectionBase = interfaces.count
        return nil
    }

    private mutating func describe(_ content: RawSpan) -> CaptureFileError.Reason? {
        guard content.byteCount >= 8 else { return .badInterfaceDescription }
        guard interfaces.count < DecoderLimit.interfaces else { return .tooManyInterfaces }
        var name: String?
        var resolution: UInt8 = 6
        var offsetSeconds: Int64 = 0
        let isSwapped = swapped
        let isSound = forEachOption(content, from: 8) { code, value in
            switch code {
            case PcapngOption.interfaceName where value.byteCount > 0: name = Self.text(value)
            case PcapngOption.resolution where value.byteCount >= 1: resolution = value.byte(0)
            case PcapngOption.offset where value.byteCount >= 8:
                offsetSeconds = Int64(bitPattern: value.long(0, swapped: isSwapped))
            default: break
            }
        }
        guard isSound else { return .badInterfaceDescription }
        guard let clock = PcapngClock(resolution: resolution, offsetSeconds: offsetSeconds) else {
            return .badTimestampResolution(resolution)
        }
        interfaces.append(
            CaptureInterface(
                name: name, linkType: LinkType(content.half(0, swapped: swapped)),
                snapshotLength: content.word(4, swapped: swapped)))
        clocks.append(clock)
        drops.append((stated: 0, told: 0))
        return nil
    }

    /// Interface statistics: only the drop count matters, and a malformed block is not worth stopping for.
    private mutating func statistics(_ content: RawSpan) -> CaptureFileError.Reason? {
        guard content.byteCount >= 12 else { return nil }
        let id = content.word(0, swapped: swapped)
        guard id < interfaces.count - sectionBase else { return nil }
        let isSwapped = swapped
        var dropped: UInt64?
        _ = forEachOption(content, from: 12) { code, value in
            if code == PcapngOption.dropped, value.byteCount >= 8 { dropped = value.long(0, swapped: isSwapped) }
        }
        if let dropped { drops[sectionBase + Int(id)].stated = dropped }
        return nil
    }

    /// Calls `body` with each option from `start` on; false if one exceeds the block.
    private func forEachOption(_ content: RawSpan, from start: Int, _ body: (UInt16, RawSpan) -> Void) -> Bool {
        var at = start
        while content.byteCount - at >= 4 {
            let code = content.half(at, swapped: swapped)
            let length = Int(content.half(at + 2, swapped: swapped))
            if code == PcapngOption.end { return true }
            guard content.byteCount - at - 4 >= length else { return false }
            body(code, content.extracting(at + 4..<at + 4 + length))
            at += 4 + (length + 3) & ~3
        }
        return true
    }

    /// The first 256 bytes of a name at most, with invalid UTF-8 repaired.
    private static func text(_ value: RawSpan) -> String {
        let bytes = (0..<min(value.byteCount, 256)).map { value.byte($0) }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
