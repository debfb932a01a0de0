// Frames that wait for what is to be said of them in their file.

public import TCPModel

/// Copies of frames, in their order.
public struct HeldFrames: Sendable {
    private var frames: [(header: FrameHeader, end: Int)] = []
    private var memory: [UInt8] = []

    /// None.
    public init() {}

    /// How many octets they have together.
    public var octets: Int { memory.count }

    /// Takes in a frame.
    public mutating func append(_ header: FrameHeader, _ bytes: RawSpan) {
        // The span is valid for the time of the call, and is copied in it.
        unsafe bytes.withUnsafeBytes { unsafe memory.append(contentsOf: $0) }
        frames.append((header, memory.count))
    }

    /// Writes all of them, with what `options` says of each by its place; none is held then, whatever fails.
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
