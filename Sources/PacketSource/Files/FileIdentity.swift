// The identity of the file behind a descriptor or a name, used to avoid overwriting a capture that is being read.

import Glibc

/// A file's device and inode: equal for all names of the same file.
public struct FileIdentity: Hashable, Sendable {
    /// `st_dev`.
    public var device: UInt64
    /// `st_ino`.
    public var inode: UInt64

    /// The identity with these numbers.
    public init(device: UInt64, inode: UInt64) {
        self.device = device
        self.inode = inode
    }

    init(_ status: stat) {
        self.init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// The identity of the file with this name, following symbolic links; `-` is standard input. Nil if there is none.
    public init?(path: String) {
        guard let status = fileStatus(path) else { return nil }
        self.init(status)
    }

    /// Whether this is the name of a regular file, which can be read more than once, unlike a pipe.
    public static func isRegular(path: String) -> Bool { fileStatus(path).map { fileType($0) == S_IFREG } ?? false }
}

/// The result of `stat` for a name; `-` is standard input. Nil with errno set on failure.
private func fileStatus(_ path: String) -> stat? {
    if path == "-" { return fileStatus(STDIN_FILENO) }
    var status = stat()
    // path is NUL-terminated for the call, and status is a whole struct stat that lives through it.
    return unsafe stat(path, &status) == 0 ? status : nil
}

/// The result of `fstat` for a descriptor, or nil with errno set.
func fileStatus(_ descriptor: Int32) -> stat? {
    var status = stat()
    // status is a whole struct stat that lives through the call.
    return unsafe fstat(descriptor, &status) == 0 ? status : nil
}

/// The file type bits of a mode.
func fileType(_ status: stat) -> mode_t { status.st_mode & S_IFMT }
