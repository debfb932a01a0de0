// One filter expression over frames of several link types: compiled for each when the first frame of it comes.

import CPcap
public import TCPModel

/// A filter for capture files, which can mix link types. Frames of a link type that it cannot be compiled for do not match.
@safe public struct FilterSet: ~Copyable {
    @safe private struct Entry {
        var linkType: LinkType
        /// nil: it cannot be compiled for this link type.
        var program: bpf_program?
    }

    /// The expression.
    public let text: String
    /// Link types that frames had and for which the expression cannot be compiled, with the reason.
    public private(set) var rejected: [(linkType: LinkType, fault: FilterFault)] = []
    private var entries: [Entry] = []
    /// Index of the entry that was used last.
    private var current = 0

    /// Compiles the expression for one link type: that of the file's first interface. Throws `badFilter` if it is wrong.
    public init(_ text: String, linkType: LinkType = .ethernet) throws(CaptureError) {
        self.text = text
        let filter = try PacketFilter(text, linkType: linkType)
        unsafe entries.append(Entry(linkType: linkType, program: filter.release()))
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
        guard let program = unsafe entries[current].program else { return false }
        return unsafe runFilter(program.bf_insns, header, bytes)
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
            rejected.append((linkType, fault))
        }
        entries.append(entry)
        current = entries.count - 1
    }
}
