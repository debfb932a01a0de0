// Messages for faults of capture files.

import TCPModel

extension CaptureFileError: CustomStringConvertible {
    /// One sentence that names the file, what is wrong and where.
    public var description: String {
        let name = file == "-" ? "Standard input" : "The file '\(printable(file))'"
        return switch reason {
        case .system(let code): "\(printable(file)): \(describeErrno(code))\(place)"
        case .isDirectory: "\(printable(file)): Is a directory, not a capture file"
        case .notReadableKind: "\(printable(file)): Not a regular file or a pipe"
        case .givenUp: "\(name) still holds no header, and the wait for one has ended."
        case .empty: "\(name) is empty: not even a capture file header."
        case .headerCutShort: "\(name) appears to have been cut short in its header: it holds no packets."
        case .unknownFormat(_, isText: true): "\(name) is text, not a pcap or pcapng capture."
        case .unknownFormat(let magic, isText: false):
            "\(name) is not a pcap or pcapng capture (it starts with \(hex(magic)))."
        case .unsupportedFormat(let format):
            "\(name) is a \(format) file, which tcptrace does not read: convert it with editcap -F pcapng."
        case .compressed(let program):
            "\(name) is compressed: \(decompression(program)) it first"
                + " (\(program) -dc FILE | tcptrace -r - needs no second file)."
        case .badCompression(let program, let fault):
            "\(name) is compressed with \(program), and \(sentence(fault))\(place)."
        case .unsupportedVersion(let major, let minor):
            "\(name) is of version \(major).\(minor), which is not known\(place)."
        default: "\(name) \(fault)"
        }
    }

    /// The message for a fault in the middle of a file.
    private var fault: String {
        switch reason {
        case .packetCutShort: "appears to have been cut short in the middle of a packet\(place)."
        case .blockCutShort: "appears to have been cut short in the middle of a block\(place)."
        case .packetTooLong(let length): "is damaged: a packet claims \(length) bytes\(place)."
        case .badBlockLength(let length): "is damaged: a block claims a length of \(length) bytes\(place)."
        case .blockLengthMismatch(let first, let last):
            "is damaged: a block's length is \(first) at its start and \(last) at its end\(place)."
        case .packetBeyondBlock(let length):
            "is damaged: a packet of \(length) bytes does not fit in its block\(place)."
        case .packetBeyondRecord(let length, let record):
            "is damaged: a packet of \(length) bytes does not fit in its record of \(record)\(place)."
        case .badByteOrderMagic(let magic): "is damaged: a section's byte-order mark is \(hex(magic))\(place)."
        case .unknownInterface(let number):
            "is damaged: a packet belongs to interface \(number), which was not described\(place)."
        case .tooManyInterfaces: "describes more than 65536 interfaces\(place)."
        case .badInterfaceDescription:
            "is damaged: an interface description is cut short or gives a wrong length\(place)."
        case .badTimestampResolution(let value):
            "is damaged: a timestamp resolution of \(hex(UInt32(value))) is impossible\(place)."
        case .shrankWhileRead: "shrank while it was read\(place)."
        default: "cannot be read\(place)."
        }
    }

    private var place: String {
        offset.map { " (at byte \($0)\(isDecompressed ? " of what it holds decompressed" : ""))" } ?? ""
    }

    private func sentence(_ fault: CompressionFault) -> String {
        switch fault {
        case .cutShort: "appears to have been cut short"
        case .damaged: "is damaged"
        case .trailingOctets: "something else follows"
        case .windowTooLarge: "needs more than 128 MiB to be decompressed (zstd --long)"
        }
    }

    private func hex(_ number: UInt32) -> String { "0x" + String(number, radix: 16) }

    private func decompression(_ program: String) -> String {
        switch program {
        case "gzip": "gunzip"
        case "zstd": "unzstd"
        case "xz": "unxz"
        case "bzip2": "bunzip2"
        case "lz4": "unlz4"
        default: "decompress"
        }
    }
}
