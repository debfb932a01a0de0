// What a pcapng file says about a frame besides its octets, for readers in other programs.

/// The options of an enhanced packet block (draft-ietf-opsawg-pcapng, "Enhanced Packet Block").
public struct FrameOptions: Sendable {
    /// The most octets written of a comment: the largest multiple of four that a 16-bit length can state.
    static let longest = 0xfffc

    /// `epb_processid_threadid`: the process that sent the frame; nil if unknown.
    public var process: Int32?
    /// `opt_comment`, in UTF-8; empty for none.
    public var comment: ArraySlice<UInt8>

    /// Options from their values.
    public init(process: Int32? = nil, comment: ArraySlice<UInt8> = []) {
        self.process = process
        self.comment = comment.prefix(Self.longest)
    }

    /// Octets of the comment option with its header, padded to a multiple of four; 0 if there is no comment.
    var commentLength: Int { comment.isEmpty ? 0 : 4 + (comment.count + 3) & ~3 }

    /// Octets of all options, including the end of options; 0 if there are none.
    var length: Int {
        let all = commentLength + (process == nil ? 0 : 12)
        return all == 0 ? 0 : all + 4
    }
}
