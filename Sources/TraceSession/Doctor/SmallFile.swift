// Small files of /proc and /sys as text, and tests for the existence of paths: for the doctor, the names and the ports.

import Glibc

enum SmallFile {
    /// The beginning of a file, at most `most` octets; nil if it cannot be read.
    static func text(_ path: String, most: Int = 64 << 10) -> String? {
        // The path is a String, which is NUL-terminated during the call.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: most)
        var filled = 0
        while filled < bytes.count {
            let start = filled
            // The region passed to read(2) is the rest of the array: `start` is less than its count.
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

    /// The text with each run of white space, line breaks included, made a single space, and without any at either end.
    static func line(_ path: String) -> String? {
        text(path).map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    }

    /// Whether something exists at this path that we can reach. access(2) would check the rights of the calling user,
    /// without the capabilities lent by setcap(8).
    static func exists(_ path: String) -> Bool {
        var about = stat()
        // The path is a String, which is NUL-terminated during the call, and stat(2) writes only to the structure
        // passed to it.
        return unsafe stat(path, &about) == 0
    }
}
