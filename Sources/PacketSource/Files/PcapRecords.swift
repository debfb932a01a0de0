// The records of a usual pcap file: a fast path from a record to its frame. It is inlined into the code that reads the
// file, so that no frame costs a call.

public import TCPModel

/// Reads the records of a classic pcap file in this machine's byte order, with record headers of 16 octets.
@usableFromInline struct PcapRecords: BitwiseCopyable {
    /// Nanoseconds in one unit of the fraction: 1000 or 1.
    @usableFromInline let unit: Int64
    @usableFromInline let linkType: LinkType

    /// Returns nil if the file is not of this kind.
    init?(_ decoder: PcapDecoder) {
        guard !decoder.swapped, decoder.recordHeaderLength == 16, decoder.lengthOrder == .capturedFirst
        else { return nil }
        unit = decoder.unit
        linkType = decoder.interface.linkType
    }

    /// Delivers the frames of `bytes`, which start at a record, up to the first record that is incomplete or
    /// implausible; `PcapDecoder.run` tells which.
    ///
    /// - Returns: how many octets and frames were consumed, and whether the body asked to stop.
    @inlinable @inline(__always) func run(
        _ bytes: RawSpan, limit: Int, body: (FrameHeader, RawSpan) -> Bool
    ) -> (consumed: Int, frames: Int, isStopped: Bool) {
        let end = bytes.byteCount &- 16
        var at = 0
        var frames = 0
        while at <= end && frames < limit {
            // The 16 octets of the record's header are within the bytes: at <= end.
            let times = bytes.uncheckedLong(at)
            let lengths = bytes.uncheckedLong(at &+ 8)
            let captured = Int(lengths & 0xffff_ffff)
            let next = at &+ 16 &+ captured
            guard captured <= Int(DecoderLimit.capturedLength), next <= bytes.byteCount else { break }
            let header = FrameHeader(
                // At most 2^32 seconds and 2^32 thousand nanoseconds: below 2^63.
                time: Timestamp(
                    nanoseconds: Int64(times & 0xffff_ffff) &* 1_000_000_000 &+ Int64(times >> 32) &* unit),
                capturedLength: UInt32(truncatingIfNeeded: lengths),
                originalLength: UInt32(truncatingIfNeeded: lengths >> 32), linkType: linkType)
            let start = at &+ 16
            at = next
            frames &+= 1
            // Checked above: start <= next <= byteCount.
            guard body(header, unsafe bytes.extracting(unchecked: start..<next)) else { return (at, frames, true) }
        }
        return (at, frames, false)
    }
}
