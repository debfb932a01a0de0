// What a frame holds for a trace, the same live and on every replay: decoded, its fragment put together with others, its packets
// one by one; and the count of what is none.

import PacketSource
import TCPModel
import TCPWire

/// Finds the segments and the ICMP errors in frames.
struct FrameIntake: ~Copyable {
    /// One thing that a frame holds.
    enum Found: BitwiseCopyable {
        case segment(Segment)
        case icmp(ICMPError)
        /// What a packet began with whose fragments have not all come. It came in an earlier frame, and this one has no segment:
        /// its number is free for it, where connections are counted by frames.
        case begun(BegunSegment)
    }

    /// What is left of the latest frame.
    private enum Rest {
        case nothing
        /// Its packets.
        case packets(Aggregate)
        /// What was given up when its fragment came: one for each fragment that completes no segment.
        case begun
    }

    private var rest = Rest.nothing
    private var counts = FrameTally()
    /// IP packets whose fragments have not all come.
    private(set) var fragments: FragmentReassembly
    /// Segments that the latest frame with several packets had so far.
    private(set) var packetsFound = 0
    let verifiesChecksums: Bool
    /// Whether the first fragment of a packet that was never complete counts as a segment.
    private let countsIncomplete: Bool

    init(verifiesChecksums: Bool, countsIncomplete: Bool, keepsText: Bool = false) {
        fragments = FragmentReassembly(keepsText: keepsText)
        self.verifiesChecksums = verifiesChecksums
        self.countsIncomplete = countsIncomplete
    }

    /// What was not traced, so far.
    var tally: FrameTally { counts.with(fragments) }

    /// The first thing in a frame; nil if it holds nothing. Then `next`, until there is no more.
    @inline(__always) mutating func first(in bytes: RawSpan, _ header: FrameHeader, frame: UInt64) -> Found? {
        do throws(DecodeError) {
            let decoded = try decodeFrame(bytes, header, verifyingChecksums: verifiesChecksums)
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

    /// What else the frame holds that `first` was asked of; nil if that was all.
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

    /// The next packet of a frame with several that is for the trace.
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

    /// Takes in a fragment: what it completes.
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

    /// What there is in one packet that was decoded; nil if it is no TCP.
    private mutating func found(_ packet: DecodedFrame) -> Found? {
        switch packet {
        case .segment(let segment): return found(segment)
        case .icmp(let error): return .icmp(error)
        case .other(let kind): counts.note(kind)
        // Do not come out of packets that were put together, nor out of a frame with several.
        case .fragment, .aggregate: break
        // Is asked for elsewhere.
        case .text: break
        }
        return nil
    }

    @inline(__always) private mutating func found(_ segment: Segment) -> Found {
        if segment.remarks.contains(.badChecksum) { counts.badChecksums &+= 1 }
        return .segment(segment)
    }

    /// Nothing more is captured: packets whose fragments have not all come are given up. `nextBegun` has what they began with, at
    /// most twice `FragmentReassembly.mostDatagrams` of them.
    mutating func giveUpFragments() { fragments.giveUpAll() }

    /// What a packet that was given up began with; nil if there is none, or nobody wants it.
    mutating func nextBegun() -> BegunSegment? {
        guard let begun = fragments.nextBegun(), countsIncomplete else { return nil }
        if begun.segment.remarks.contains(.badChecksum) { counts.badChecksums &+= 1 }
        return begun
    }
}
