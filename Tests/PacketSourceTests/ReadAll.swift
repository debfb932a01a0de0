// Reads a whole capture in a test: its frames, and the error that ended it, if any.

import Foundation
import PacketSource
import TCPModel
import Testing

/// A copy of one frame and of its header's fields.
struct KeptFrame: Equatable {
    var time: Int64
    var captured: UInt32
    var original: UInt32
    var linkType: LinkType
    var interface: UInt16
    var bytes: [UInt8]

    init(_ header: FrameHeader, _ span: RawSpan) {
        time = header.time.nanoseconds
        captured = header.capturedLength
        original = header.originalLength
        linkType = header.linkType
        interface = header.interface
        bytes = unsafe span.withUnsafeBytes { unsafe Array($0) }
    }
}

/// The outcome of reading a capture.
struct ReadResult {
    var frames: [KeptFrame] = []
    var error: CaptureFileError?
    var interfaces: [CaptureInterface] = []
    var dropped: UInt64 = 0
    var bytesRead: UInt64 = 0
}

func readAll(path: String) -> ReadResult {
    var result = ReadResult()
    do {
        var reader = try CaptureFileReader(path: path)
        var caught: CaptureFileError?
        do {
            try reader.forEachFrame { header, bytes in
                result.frames.append(KeptFrame(header, bytes))
                return true
            }
        } catch {
            caught = error
        }
        result.error = caught
        result.interfaces = reader.interfaces
        result.dropped = reader.droppedFrames
        result.bytesRead = reader.bytesRead
    } catch {
        result.error = error
    }
    return result
}

/// A file in a temporary folder of its own, removed together with the folder when this object goes away.
final class TemporaryFile {
    let path: String

    init(_ bytes: [UInt8] = [], named name: String = "x.pcap") throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("packetsource-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.appendingPathComponent(name).path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    deinit { try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent) }
}

func readAll(_ bytes: [UInt8]) throws -> ReadResult {
    let file = try TemporaryFile(bytes)
    return withExtendedLifetime(file) { readAll(path: file.path) }
}

// Swift passes these strings to the calls as NUL-terminated C strings.
func makeFIFO(_ path: String) -> Bool { unsafe mkfifo(path, 0o600) == 0 }
func changeMode(_ path: String, _ mode: mode_t) -> Bool { unsafe chmod(path, mode) == 0 }
func cut(_ path: String, to length: Int) { _ = unsafe truncate(path, length) }

/// Reads a capture through a FIFO, into which it is written in pieces of at most `piece` bytes.
func readThroughPipe(_ bytes: [UInt8], piece: Int) throws -> ReadResult {
    let file = try TemporaryFile()
    let fifo = file.path + ".fifo"
    try #require(makeFIFO(fifo))
    let writer = Thread {
        let descriptor = unsafe open(fifo, O_WRONLY | O_CLOEXEC)
        var at = 0
        while at < bytes.count {
            let part = Array(bytes[at..<min(at + piece, bytes.count)])
            let count = unsafe write(descriptor, part, part.count)
            if count <= 0 { break }
            at += count
        }
        close(descriptor)
    }
    // The reader may stop early: the writer must then see an error, not be killed by SIGPIPE.
    signal(SIGPIPE, SIG_IGN)
    writer.start()
    return withExtendedLifetime(file) { readAll(path: fifo) }
}

/// Runs a program to its end; nil if it is not installed.
func run(_ program: String, _ arguments: [String]) -> (status: Int32, output: String, errors: String)? {
    let folders = ["/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"]
    guard let path = folders.map({ $0 + program }).first(where: { FileManager.default.isExecutableFile(atPath: $0) })
    else { return nil }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let output = Pipe()
    let errors = Pipe()
    process.standardOutput = output
    process.standardError = errors
    guard (try? process.run()) != nil else { return nil }
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let complaints = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (
        process.terminationStatus, String(decoding: text, as: UTF8.self), String(decoding: complaints, as: UTF8.self)
    )
}

/// A frame of `count` bytes whose content depends on its number.
func frame(_ number: Int, _ count: Int = 60) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
}
