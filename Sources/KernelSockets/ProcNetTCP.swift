// Reads /proc/net/tcp and /proc/net/tcp6 into a snapshot through one reused buffer, without allocating a String per
// line.

import Glibc
import TCPModel

/// The kernel's TCP tables, read from procfs. Needs no privilege; shows this process's network namespace.
public struct ProcNetTCP: Sendable {
    private let paths: (v4: String, v6: String)
    private var buffer: [UInt8]

    /// A reader of the tables below `root`; anything but /proc is for tests. `bufferSize` is in bytes and must hold the
    /// longest line (about 200 bytes); it is at least 256.
    public init(root: String = "/proc", bufferSize: Int = 65_536) {
        paths = (root + "/net/tcp", root + "/net/tcp6")
        buffer = [UInt8](repeating: 0, count: max(256, bufferSize))
    }

    /// Takes one reading into a new snapshot. Prefer `read(into:ports:)` for repeated readings.
    public mutating func read(ports: [UInt16] = []) throws(KernelViewError) -> SocketSnapshot {
        var snapshot = SocketSnapshot()
        try read(into: &snapshot, ports: ports)
        return snapshot
    }

    /// Replaces the contents of `snapshot` with a new reading, reusing its memory.
    ///
    /// With `ports`, only sockets whose local or remote port is among them are kept; empty means all. A kernel without
    /// IPv6 has no tcp6, which is not an error.
    /// - Throws: `KernelViewError` if a table cannot be opened or read; the snapshot is then empty.
    public mutating func read(into snapshot: inout SocketSnapshot, ports: [UInt16] = []) throws(KernelViewError) {
        snapshot.clear()
        let start = monotonicNow()
        snapshot.readBegan = wallClockNow()
        do throws(KernelViewError) {
            try readTable(paths.v4, isIPv6: false, ports, into: &snapshot)
            try readTable(paths.v6, isIPv6: true, ports, into: &snapshot)
        } catch {
            snapshot.clear()
            throw error
        }
        snapshot.readEnded = wallClockNow()
        snapshot.readNanoseconds = monotonicNow() - start
    }

    private mutating func readTable(
        _ path: String, isIPv6: Bool, _ ports: [UInt16], into snapshot: inout SocketSnapshot
    ) throws(KernelViewError) {
        guard let file = Descriptor(path: path) else {
            if isIPv6 && errno == ENOENT { return }
            throw .cannotOpen(path: path, code: errno)
        }
        var filled = 0  // Bytes of the buffer in use: the beginning of a line that is not complete yet.
        var skipsRest = false  // Inside a line that was too long for the buffer.
        while true {
            let count = file.read(into: &buffer, from: filled)
            if count < 0 { throw .cannotRead(path: path, code: errno) }
            if count == 0 { break }
            filled += count
            var consumed = takeLines(upTo: filled, isIPv6: isIPv6, ports, &skipsRest, into: &snapshot)
            if consumed == 0 && filled == buffer.count {
                if !skipsRest { snapshot.malformedLines += 1 }
                skipsRest = true
                consumed = filled
            }
            if consumed > 0 {
                // A loop, because taking a slice would prevent the buffer from being changed in place.
                for index in consumed..<filled { buffer[index - consumed] = buffer[index] }
                filled -= consumed
            }
        }
        // The kernel ends every line with a line feed, so an unterminated line was truncated.
        if filled > 0 && !skipsRest { snapshot.malformedLines += 1 }
    }

    /// Parses the complete lines among the first `end` bytes of the buffer. Returns the number of bytes consumed.
    private func takeLines(
        upTo end: Int, isIPv6: Bool, _ ports: [UInt16], _ skipsRest: inout Bool, into snapshot: inout SocketSnapshot
    ) -> Int {
        let bytes = buffer.span
        var start = 0
        var position = 0
        while position < end {
            guard bytes[position] == UInt8(ascii: "\n") else {
                position += 1
                continue
            }
            if skipsRest {
                skipsRest = false
            } else {
                switch ProcNetTCPLine.parse(bytes, start..<position, isIPv6: isIPv6) {
                case .socket(let socket):
                    if ports.isEmpty || ports.contains(socket.local.port) || ports.contains(socket.remote.port) {
                        snapshot.append(socket)
                    }
                case .title: break
                case .unknownState: snapshot.unknownStates += 1
                case .malformed: snapshot.malformedLines += 1
                }
            }
            position += 1
            start = position
        }
        return start
    }
}
