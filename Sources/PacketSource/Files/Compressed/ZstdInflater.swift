// Decompresses Zstandard frames with libzstd.

import CZstd

/// The owner of one libzstd decompression state.
@safe struct ZstdInflater: ~Copyable {
    private let stream: OpaquePointer

    /// Returns nil if there is no memory.
    init?() {
        guard let stream = unsafe ZSTD_createDStream() else { return nil }
        unsafe self.stream = stream
    }

    deinit {
        // Made in init, and used only by this type.
        _ = unsafe ZSTD_freeDStream(stream)
    }

    /// Decompresses some of `input` into `output`. The call after a frame's end starts the next frame. libzstd itself
    /// refuses a frame that needs a window above 128 MiB.
    func step(
        _ input: UnsafeRawBufferPointer, to output: UnsafeMutableRawBufferPointer
    ) -> DecompressedPiece {
        // libzstd keeps pos <= size in both, and both buffers live through the call.
        var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = unsafe ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = unsafe ZSTD_decompressStream(stream, &target, &source)
        var piece = unsafe DecompressedPiece(consumed: source.pos, produced: target.pos, outcome: .more)
        if ZSTD_isError(result) != 0 {
            switch ZSTD_getErrorCode(result) {
            case ZSTD_error_memory_allocation: piece.outcome = .outOfMemory
            case ZSTD_error_frameParameter_windowTooLarge: piece.outcome = .damaged(.windowTooLarge)
            default: piece.outcome = .damaged(.damaged)
            }
        } else if result == 0 {
            piece.outcome = .endOfMember
        }
        return piece
    }
}
