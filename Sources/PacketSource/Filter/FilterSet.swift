// One filter expression for frames of several link types, compiled for each link type when its first frame comes.

import CPcap
public import TCPModel

/// A filter for capture files, which may mix link types. Frames of a link type for which the expression cannot be
/// compiled do not match, and are counted.
@safe public struct FilterSet: ~Copyable {
    @safe private struct Entry {
        var linkType: LinkType
        /// nil if the expression cannot be compiled for this link type.
        var program: bpf_program?
    }

    /// A link type of frames for which the expression cannot be compiled.
    public struct Rejection: Sendable {
        /// The link type.
        public let linkType: LinkType
        /// Why the expression cannot be compiled for it.
        public let fault: FilterFault
        /// Frames of this link type, none of which matched.
        public internal(set) var frames: UInt64 = 0
    }

    /// The expression.
    public let text: String
    /// The link types without a program, in order of appearance.
    public private(set) var rejected: [Rejection] = []
    private var entries: [Entry] = []
    /// Index of the last entry used.
    private var current = 0

    /// Compiles the expression for one link type, usually that of the file's first interface. Throws `badFilter` if the
    /// expression is invalid. With `othersMayCome`, an expression that is invalid only for this link type is accepted,
    /// since frames of other link types may follow.
    public init(
        _ text: String, linkType: LinkType = .ethernet, othersMayCome: Bool = false
    ) throws(CaptureError) {
        self.text = text
        do throws(CaptureError) {
            let filter = try PacketFilter(text, linkType: linkType)
            unsafe entries.append(Entry(linkType: linkType, program: filter.release()))
        } catch {
            guard othersMayCome, linkType != .ethernet, (try? PacketFilter(text, linkType: .ethernet)) != nil else {
                throw error
            }
            select(linkType)
        }
    }

    deinit {
        for index in entries.indices {
            guard var program = unsafe entries[index].program else { continue }
            // The program was released to this set, its only owner.
            unsafe pcap_freecode(&program)
        }
    }

    /// Whether a frame matches.
    @inline(__always) public mutating func matches(_ header: FrameHeader, _ bytes: RawSpan) -> Bool {
        if entries[current].linkType != header.linkType { select(header.linkType) }
        // The program came from pcap_compile and is freed in deinit only.
        guard let program = unsafe entries[current].program else { return reject(header.linkType) }
        return unsafe runFilter(program.bf_insns, header, bytes)
    }

    @inline(never) private mutating func reject(_ linkType: LinkType) -> Bool {
        for index in rejected.indices where rejected[index].linkType == linkType { rejected[index].frames += 1 }
        return false
    }

    private mutating func select(_ linkType: LinkType) {
        if let known = entries.firstIndex(where: { $0.linkType == linkType }) {
            current = known
            return
        }
        var entry = unsafe Entry(linkType: linkType, program: nil)
        do {
            unsafe entry.program = try PacketFilter(text, linkType: linkType).release()
        } catch {
            let fault: FilterFault
            if case .badFilter(let known) = error {
                fault = known
            } else {
                fault = FilterFault(text: text, message: error.description)
            }
            rejected.append(Rejection(linkType: linkType, fault: fault))
        }
        entries.append(entry)
        current = entries.count - 1
    }
}
