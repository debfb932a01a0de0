// What CaptureWriter writes is read back by our reader and understood by tshark and tcpdump; every failure is named.

import CaptureBuilding
import Foundation
import PacketSource
import TCPModel
import Testing

@Suite("Writing captures") struct WritingTests {
    init() { signal(SIGPIPE, SIG_IGN) }

    private static let lo = CaptureInterface(name: "lo", linkType: .ethernet, snapshotLength: 262_144)
    private static let any = CaptureInterface(name: "any", linkType: .linuxSLL2, snapshotLength: 256)

    private func header(_ time: Int64, _ bytes: [UInt8], _ interface: UInt16 = 0) -> FrameHeader {
        FrameHeader(
            time: Timestamp(nanoseconds: time), capturedLength: UInt32(bytes.count),
            originalLength: UInt32(bytes.count + 5), linkType: interface == 0 ? .ethernet : .linuxSLL2,
            interface: interface)
    }

    /// Writes frames of various sizes, some larger than the writer's buffer, and returns them.
    private func write(_ path: String, interfaces: Int) throws -> [[UInt8]] {
        var writer = try CaptureWriter(path: path, application: "tcptrace 0.1")
        try writer.addInterface(Self.lo, filter: "port 9500")
        if interfaces > 1 { try writer.addInterface(Self.any) }
        let frames = [0, 1, 2, 3, 4, 60, 1500, 70_000, 262_144, 262_144].map { frame($0, $0) }
        for (number, bytes) in frames.enumerated() {
            let interface = UInt16(number % interfaces)
            let header = header(1_700_000_000_000_000_001 + Int64(number), bytes, interface)
            // Bytes have no padding: all of them are initialized.
            try writer.write(header, unsafe bytes.span.bytes)
        }
        writer.setStatistics(CaptureStatistics(received: 42, droppedByKernel: 3, droppedByInterface: 4), interface: 0)
        try writer.close()
        try writer.close()
        return frames
    }

    @Test("what is written is read back, in both formats", arguments: ["x.pcapng", "x.pcap", "X.PCAP", "noname"])
    func roundTrip(name: String) throws {
        let file = try TemporaryFile(named: name)
        let isClassic = name.lowercased().hasSuffix(".pcap")
        let frames = try write(file.path, interfaces: isClassic ? 1 : 2)
        let result = readAll(path: file.path)
        #expect(result.error == nil)
        #expect(result.frames.map(\.bytes) == frames)
        #expect(result.frames.map(\.time) == frames.indices.map { 1_700_000_000_000_000_001 + Int64($0) })
        #expect(result.frames.map(\.original) == frames.map { UInt32($0.count + 5) })
        if isClassic {
            #expect(result.interfaces.map(\.linkType) == [.ethernet])
        } else {
            #expect(result.interfaces == [Self.lo, Self.any])
            #expect(result.frames.map(\.interface) == frames.indices.map { UInt16($0 % 2) })
            #expect(result.dropped == 7)
        }
    }

