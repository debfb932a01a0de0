// A file or pipe written through one buffer: owns the descriptor; writes are complete or reported as an error.

import CLinux
import Glibc

/// The output file of a capture writer.
@safe struct OutputFile: ~Copyable {
    private static let capacity = 256 << 10

    let path: String
    private let descriptor: Int32
    private let buffer: UnsafeMutableRawBufferPointer
    private var used = 0
    private var isOpen = true
    /// Octets written so far, including those still in the buffer.
    private(set) var offset: UInt64 = 0
    /// The file's identity; nil for a pipe or a device, which holds nothing that could be lost.
    let identity: FileIdentity?

    /// Opens `path` for writing and truncates it; `-` is standard output. A descriptor inherited from the process's
    /// starter (`-`, `/dev/fd/3`) is written to at its current position, and its file keeps its contents, as with `>>`.
    /// Throws before anything is lost if the file is one of `inputs`, a directory, or a symbolic link to a file; or,
    /// with an owner, if it exists and the owner may not write to it.
    init(_ path: String, notOver inputs: Set<FileIdentity>, owner: CaptureWriter.Owner?) throws(CaptureWriteError) {
        let (descriptor, isInherited) = try Self.opened(path, for: owner)
        do {
            identity = try Self.prepare(descriptor, path, isInherited: isInherited, notOver: inputs)
        } catch {
            if descriptor > 2 { Glibc.close(descriptor) }
            throw error
        }
        self.path = path
        self.descriptor = descriptor
        unsafe buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.capacity, alignment: 16)
    }

    deinit {
        if descriptor > 2, isOpen { Glibc.close(descriptor) }
        // buffer was allocated in init; no pointer into it outlives self.
        unsafe buffer.deallocate()
    }

    /// Appends `bytes`; writes to the file only when the buffer is full.
    mutating func append(_ bytes: RawSpan) throws(CaptureWriteError) {
        var done = 0
        while done < bytes.byteCount {
            if used == Self.capacity { try flush() }
            let count = min(bytes.byteCount - done, Self.capacity - used)
            let at = used
            unsafe bytes.extracting(done..<done + count).withUnsafeBytes { source in
                // count bytes fit: used + count <= capacity.
                unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[at..<at + count]).copyMemory(from: source)
            }
            used += count
            done += count
        }
        offset += UInt64(bytes.byteCount)
    }

    /// Appends a block held in an array.
    mutating func append(_ block: [UInt8]) throws(CaptureWriteError) {
        // Bytes have no padding: all of them are initialized.
        try append(unsafe block.span.bytes)
    }

    /// Appends part of an array.
    mutating func append(_ part: ArraySlice<UInt8>) throws(CaptureWriteError) {
        // As above.
        try append(unsafe part.span.bytes)
    }

    /// Appends `count` zeros, at most 3, as padding.
    mutating func append(zeros count: Int) throws(CaptureWriteError) {
        let zeros: [3 of UInt8] = [0, 0, 0]
        // Bytes have no padding: all of them are initialized.
        try append(unsafe zeros.span.bytes.extracting(0..<count))
    }

    /// Writes out the whole buffer.
    mutating func flush() throws(CaptureWriteError) {
        var done = 0
        // Even after a failure, no bytes are written twice.
        defer { used = 0 }
        while done < used {
            // done < used <= capacity.
            let count = unsafe write(descriptor, buffer.baseAddress.map { unsafe $0 + done }, used - done)
            if count > 0 {
                done += count
            } else if count == 0 {
                // errno is not set by this call.
                throw CaptureWriteError(file: path, reason: .system(EIO))
            } else if errno == EAGAIN {
                var question = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                // question is one pollfd and lives through the call.
                _ = unsafe poll(&question, 1, -1)
            } else if errno != EINTR {
                throw CaptureWriteError(file: path, reason: .system(errno))
            }
        }
    }

    /// Flushes and closes; a second call does nothing.
    mutating func close() throws(CaptureWriteError) {
        guard isOpen else { return }
        try flush()
        isOpen = false
        if descriptor > 2, Glibc.close(descriptor) != 0, errno != EINTR {
            throw CaptureWriteError(file: path, reason: .system(errno))
        }
    }

    /// Checks the opened file, and truncates it unless it `isInherited`. Returns the file's identity, or nil if it is
    /// not a regular file.
    private static func prepare(
        _ descriptor: Int32, _ path: String, isInherited: Bool, notOver inputs: Set<FileIdentity>
    ) throws(CaptureWriteError) -> FileIdentity? {
        guard let status = fileStatus(descriptor) else { throw CaptureWriteError(file: path, reason: .system(errno)) }
        guard fileType(status) == S_IFREG else { return nil }
        let identity = FileIdentity(status)
        if inputs.contains(identity) { throw CaptureWriteError(file: path, reason: .isInput) }
        if isInherited { return identity }
        guard ftruncate(descriptor, 0) == 0 else { throw CaptureWriteError(file: path, reason: .system(errno)) }
        return identity
    }

    /// Opens the file with the rights of its owner. If the owner may not create it, root creates it on the owner's
    /// behalf, provided that it does not exist yet.
    private static func opened(_ path: String, as owner: CaptureWriter.Owner) -> Int32 {
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW
        // path is a Swift string: NUL-terminated for the calls.
        let descriptor = unsafe tcptrace_open_as(path, flags, 0o644, owner.user, owner.group)
        guard descriptor < 0, errno == EACCES else { return descriptor }
        let made = unsafe open(path, flags | O_EXCL, 0o644)
        if made >= 0 {
            guard fchown(made, owner.user, owner.group) != 0 else { return made }
            let error = errno
            Glibc.close(made)
            errno = error
        } else if errno == EEXIST {
            errno = EACCES
        }
        return -1
    }

    /// The descriptor to write to, and whether it was inherited from the process's starter.
    private static func opened(
        _ path: String, for owner: CaptureWriter.Owner?
    ) throws(CaptureWriteError) -> (descriptor: Int32, isInherited: Bool) {
        if path == "-" { return (STDOUT_FILENO, true) }
        if let number = ownDescriptor(path) {
            // Duplicated, not reopened: reopening may need other rights than those it was opened with.
            let copy = fcntl(number, F_DUPFD_CLOEXEC, 3)
            guard copy >= 0 else { throw CaptureWriteError(file: path, reason: .system(errno)) }
            return (copy, true)
        }
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW
        // path is a Swift string: NUL-terminated for the call.
        var descriptor = if let owner { opened(path, as: owner) } else { unsafe open(path, flags, 0o644) }
        if descriptor < 0, errno == ELOOP {
            // A symbolic link may lead to a device or a FIFO, but not to a regular file.
            let flags = O_WRONLY | O_CLOEXEC | O_NOCTTY
            descriptor =
                if let owner {
                    // As above.
                    unsafe tcptrace_open_as(path, flags, 0, owner.user, owner.group)
                } else {
                    unsafe open(path, flags)
                }
            if let status = fileStatus(descriptor), fileType(status) == S_IFREG {
                Glibc.close(descriptor)
                descriptor = -1
            }
            guard descriptor >= 0 else { throw CaptureWriteError(file: path, reason: .isSymbolicLink) }
        }
        guard descriptor >= 0 else {
            throw CaptureWriteError(file: path, reason: errno == EISDIR ? .isDirectory : .system(errno))
        }
        return (descriptor, false)
    }

    /// The descriptor of this process that a name stands for; nil for any other name.
    static func ownDescriptor(_ path: String) -> Int32? {
        switch path {
        case "/dev/stdout": return STDOUT_FILENO
        case "/dev/stderr": return STDERR_FILENO
        default: break
        }
        for directory in ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"] where path.hasPrefix(directory) {
            let name = path.dropFirst(directory.count)
            return name.allSatisfy({ ("0"..."9").contains($0) }) ? Int32(name) : nil
        }
        return nil
    }
}
