// Why a capture file cannot be written, and the messages for it.

import TCPModel

/// An error in writing a capture, with the file's name.
public struct CaptureWriteError: Error, Equatable, Sendable {
    /// What went wrong.
    public enum Reason: Equatable, Sendable {
        /// `open`, `write` or `close` failed with this errno: ENOSPC, EIO, EPIPE ...
        case system(Int32)
        /// The file is a capture that is being read.
        case isInput
        /// The name is a symbolic link, which might lead anywhere.
        case isSymbolicLink
        /// A directory.
        case isDirectory
        /// Classic pcap holds only one link type; these are the names of the two.
        case mixedLinkTypes(first: String, second: String)
        /// More interfaces than a capture can number.
        case tooManyInterfaces
        /// A frame belongs to an interface that was not added, by its number.
        case unknownInterface(UInt16)
        /// A block of our own of this many octets, which no reader accepts.
        case blockTooLong(Int)
    }

    /// The file's name as given; `-` is standard output.
    public var file: String
    /// What went wrong.
    public var reason: Reason

    /// An error from its fields.
    public init(file: String, reason: Reason) {
        self.file = file
        self.reason = reason
    }

    /// Whether the reader of a pipe has closed it: a request to stop, not a failure.
    public var isClosedPipe: Bool { reason == .system(32) }
}

extension CaptureWriteError: CustomStringConvertible {
    /// One sentence that names the file.
    public var description: String {
        let name = file == "-" ? "standard output" : printable(file)
        return switch reason {
        case .system(let code): "\(name): \(describeErrno(code))"
        case .isInput: "\(name): This capture is being read and is not overwritten"
        case .isSymbolicLink: "\(name): This is a symbolic link: name the file that it points to"
        case .isDirectory: "\(name): Is a directory"
        case .mixedLinkTypes(let first, let second):
            "\(name): A .pcap file holds only one link type, and these frames are \(first) and \(second):"
                + " name the file .pcapng"
        case .tooManyInterfaces: "\(name): More than 65536 interfaces"
        case .unknownInterface(let number): "\(name): A frame of interface \(number), which was not described"
        case .blockTooLong(let octets): "\(name): A block of \(octets) octets, which no reader accepts"
        }
    }
}