    @Test("tshark and tcpdump read what was written", arguments: ["x.pcapng", "x.pcap"])
    func otherReaders(name: String) throws {
        let file = try TemporaryFile(named: name)
        let count = try write(file.path, interfaces: 1).count
        for (program, arguments) in [("tshark", ["-n", "-r", file.path]), ("tcpdump", ["-nr", file.path])] {
            guard let result = run(program, arguments) else {
                print("\(program) is not installed: not asked")
                continue
            }
            #expect(result.output.split(separator: "\n").count { $0.first != "\t" } >= count - 1, "\(program)")
            if program == "tshark" { #expect(result.status == 0, "\(result.errors)") }
        }
        if name == "x.pcapng", let info = run("capinfos", ["-M", file.path]) {
            #expect(info.output.contains("tcptrace 0.1"))
            #expect(info.output.contains("port 9500"))
        }
    }

    /// In nanoseconds: just before 1970-01-01, that moment, the last one a classic file
    /// can hold, and one nanosecond later.
    private static let edges: [Int64] = [-1, 0, 4_294_967_295_999_999_999, 4_294_967_296_000_000_000]

    @Test(
        "times that a format cannot state become the nearest, are counted, and a remedy is named",
        arguments: [("x.pcapng", 1, 0), ("x.pcap", 1, 1)])
    func times(name: String, early: Int, late: Int) throws {
        let file = try TemporaryFile(named: name)
        var writer = try CaptureWriter(path: file.path, application: "t")
        try writer.addInterface(Self.lo)
        #expect(writer.remarks.isEmpty)
        let bytes = frame(1, 60)
        // Bytes have no padding: all of them are initialized.
        for time in Self.edges { try writer.write(header(time, bytes), unsafe bytes.span.bytes) }
        try writer.close()
        let nearest = late == 0 ? Self.edges[3] : Self.edges[2]
        #expect(readAll(path: file.path).frames.map(\.time) == [0, 0, Self.edges[2], nearest])
        let remarks = writer.remarks
        #expect(remarks.count == early + late)
        #expect(remarks[0].hasPrefix("1 packet from before 1970 was written to \(file.path) with the time 1970-01-01"))
        #expect(remarks[0].contains("editcap -t"))
        if late > 0 {
            #expect(remarks[1].hasPrefix("1 packet from after 2106 was written to \(file.path)"))
            #expect(remarks[1].contains(".pcapng"))
        }
    }

    @Test("a second link type in a .pcap file is refused")
    func mixedLinkTypes() throws {
        let file = try TemporaryFile()
        var writer = try CaptureWriter(path: file.path, application: "t")
        try writer.addInterface(Self.lo)
        let expected = CaptureWriteError.Reason.mixedLinkTypes(first: "EN10MB", second: "LINUX_SLL2")
        do {
            try writer.addInterface(Self.any)
            Issue.record("no error")
        } catch {
            #expect(error.reason == expected)
        }
    }

    @Test("an empty capture is a capture", arguments: ["x.pcapng", "x.pcap"])
    func empty(name: String) throws {
        let file = try TemporaryFile(named: name)
        var writer = try CaptureWriter(path: file.path, application: "t")
        try writer.close()
        let result = readAll(path: file.path)
        #expect(result.error == nil && result.frames.isEmpty)
    }

    @Test("a full disk is an error that names the file")
    func fullDisk() throws {
        var writer = try CaptureWriter(path: "/dev/full", application: "t")
        try writer.addInterface(Self.lo)
        do {
            try writer.close()
            Issue.record("no error")
        } catch {
            #expect(error.reason == .system(ENOSPC))
            #expect(error.description == "/dev/full: No space left on device")
        }
    }

    @Test("a closed pipe is told from other errors")
    func closedPipe() throws {
        let file = try TemporaryFile()
        let fifo = file.path + ".fifo"
        try #require(makeFIFO(fifo))
        let reader = unsafe open(fifo, O_RDONLY | O_NONBLOCK)
        var writer = try CaptureWriter(path: fifo, application: "t")
        close(reader)
        do {
            try writer.flush()
            Issue.record("no error")
        } catch {
            #expect(error.isClosedPipe)
        }
    }

    @Test("the capture that is being read is not overwritten, by whatever name")
    func overInput() throws {
        var bytes = CaptureBytes.pcap()
        bytes.record(seconds: 1, fraction: 0, frame(1))
        let file = try TemporaryFile(bytes.bytes)
        let other = file.path + ".hard.pcap"
        try FileManager.default.linkItem(atPath: file.path, toPath: other)
        let reader = try CaptureFileReader(path: file.path)
        for path in [file.path, other] {
            #expect(throws: CaptureWriteError(file: path, reason: .isInput)) {
                _ = try CaptureWriter(path: path, application: "t", notOver: [reader.identity])
            }
        }
        #expect(readAll(path: file.path).frames.count == 1)
    }

