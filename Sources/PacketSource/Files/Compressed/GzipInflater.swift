// gzip members to octets, with zlib.

import CZlib
import Glibc

/// Owner of one zlib inflate state.
@safe struct GzipInflater: ~Copyable {
    /// zlib's window bits for the largest window (15), and its sign for a gzip header instead of its own (16).
    private static let gzipWindow: Int32 = 15 + 16

    /// On the heap, because zlib's state points back at it: it must not move.
    private let stream: UnsafeMutablePointer<z_stream>

    /// nil if there is no memory.
    init?() {
        unsafe stream = .allocate(capacity: 1)
        // All zero: zlib's own allocator, no input yet.
        unsafe stream.initialize(to: z_stream())
        // stream is one z_stream, whose size is passed along with the version it is from.
        let result = unsafe inflateInit2_(
            stream, Self.gzipWindow, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else {
            unsafe stream.deallocate()
            return nil
        }
    }

    deinit {
        // Initialized in init, and used by nobody else.
        _ = unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Decompresses some of `input` to `output`. After a member's end the next call starts another one.
    func step(
        _ input: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer
    ) -> DecompressedPiece {
        let given = min(input.count, Int(Int32.max))
        let room = min(output.count, Int(Int32.max))
        // zlib reads avail_in octets and writes avail_out at most: both are within the buffers, which live through the call.
        // It does not write to its input, whatever the type says.
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
        // Z_BUF_ERROR: no progress was possible this time; more input or room will help.
        case Z_OK, Z_BUF_ERROR: break
        case Z_STREAM_END:
            piece.outcome = .endOfMember
            // The state is a sound one; reset keeps its memory.
            _ = unsafe inflateReset(stream)
        case Z_MEM_ERROR: piece.outcome = .outOfMemory
        default: piece.outcome = .damaged(.damaged)
        }
        return piece
    }
}
