// Writes frames of one capture into another: interfaces are described when their first frame comes.

import PacketSource
import TCPModel

/// Which interface of the input became which of the output.
struct FrameCopier {
    /// The input's interfaces as far as they are known before its first frame; others have no name.
    let interfaces: [CaptureInterface]
    private var numbers: [UInt16: UInt16] = [:]

    init(interfaces: [CaptureInterface]) { self.interfaces = interfaces }

    /// Writes one frame; does nothing without a writer.
    mutating func copy(
        _ header: FrameHeader, _ bytes: RawSpan, to writer: inout CaptureWriter?
    ) throws(CaptureWriteError) {
        guard writer != nil else { return }
        var header = header
        if let number = numbers[header.interface] {
            header.interface = number
        } else {
            let known = interfaces.indices.contains(Int(header.interface)) ? interfaces[Int(header.interface)] : nil
            let number = try writer?.addInterface(
                CaptureInterface(
                    name: known?.name, linkType: header.linkType, snapshotLength: known?.snapshotLength ?? 262_144))
            numbers[header.interface] = number
            header.interface = number ?? 0
        }
        try writer?.write(header, bytes)
    }
}
