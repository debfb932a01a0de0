// What a pcapng file says of a frame besides its octets, for who reads it with other programs.

/// The options of an enhanced packet block (draft-ietf-opsawg-pcapng, 4.3).
public struct FrameOptions: Sendable {
    /// `epb_processid_threadid`: the process that sent it; nil if that is not known.
    public var process: Int32?
    /// `opt_comment`, in UTF-8; empty for none.
    public var comment: [UInt8]

    /// Options from their values.
    public init(process: Int32? = nil, comment: [UInt8] = []) {
        self.process = process
        self.comment = comment
    }

    /// As they stand behind the frame; nothing if there are none.
    var octets: [UInt8] {
        if process == nil && comment.isEmpty { return [] }
        var options = BlockBytes()
        if !comment.isEmpty { options.option(1, comment) }
        // The lower half is written first, and is the process; its thread is not known.
        if let process { options.option(8, UInt64(UInt32(bitPattern: process))) }
        options.option(0, [])
        return options.bytes
    }
}
