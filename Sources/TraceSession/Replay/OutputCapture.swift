// The capture that a replay writes (`-w`): one for all files that it reads, with the interfaces of them all.

import PacketSource
import TCPModel

/// Frames on their way to the output, whose interfaces are described when their first frame comes.
struct OutputCapture: ~Copyable {
    private var writer: CaptureWriter
    /// What a classic file states once for all its frames, when they come from several files or interfaces: other readers cut
    /// frames at it.
    private var commonSnapshotLength: UInt32?
    /// The replay's interfaces as far as they are known, and which of them became which of the output.
    private var inputs: [CaptureInterface] = []
    private var numbers: [UInt16: UInt16] = [:]
    /// How many of the inputs are described in the output for certain: from the first one on.
    private var described = 0

    /// Opens the output, and empties it unless it is one of the files to be read.
    init(_ path: String, of files: [String]) throws(CaptureWriteError) {
        writer = try CaptureWriter(
            path: path, application: TraceOptions.tool, notOver: Set(files.compactMap { FileIdentity(path: $0) }))
        commonSnapshotLength = writer.format == .pcap && files.count > 1 ? 262_144 : nil
    }

    /// What is not in the output as it was read, in sentences for standard error.
    var remarks: [String] { writer.remarks }

    /// Throws if a file to be read is the output itself, which was not there when the replay began.
    func refuse(_ path: String) throws(CaptureWriteError) {
        if let identity = writer.identity, FileIdentity(path: path) == identity {
            throw CaptureWriteError(file: writer.path, reason: .isInput)
        }
    }

    /// These interfaces come after those that are known.
    mutating func learn(_ new: [CaptureInterface], areClassic: Bool) {
        for var interface in new {
            // A classic file's length is no promise: there are longer frames in some.
            if areClassic && writer.format == .pcapng { interface.snapshotLength = 0 }
            inputs.append(interface)
        }
        if writer.format == .pcap, inputs.count > 1, commonSnapshotLength == nil {
            commonSnapshotLength = inputs.reduce(0) { max($0, $1.snapshotLength == 0 ? 262_144 : $1.snapshotLength) }
        }
    }

    /// Writes one frame.
    mutating func copy(_ header: FrameHeader, _ bytes: RawSpan) throws(CaptureWriteError) {
        var header = header
        header.interface = try number(header.interface, header.linkType)
        try writer.write(header, bytes)
    }

    /// Writes what a live trace learnt of the kernel. Readers look for an interface first: it comes behind those that are known.
    mutating func copy(kernelRecord payload: [UInt8]) throws(CaptureWriteError) {
        guard writer.format == .pcapng else { return }
        while described < inputs.count {
            _ = try number(UInt16(clamping: described), inputs[described].linkType)
            described += 1
        }
        try writer.write(localBlock: payload)
    }

    /// The output's number for an interface of the replay.
    private mutating func number(_ input: UInt16, _ linkType: LinkType) throws(CaptureWriteError) -> UInt16 {
        if let known = numbers[input] { return known }
        let known = inputs.indices.contains(Int(input)) ? inputs[Int(input)] : nil
        let number = try writer.addInterface(
            CaptureInterface(
                name: known?.name, linkType: linkType,
                snapshotLength: commonSnapshotLength ?? known?.snapshotLength ?? 262_144))
        numbers[input] = number
        return number
    }

    /// The files say that frames were lost: their copy does, too.
    mutating func note(lost: UInt64) {
        guard lost > 0, let first = numbers.values.min() else { return }
        var counters = CaptureStatistics()
        counters.droppedByKernel = lost
        writer.setStatistics(counters, interface: first)
    }

    /// Writes what has gathered.
    mutating func flush() throws(CaptureWriteError) { try writer.flush() }

    /// Writes what has gathered, and closes the file.
    mutating func close() throws(CaptureWriteError) { try writer.close() }
}
