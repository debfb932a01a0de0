// What a trace takes from a frame, the same live and on every replay: the frame is decoded, its fragment reassembled
// with others, its packets delivered one by one; and what is not TCP is counted.

import PacketSource
import TCPModel
import TCPWire

/// Finds the segments and the ICMP errors in frames.
struct FrameIntake: ~Copyable {
    /// One thing that a frame holds.
    enum Found: BitwiseCopyable {
        case segment(Segment)
        case icmp(ICMPError)
        /// The beginning of a packet whose fragments did not all arrive. It came in an earlier frame, and the current
        /// one has no segment, so the current frame's number is free for it where connections are counted by frames.
        case begun(BegunSegment)
    }

    /// What remains of the latest frame.
    private enum Rest {
        case nothing
        /// Packets of an aggregate frame.
        case packets(Aggregate)
        /// Incomplete packets that were given up when this fragment arrived: one for each fragment that completes no
        /// segment.
        case begun
    }

    private var rest = Rest.nothing
    private var counts = FrameTally()
    /// Reassembles IP fragments; holds packets whose fragments have not all arrived.
    private(set) var fragments: FragmentReassembly
    /// Segments found so far in the latest frame that holds several packets.
    private(set) var packetsFound = 0
    /// The longest captured frame of which checksums are verified, in octets; -1 for none.
    private var checksumLimit: Int
    var verifiesChecksums: Bool { checksumLimit >= 0 }
    /// Whether the first fragment of a packet that was never completed counts as a segment.
    private let countsIncomplete: Bool

    init(verifiesChecksums: Bool, countsIncomplete: Bool, keepsText: Bool = false) {
        fragments = FragmentReassembly(keepsText: keepsText)
        checksumLimit = verifiesChecksums ? .max : -1
        self.countsIncomplete = countsIncomplete
    }

    /// From now on verifies the checksums of frames of ordinary length; `acquit` takes back what is no damage. Longer
    /// frames were put together by a network card, or are still to be segmented, and adding them up takes time.
    mutating func suspectChecksums() { checksumLimit = max(checksumLimit, 2048) }

    /// The segment without the remark that its checksum is wrong.
    mutating func acquit(_ segment: Segment) -> Segment {
        counts.badChecksums &-= 1
        var segment = segment
        segment.remarks.remove(.badChecksum)
        return segment
    }

    /// Counts of what was not traced so far.
    var tally: FrameTally { counts.with(fragments) }

    /// The first item in a frame; nil if there is none. Call `next` afterwards until it returns nil.
    @inline(__always) mutating func first(in bytes: RawSpan, _ header: FrameHeader, frame: UInt64) -> Found? {
        do throws(DecodeError) {
            let decoded = try decodeFrame(bytes, header, verifyingChecksums: bytes.byteCount <= checksumLimit)
            if case .segment(let segment) = decoded { return found(segment) }
            return try first(of: decoded, in: bytes, header, frame: frame)
        } catch {
            counts.note(error, frame: frame)
            return nil
        }
    }

    @inline(never) private mutating func first(
        of decoded: DecodedFrame, in bytes: RawSpan, _ header: FrameHeader, frame: UInt64
    ) throws(DecodeError) -> Found? {
        switch decoded {
        case .fragment(let fragment): return take(fragment, bytes, at: header.time, frame: frame)
        case .aggregate(let several):
            rest = .packets(several)
            packetsFound = 0
            return next(in: bytes, frame: frame)
        case .segment, .icmp, .other, .text: return found(decoded)
        }
    }

    /// The next item in the frame that was last passed to `first`; nil if there are no more.
    @inline(__always) mutating func next(in bytes: RawSpan, frame: UInt64) -> Found? {
        if case .nothing = rest { return nil }
        return nextOfRest(in: bytes, frame: frame)
    }

    @inline(never) private mutating func nextOfRest(in bytes: RawSpan, frame: UInt64) -> Found? {
        switch rest {
        case .nothing: return nil
        case .begun:
            rest = .nothing
            return nextBegun().map { .begun($0) }
        case .packets(var several):
            let packet = next(of: &several, in: bytes, frame: frame)
            if packet == nil {
                counts.leftOut &+= several.leftOut
                rest = .nothing
            } else {
                rest = .packets(several)
            }
            return packet
        }
    }

    /// The next packet of an aggregate frame that matters to the trace.
    private mutating func next(of several: inout Aggregate, in bytes: RawSpan, frame: UInt64) -> Found? {
        while true {
            do throws(DecodeError) {
                guard let decoded = try several.next(bytes) else { return nil }
                if case .segment = decoded { packetsFound &+= 1 }
                if let item = found(decoded) { return item }
            } catch {
                counts.note(error, frame: frame)
            }
        }
    }

    /// Takes in a fragment and returns what it completes, or else a packet that was given up.
    private mutating func take(_ fragment: Fragment, _ bytes: RawSpan, at time: Timestamp, frame: UInt64) -> Found? {
        rest = .begun
        do throws(DecodeError) {
            if let item = found(try fragments.take(fragment, bytes, at: time, frame: frame)) {
                if case .segment = item { rest = .nothing }
                return item
            }
        } catch {
            counts.note(error, frame: frame)
        }
        return nextOfRest(in: bytes, frame: frame)
    }

    /// The item in one decoded packet; nil if it is not TCP.
    private mutating func found(_ packet: DecodedFrame) -> Found? {
        switch packet {
        case .segment(let segment): return found(segment)
        case .icmp(let error): return .icmp(error)
        case .other(let kind): counts.note(kind)
        // Neither reassembled packets nor the packets of an aggregate contain these.
        case .fragment, .aggregate: break
        // Text is requested elsewhere.
        case .text: break
        }
        return nil
    }

    @inline(__always) private mutating func found(_ segment: Segment) -> Found {
        if segment.remarks.contains(.badChecksum) { counts.badChecksums &+= 1 }
        return .segment(segment)
    }

    /// The capture has ended: gives up packets whose fragments did not all arrive. `nextBegun` then returns their
    /// beginnings, at most twice `FragmentReassembly.mostDatagrams` of them.
    mutating func giveUpFragments() { fragments.giveUpAll() }

    /// The beginning of a packet that was given up; nil if there is none, or if incomplete packets do not count.
    mutating func nextBegun() -> BegunSegment? {
        guard let begun = fragments.nextBegun(), countsIncomplete else { return nil }
        if begun.segment.remarks.contains(.badChecksum) { counts.badChecksums &+= 1 }
        return begun
    }
}
