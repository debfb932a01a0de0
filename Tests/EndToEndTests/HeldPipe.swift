// A FIFO that pauses wherever a test wants it to.

import Foundation
import Testing

/// A FIFO whose other end the test holds open: its reader sees no end of file before `close`.
final class HeldPipe {
    let path: String
    private let handle: FileHandle

    init(_ scratch: Scratch, _ name: String = "fifo") throws {
        path = scratch.file(name)
        // The path is NUL-terminated for the call.
        try #require(unsafe mkfifo(path, 0o600) == 0)
        handle = try #require(FileHandle(forUpdatingAtPath: path))
    }

    var descriptor: Int32 { handle.fileDescriptor }

    func write(_ bytes: some Collection<UInt8>) throws { try handle.write(contentsOf: Data(bytes)) }

    func close() throws { try handle.close() }
}
