// Small text files given as arguments: a filter (-F), a list of capture files (-V).

import Glibc
import PacketSource
import TraceSession

/// Reads such files.
enum TextFile {
    /// Reasons why a file cannot be used.
    enum Fault: Error, CustomStringConvertible {
        /// The errno of opening or reading it.
        case system(Int32)
        /// It is longer than `limit`, which a file of its kind (`filter`, for example) never needs.
        case tooLong(String)
        /// It is not text: it contains octets with the value 0.
        case notText(String)

        var description: String {
            switch self {
            case .system(let number): describeErrno(number)
            case .tooLong(let kind): "is longer than 1 MiB, too long for a \(kind)"
            case .notText(let kind): "is not text, as a \(kind) must be"
            }
        }
    }

    /// The maximum size in octets.
    private static let limit = 1 << 20

    /// The nonempty lines of a file, with the line ends of any system; `-` is standard input.
    static func lines(of path: String, _ kind: String) throws(Fault) -> [String] {
        // There is nothing to close if fopen(3) fails; the mode and the path are NUL-terminated during the call.
        guard let file = unsafe fopen(path == "-" ? "/dev/stdin" : path, "re") else { throw .system(errno) }
        defer { unsafe fclose(file) }
        // One octet more than allowed: if it is filled, the file is too long.
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        errno = 0
        // fread(3) writes at most the number of octets passed, for which the array has room.
        let count = unsafe fread(&bytes, 1, limit + 1, file)
        // A directory can be opened, but not read. The file was opened just above.
        if unsafe ferror(file) != 0 { throw .system(errno) }
        guard count <= limit else { throw .tooLong(kind) }
        guard !bytes[..<count].contains(0) else { throw .notText(kind) }
        // Works on octets, because \r\n is one Character that equals neither of the two.
        let isLineEnd = { (octet: UInt8) in octet == 0x0a || octet == 0x0d }
        return bytes[..<count].split(whereSeparator: isLineEnd).map { String(decoding: $0, as: UTF8.self) }
    }
}
