// A process started by the test that holds sockets, for the live tests.

import Foundation
import Glibc
import Testing

/// A Python program with a listening socket; ended when the test releases it.
final class Server {
    let process = Process()
    let port: UInt16

    init(_ more: String = "") throws {
        let program = """
            import socket, sys, os, signal, time
            signal.pthread_sigmask(signal.SIG_SETMASK, [])  # The test's threads block signals, and children inherit that.
            s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(5)
            \(more)
            print(s.getsockname()[1], flush=True)
            time.sleep(60)
            """
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", program]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let line = String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
        port = try #require(UInt16(line.split(separator: "\n").first ?? ""))
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
}

/// Whether Python is installed, which plays the server.
let hasPython = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
    FileManager.default.isExecutableFile(atPath: "\($0)/python3")
}
