// Opens a capture file: checks what kind of file it is, and what its first bytes are if it is not a capture.

import Glibc

/// Opens `path`, or standard input for `-`, and prepares a buffer.
func openWindow(_ path: String) throws(HeaderFault) -> ByteWindow {
    // Opening a FIFO would block until it has a writer, with no way to give up. So it is opened without blocking, and
    // the wait is for its first octets; after that it is read like other files. path is a Swift string: NUL-terminated
    // for the call.
    let flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
    let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, flags)
    // ENXIO: a socket, or a device without a driver.
    guard descriptor >= 0 else { throw HeaderFault(reason: errno == ENXIO ? .notReadableKind : .system(errno)) }
    if path != "-" { _ = fcntl(descriptor, F_SETFL, O_RDONLY) }
    guard let status = fileStatus(descriptor) else {
        let code = errno
        if descriptor > 2 { close(descriptor) }
        throw HeaderFault(reason: .system(code))
    }
    let refusal: CaptureFileError.Reason?
    switch fileType(status) {
    case S_IFDIR: refusal = .isDirectory
    case S_IFBLK: refusal = .notReadableKind
    default: refusal = nil
    }
    if let refusal {
        if descriptor > 2 { close(descriptor) }
        throw HeaderFault(reason: refusal)
    }
    do {
        return try ByteWindow(descriptor: descriptor, status: status)
    } catch {
        throw HeaderFault(reason: error.reason)
    }
}

/// The format of a file that is neither pcap, pcapng nor snoop; nil if it is one of these. `bytes` has at least four
/// octets.
func foreignFormat(_ bytes: RawSpan) -> CaptureFileError.Reason? {
    let little = bytes.word(0, swapped: false)
    if little == PcapngBlock.sectionHeader || PcapDecoder.isMagic(little) { return nil }
    let magic = UInt32(bigEndian: little)
    if let format = CompressionFormat(magic: magic) { return .compressed(format.name) }
    switch magic {
    case 0xfd37_7a58: return .compressed("xz")
    case 0x0422_4d18: return .compressed("lz4")
    case _ where magic >> 8 == 0x42_5a68: return .compressed("bzip2")
    case SnoopDecoder.magic: return nil
    case 0x6970_7472: return .unsupportedFormat("iptrace")
    case 0x5452_534e: return .unsupportedFormat("Sniffer")
    case 0x5253_4e49, 0x4d53_4e52: return .unsupportedFormat("NetXRay or Network Monitor")
    default: break
    }
    var isText = true
    for offset in 0..<min(bytes.byteCount, 64) {
        let byte = bytes.byte(offset)
        if byte < 0x20 && !(9...13).contains(byte) || byte == 0x7f { isText = false }
    }
    return .unknownFormat(magic: magic, isText: isText)
}
