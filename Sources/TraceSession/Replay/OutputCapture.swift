// The capture that a replay writes (`-w`): one for all files that it reads, with the interfaces of them all.

import PacketSource
import TCPModel

/// Frames on their way to the output, whose interfaces are described when their first frame comes.
struct OutputCapture: ~Copyable {
    private var writer: CaptureWriter
    /// What a classic file states once for all its frames, when they come from several files or interfaces: other readers cut
    /// frames at it.
    private var commonSnapshotLength: UInt32?
    /// The output's interfaces by what is said of them, in the order in which they came.
    private var outputs: [CaptureInterface: [UInt16]] = [:]

    // Of the file that is being read:
    /// Its interfaces as far as they are known.
    private var inputs: [CaptureInterface] = []
    /// Which of its interfaces became which of the output.
    private var numbers: [UInt16: UInt16] = [:]
    /// Of how many of its interfaces the same is said.
    private var likes: [CaptureInterface: Int] = [:]

    /// Opens the output, and empties it unless it is one of the files to be read.
    init(_ path: String, of files: [String]) throws(CaptureWriteError) {
        writer = try CaptureWriter(
            path: path, application: TraceOptions.tool, notOver: Set(files.compactMap { FileIdentity(path: $0) }))
        commonSnapshotLength = writer.format == .pcap && files.count > 1 ? 262_144 : nil
    }

    /// Throws if a file to be read is the output itself, which was not there when the replay began.
    func refuse(_ path: String) throws(CaptureWriteError) {
        if let identity = writer.identity, FileIdentity(path: path) == identity {
            throw CaptureWriteError(file: writer.path, reason: .isInput)
        }
    }

    /// From now on frames are of the next file.
    mutating func begin(_ input: borrowing InputFile) {
        inputs = input.interfaces
        if writer.format == .pcap, inputs.count > 1, commonSnapshotLength == nil {
            commonSnapshotLength = inputs.reduce(0) { max($0, $1.snapshotLength == 0 ? 262_144 : $1.snapshotLength) }
        }
        numbers.removeAll(keepingCapacity: true)
        likes.removeAll(keepingCapacity: true)
    }

    /// The file may have described more interfaces by now, whose frames come next.
    mutating func learn(of input: borrowing InputFile) {
        let known = input.interfaces
        if known.count > inputs.count { inputs = known }
    }

    /// Writes one frame.
    mutating func copy(_ header: FrameHeader, _ bytes: RawSpan) throws(CaptureWriteError) {
        var header = header
        header.interface = try number(header.interface, header.linkType)
        try writer.write(header, bytes)
    }

    /// Writes what a live trace learnt of the kernel.
    mutating func copy(kernelRecord payload: [UInt8]) throws(CaptureWriteError) {
        try writer.write(localBlock: payload)
    }

    /// The output's number for an interface of the input.
    private mutating func number(_ input: UInt16, _ linkType: LinkType) throws(CaptureWriteError) -> UInt16 {
        if let known = numbers[input] { return known }
        let known = inputs.indices.contains(Int(input)) ? inputs[Int(input)] : nil
        let interface = CaptureInterface(
            name: known?.name, linkType: linkType,
            snapshotLength: commonSnapshotLength ?? known?.snapshotLength ?? 262_144)
        // Files that say the same of an interface share it; two interfaces of one file stay two.
        let place = likes[interface, default: 0]
        likes[interface] = place + 1
        let alike = outputs[interface, default: []]
        let number = try place < alike.count ? alike[place] : add(interface)
        numbers[input] = number
        return number
    }

    private mutating func add(_ interface: CaptureInterface) throws(CaptureWriteError) -> UInt16 {
        let number = try writer.addInterface(interface)
        outputs[interface, default: []].append(number)
        return number
    }

    /// Writes what has gathered, and closes the file.
    mutating func close() throws(CaptureWriteError) { try writer.close() }
}
