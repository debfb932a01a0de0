// The capture written by a replay (`-w`): one file for all input files, with the interfaces of them all.

import PacketSource
import TCPModel

/// The output file; an interface is described there when its first frame is written.
struct OutputCapture: ~Copyable {
    private var writer: CaptureWriter
    /// The snapshot length for a classic file, which states it once for frames of several files or interfaces: other
    /// readers truncate frames at it.
    private var commonSnapshotLength: UInt32?
    /// The replay's interfaces known so far; `numbers` maps them to the output's.
    private var inputs: [CaptureInterface] = []
    private var numbers: [UInt16: UInt16] = [:]
    /// The number of inputs, from the first one on, that are certainly described in the output.
    private var described = 0

    /// Opens the output and empties it; throws if it is one of the files to be read.
    init(_ path: String, of files: [String]) throws(CaptureWriteError) {
        writer = try CaptureWriter(
            path: path, application: TraceOptions.tool, notOver: Set(files.compactMap { FileIdentity(path: $0) }))
        commonSnapshotLength = writer.format == .pcap && files.count > 1 ? CaptureInterface.wholeFrame : nil
    }

    /// Sentences for standard error on what the output does not hold as it was read.
    var remarks: [String] { writer.remarks }

    /// Throws if a file to be read is the output itself, which did not exist when the replay began.
    func refuse(_ path: String) throws(CaptureWriteError) {
        if let identity = writer.identity, FileIdentity(path: path) == identity {
            throw CaptureWriteError(file: writer.path, reason: .isInput)
        }
    }

    /// Appends interfaces to those known so far.
    mutating func learn(_ new: [CaptureInterface], areClassic: Bool) {
        for var interface in new {
            // A classic file's snapshot length is no guarantee: some files have longer frames.
            if areClassic && writer.format == .pcapng { interface.snapshotLength = 0 }
            inputs.append(interface)
        }
        if writer.format == .pcap, inputs.count > 1, commonSnapshotLength == nil {
            commonSnapshotLength = inputs.reduce(0) {
                max($0, $1.snapshotLength == 0 ? CaptureInterface.wholeFrame : $1.snapshotLength)
            }
        }
    }

    /// Writes one frame.
    mutating func copy(_ header: FrameHeader, _ bytes: RawSpan) throws(CaptureWriteError) {
        var header = header
        header.interface = try number(header.interface, header.linkType)
        try writer.write(header, bytes)
    }

    /// Writes a live trace's kernel record. Readers expect an interface first, so it is placed behind the known ones.
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
                snapshotLength: commonSnapshotLength ?? known?.snapshotLength ?? CaptureInterface.wholeFrame))
        numbers[input] = number
        return number
    }

    /// Records in the output that frames are missing from the input.
    mutating func note(lost: UInt64) {
        guard lost > 0, let first = numbers.values.min() else { return }
        var counters = CaptureStatistics()
        counters.droppedByKernel = lost
        writer.setStatistics(counters, interface: first)
    }

    /// Writes buffered data.
    mutating func flush() throws(CaptureWriteError) { try writer.flush() }

    /// Writes buffered data and closes the file.
    mutating func close() throws(CaptureWriteError) { try writer.close() }
}
