// The capture file written by a live trace (`-w`): frames, comments on them, and records of the kernel's state.

import PacketSource
import TCPModel
import TCPTimeline
import TimelineReport

/// A capture file being written. If it includes the kernel's side, a turn's frames are held until the kernel's
/// information on their senders is available.
struct LiveOutput: ~Copyable {
    /// The most octets to hold; beyond this limit, frames are written with what is known.
    private static let heldOctets = 4 << 20

    private var writer: CaptureWriter
    private var held = HeldFrames()
    private var marks: [FrameMark?] = []
    private var comment = OutputBuffer()
    /// Whether frames get comments, and the file the kernel's side.
    let isAnnotated: Bool

    /// Sentences for standard error on what the file does not hold as it was captured.
    var remarks: [String] { writer.remarks }

    /// Opens the file of `-w`, to be owned by `owner`; nil if no file is requested.
    init?(
        _ options: TraceOptions, _ interfaces: [CaptureInterface], _ owner: CaptureWriter.Owner?, isAnnotated: Bool
    ) throws(TraceError) {
        guard let path = options.output else { return nil }
        do throws(CaptureWriteError) {
            var writer = try CaptureWriter(path: path, application: TraceOptions.tool, owner: owner)
            for interface in interfaces { try writer.addInterface(interface, filter: options.captureFilter) }
            try writer.flush()
            self.isAnnotated = isAnnotated && writer.format == .pcapng
            self.writer = writer
        } catch {
            throw .output(error)
        }
    }

    /// Takes in a frame and its effect.
    mutating func take(
        _ header: FrameHeader, _ bytes: RawSpan, _ mark: FrameMark?
    ) throws(CaptureWriteError) {
        guard isAnnotated else { return try writer.write(header, bytes) }
        if held.octets + bytes.byteCount > Self.heldOctets { try release(nil) }
        held.append(header, bytes)
        marks.append(mark)
    }

    /// Writes the held frames with what is known about them now.
    mutating func release(_ join: KernelJoin?) throws(CaptureWriteError) {
        guard !marks.isEmpty else { return }
        defer { marks.removeAll(keepingCapacity: true) }
        // Taken out and put back, so that the writer can be changed meanwhile.
        var frames = held
        held = HeldFrames()
        defer { held = frames }
        let marks = marks
        var comment = comment
        defer { self.comment = comment }
        try frames.write(to: &writer) { place in
            guard let mark = marks[place] else { return FrameOptions() }
            return Self.options(mark, join, &comment)
        }
    }

    /// The options of a frame: its sender's process and, where it changed a state, a comment with both states and
    /// processes.
    private static func options(
        _ mark: FrameMark, _ join: KernelJoin?, _ text: inout OutputBuffer
    ) -> FrameOptions {
        let sender = join?.process(of: mark.connection, number: mark.number, mark.sender, in: mark.senderState)
        let process = sender?.process?.pid
        guard mark.hasTransitions else { return FrameOptions(process: process) }
        let receiver = join?.process(
            of: mark.connection, number: mark.number, mark.sender.other, in: mark.receiverState)
        text.clear()
        text.append(
            comment: FrameComment(
                connection: mark.number, sender: mark.sender,
                own: FrameComment.End(mark.senderState, sender?.isConfirmed == true, sender?.process),
                peer: FrameComment.End(mark.receiverState, receiver?.isConfirmed == true, receiver?.process)))
        return FrameOptions(process: process, comment: text.bytes)
    }

    /// Writes a record of the kernel's state behind the frames written so far.
    mutating func write(kernelRecord payload: [UInt8]) throws(CaptureWriteError) {
        try writer.write(localBlock: payload)
    }

    mutating func flush() throws(CaptureWriteError) { try writer.flush() }

    mutating func setStatistics(_ counters: CaptureStatistics, interface: UInt16) {
        writer.setStatistics(counters, interface: interface)
    }

    mutating func close() throws(CaptureWriteError) { try writer.close() }
}
