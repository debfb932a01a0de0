// Frames held back until their options in the file are known.

public import TCPModel

/// Copies of frames, in order.
public struct HeldFrames: Sendable {
    private var frames: [(header: FrameHeader, end: Int)] = []
    private var memory: [UInt8] = []

    /// Holds no frames.
    public init() {}

    /// The octets of all held frames together.
    public var octets: Int { memory.count }

    /// Adds a copy of a frame.
    public mutating func append(_ header: FrameHeader, _ bytes: RawSpan) {
        // The span is valid during the call, in which it is copied.
        unsafe bytes.withUnsafeBytes { unsafe memory.append(contentsOf: $0) }
        frames.append((header, memory.count))
    }

    /// Writes all frames, each with the options that `options` returns for its index. No frame is held afterwards, even
    /// if writing fails.
    public mutating func write(
        to writer: inout CaptureWriter, _ options: (Int) -> FrameOptions
    ) throws(CaptureWriteError) {
        defer {
            frames.removeAll(keepingCapacity: true)
            memory.removeAll(keepingCapacity: true)
        }
        var start = 0
        for (place, frame) in frames.enumerated() {
            // Bytes have no padding: all of them are initialized.
            let bytes = unsafe memory.span.bytes.extracting(start..<frame.end)
            start = frame.end
            try writer.write(frame.header, bytes, options(place))
        }
    }
}