    @Test("directories, symbolic links to files and folders that are not there are refused")
    func refusals() throws {
        let file = try TemporaryFile([1, 2, 3])
        let link = file.path + ".link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file.path)
        let dangling = file.path + ".dangling"
        try FileManager.default.createSymbolicLink(atPath: dangling, withDestinationPath: file.path + ".none")
        // This folder is world-writable too, although it lies below /dev.
        let shared = "/dev/shm/tcptrace-test-\(getpid()).link"
        try FileManager.default.createSymbolicLink(atPath: shared, withDestinationPath: file.path)
        defer { try? FileManager.default.removeItem(atPath: shared) }
        let cases: [(String, CaptureWriteError.Reason)] = [
            ("/tmp", .isDirectory), (shared, .isSymbolicLink), ("/dev/fd/../shm/x", .system(ENOENT)),
            (link, .isSymbolicLink), (dangling, .isSymbolicLink),
            ("/nosuch/x.pcap", .system(ENOENT)),
        ]
        for (path, reason) in cases {
            #expect(throws: CaptureWriteError(file: path, reason: reason)) {
                _ = try CaptureWriter(path: path, application: "t")
            }
        }
        #expect(FileManager.default.contents(atPath: file.path)?.count == 3)
    }

    @Test("names of the process's own descriptors are copied, also for an owner who could not open them")
    func ownDescriptors() throws {
        let pipe = Pipe()
        let number = pipe.fileHandleForWriting.fileDescriptor
        for directory in ["/dev/fd", "/proc/self/fd"] {
            var writer = try CaptureWriter(
                path: "\(directory)/\(number)", application: "t", owner: .init(user: 65_534, group: 65_534))
            try writer.close()
        }
        try pipe.fileHandleForWriting.close()
        let written = try pipe.fileHandleForReading.readToEnd() ?? Data()
        // The magic number of a section header, once per writer (pcapng 4.1).
        #expect(written.ranges(of: Data([0x0a, 0x0d, 0x0d, 0x0a])).count == 2)
        let closed = "/dev/fd/1048575"
        #expect(throws: CaptureWriteError(file: closed, reason: .system(EBADF))) {
            _ = try CaptureWriter(path: closed, application: "t")
        }
    }

    @Test("a file that was opened by whoever started us keeps what is there, as with >>")
    func inheritedFile() throws {
        let file = try TemporaryFile(Array("before\n".utf8))
        let handle = try #require(FileHandle(forWritingAtPath: file.path))
        try handle.seekToEnd()
        let number = handle.fileDescriptor
        for directory in ["/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"] {
            var writer = try CaptureWriter(path: "\(directory)/\(number)", application: "t")
            try writer.close()
        }
        let written = FileManager.default.contents(atPath: file.path) ?? Data()
        #expect(written.prefix(7) == Data("before\n".utf8))
        #expect(written.ranges(of: Data([0x0a, 0x0d, 0x0d, 0x0a])).count == 3)
        // Opened by its own name, the file is truncated.
        var writer = try CaptureWriter(path: file.path, application: "t")
        try writer.close()
        #expect(FileManager.default.contents(atPath: file.path)?.starts(with: Data("before".utf8)) == false)
    }

    /// Writing to the memory of a process that has ended writes nothing: write(2) returns 0, not an error.
    @Test("where nothing is written nobody waits, whatever errno an earlier call left")
    func nothingIsWritten() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sleep")
        process.arguments = ["60"]
        try process.run()
        // Swift passes the path to the call as a NUL-terminated string.
        let memory = unsafe open("/proc/\(process.processIdentifier)/mem", O_WRONLY | O_CLOEXEC)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try #require(memory > 2)
        defer { close(memory) }
        let path = "/dev/fd/\(memory)"
        let failure = CaptureWriteError(file: path, reason: .system(EIO))
        var writer = try CaptureWriter(path: path, application: "t")
        errno = EAGAIN
        #expect(throws: failure) { try writer.flush() }
    }

    @Test("names of standard output")
    func standardOutput() {
        for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1"] {
            #expect(CaptureWriter.isStandardOutput(name), "\(name)")
        }
        for name in ["", "x.pcap", "/dev/stderr", "/dev/fd/3", "/dev/fd/1x", "./-"] {
            #expect(!CaptureWriter.isStandardOutput(name), "\(name)")
        }
    }
}
