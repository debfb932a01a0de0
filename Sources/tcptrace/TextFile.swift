// Small text files that arguments name: a filter (-F), a list of capture files (-V).

import Glibc
import TraceSession

/// Reads such files.
enum TextFile {
    /// Why one cannot be used.
    enum Fault: Error, CustomStringConvertible {
        /// errno of opening or reading it.
        case system(Int32)
        /// It is longer than `limit`, more than what it should be (`a filter`, say) ever needs.
        case tooLong(String)
        /// It is no text: it has octets 0.
        case notText(String)

        var description: String {
            switch self {
            case .system(let number): describeErrno(number)
            case .tooLong(let kind): "is longer than 1 MiB, which no \(kind) is"
            case .notText(let kind): "is no text, as a \(kind) is"
            }
        }
    }

    /// In octets.
    private static let limit = 1 << 20

    /// The lines of a file that are not empty, whichever system's line ends they have; `-` is standard input.
    static func lines(of path: String, _ kind: String) throws(Fault) -> [String] {
        // Nothing to close if fopen(3) fails; the mode and path are NUL-terminated for the time of the call.
        guard let file = unsafe fopen(path == "-" ? "/dev/stdin" : path, "re") else { throw .system(errno) }
        defer { unsafe fclose(file) }
        // One more than there may be: whether there is one tells a file that is too long.
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        errno = 0
        // fread(3) writes at most so many octets as it is told, which the array has.
        let count = unsafe fread(&bytes, 1, limit + 1, file)
        // A directory can be opened, and not be read. The file was opened just above.
        if unsafe ferror(file) != 0 { throw .system(errno) }
        guard count <= limit else { throw .tooLong(kind) }
        guard !bytes[..<count].contains(0) else { throw .notText(kind) }
        // Octets: \r\n is one character, which is neither of the two.
        let isLineEnd = { (octet: UInt8) in octet == 0x0a || octet == 0x0d }
        return bytes[..<count].split(whereSeparator: isLineEnd).map { String(decoding: $0, as: UTF8.self) }
    }
}
