// The capture file that a live trace writes (`-w`): frames, what is said of them, and what is learnt of the kernel.

import PacketSource
import TCPModel
import TCPTimeline
import TimelineReport

/// A capture file in the making. With the kernel's side, frames of a turn are held until what the kernel says of their senders is there.
struct LiveOutput: ~Copyable {
    /// So many octets are held at most; then they are written with what is known.
    private static let heldOctets = 4 << 20

    private var writer: CaptureWriter
    private var held = HeldFrames()
    private var marks: [FrameMark?] = []
    private var comment = OutputBuffer()
    /// Whether frames have comments, and the file the kernel's side.
    let isAnnotated: Bool

    /// What is not in the file as it was captured, in sentences for standard error.
    var remarks: [String] { writer.remarks }

    /// Opens the file of `-w`, which is to belong to `owner`; nil if none is to be written.
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

    /// Takes in a frame and what it did.
    mutating func take(
        _ header: FrameHeader, _ bytes: RawSpan, _ mark: FrameMark?
    ) throws(CaptureWriteError) {
        guard isAnnotated else { return try writer.write(header, bytes) }
        if held.octets + bytes.byteCount > Self.heldOctets { try release(nil) }
        held.append(header, bytes)
        marks.append(mark)
    }

    /// Writes the frames that are held, with what is known of them now.
    mutating func release(_ join: KernelJoin?) throws(CaptureWriteError) {
        guard !marks.isEmpty else { return }
        defer { marks.removeAll(keepingCapacity: true) }
        // Taken out and put back: they are written by what they are said of.
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

    /// What is said of a frame: who sent it, and where it changed a state, both states and processes.
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

    /// Writes what was learnt of the kernel, behind the frames so far.
    mutating func write(kernelRecord payload: [UInt8]) throws(CaptureWriteError) {
        try writer.write(localBlock: payload)
    }

    mutating func flush() throws(CaptureWriteError) { try writer.flush() }

    mutating func setStatistics(_ counters: CaptureStatistics, interface: UInt16) {
        writer.setStatistics(counters, interface: interface)
    }

    mutating func close() throws(CaptureWriteError) { try writer.close() }
}
