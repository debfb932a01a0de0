// What a pcapng file says of a frame besides its octets, for who reads it with other programs.

/// The options of an enhanced packet block (draft-ietf-opsawg-pcapng, "Enhanced Packet Block").
public struct FrameOptions: Sendable {
    /// The most octets of a comment that are written: as many as a 16-bit length can state, padded.
    static let longest = 0xfffc

    /// `epb_processid_threadid`: the process that sent it; nil if that is not known.
    public var process: Int32?
    /// `opt_comment`, in UTF-8; empty for none.
    public var comment: ArraySlice<UInt8>

    /// Options from their values.
    public init(process: Int32? = nil, comment: ArraySlice<UInt8> = []) {
        self.process = process
        self.comment = comment.prefix(Self.longest)
    }

    /// Octets of the comment and its head, padded to a multiple of four; 0 if there is none.
    var commentLength: Int { comment.isEmpty ? 0 : 4 + (comment.count + 3) & ~3 }

    /// Octets of all of them, with the end of options.
    var length: Int {
        let all = commentLength + (process == nil ? 0 : 12)
        return all == 0 ? 0 : all + 4
    }
}
