// Small files of /proc and /sys as text, and whether a path is there: what the doctor and the privileges look at.

import Glibc

enum SmallFile {
    /// The first octets (at most so many) of a file; nil if it cannot be read.
    static func text(_ path: String, most: Int = 64 << 10) -> String? {
        // The path is a String: NUL-terminated for the time of the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: most)
        var filled = 0
        while filled < bytes.count {
            let start = filled
            // The region given to read(2) is the rest of the array: `start` is less than its count.
            let count = unsafe bytes.withUnsafeMutableBytes { region in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: region[start...])
                return unsafe read(descriptor, rest.baseAddress, rest.count)
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { break }
            filled += count
        }
        return String(decoding: bytes[..<filled], as: UTF8.self)
    }

    /// The same without white space at either end, and tabs made spaces.
    static func line(_ path: String) -> String? {
        text(path).map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    }

    /// Whether there is something at this path that we can get at. access(2) would ask for the user who called us, without what setcap(8)
    /// has lent.
    static func exists(_ path: String) -> Bool {
        var about = stat()
        // The path is a String, NUL-terminated for the time of the call, and stat(2) fills the structure that is passed.
        return unsafe stat(path, &about) == 0
    }
}
