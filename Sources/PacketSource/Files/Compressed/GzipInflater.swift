// Decompresses gzip members with zlib.

import CZlib
import Glibc

/// The owner of one zlib inflate state.
@safe struct GzipInflater: ~Copyable {
    /// zlib's window bits: the largest window (15), plus 16 to expect a gzip header rather than a zlib one.
    private static let gzipWindow: Int32 = 15 + 16

    /// On the heap, because zlib's state points back at it, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    /// Returns nil if there is no memory.
    init?() {
        unsafe stream = .allocate(capacity: 1)
        // All zero: use zlib's own allocator; no input yet.
        unsafe stream.initialize(to: z_stream())
        // stream is one z_stream, whose size is passed along with zlib's version.
        let result = unsafe inflateInit2_(
            stream, Self.gzipWindow, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
    }

    deinit {
        // Initialized in init, and used only by this type.
        _ = unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Decompresses some of `input` into `output`. The call after a member's end starts the next member.
    func step(
        _ input: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer
    ) -> DecompressedPiece {
        let given = min(input.count, Int(Int32.max))
        let room = min(output.count, Int(Int32.max))
        // zlib reads at most avail_in octets and writes at most avail_out: both stay within the buffers, which live
        // through the call. It does not write to its input, whatever the type says.
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: input.baseAddress?.assumingMemoryBound(to: Bytef.self))
        unsafe stream.pointee.avail_in = UInt32(given)
        unsafe stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: Bytef.self)
        unsafe stream.pointee.avail_out = UInt32(room)
        let result = unsafe inflate(stream, Z_NO_FLUSH)
        var piece = DecompressedPiece(
            consumed: given - Int(unsafe stream.pointee.avail_in),
            produced: room - Int(unsafe stream.pointee.avail_out),
            outcome: .more)
        switch result {
        // Z_BUF_ERROR: no progress was possible; more input or room will help.
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END:
            piece.outcome = .endOfMember
            // The state is valid; a reset keeps its memory.
            _ = unsafe inflateReset(stream)
        case Z_MEM_ERROR: piece.outcome = .outOfMemory
        default: piece.outcome = .damaged(.damaged)
        }
        return piece
    }
}
