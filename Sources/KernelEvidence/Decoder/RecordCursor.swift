// A position in a payload. Every read is checked, as a payload may claim anything.

import TCPModel

/// Reads a payload from its beginning.
struct RecordCursor {
    private let octets: [UInt8]
    /// Never beyond the end.
    private var position = 0

    init(_ octets: [UInt8]) { self.octets = octets }

    /// The number of octets not yet read.
    private var left: Int { octets.count - position }

    /// Skips `count` octets and returns the position where they begin.
    private mutating func pass(_ count: Int) throws(KernelRecordFault) -> Int {
        guard count <= left else { throw .cut }
        defer { position += count }
        return position
    }

    mutating func u8() throws(KernelRecordFault) -> UInt8 { octets[try pass(1)] }

    mutating func u16() throws(KernelRecordFault) -> UInt16 {
        let at = try pass(2)
        return UInt16(octets[at]) | UInt16(octets[at + 1]) << 8
    }

    mutating func u32() throws(KernelRecordFault) -> UInt32 {
        let low = try u16()
        return UInt32(low) | UInt32(try u16()) << 16
    }

    mutating func u64() throws(KernelRecordFault) -> UInt64 {
        let low = try u32()
        return UInt64(low) | UInt64(try u32()) << 32
    }

    mutating func i32() throws(KernelRecordFault) -> Int32 { Int32(bitPattern: try u32()) }

    mutating func time() throws(KernelRecordFault) -> Timestamp {
        Timestamp(nanoseconds: Int64(bitPattern: try u64()))
    }

    /// Reads a count of elements of at least `least` octets each, for which the rest must have room.
    mutating func count(least: Int) throws(KernelRecordFault) -> Int {
        let claimed = try u32()
        guard let count = Int(exactly: claimed), count <= left / least else { throw .cut }
        return count
    }

    /// Reads a 16-bit count, checked like `count`.
    mutating func shortCount(least: Int) throws(KernelRecordFault) -> Int {
        let count = Int(try u16())
        guard count <= left / least else { throw .cut }
        return count
    }

    /// Reads the count of a portion, checked like `count` and against the limit for portions.
    mutating func portion(least: Int) throws(KernelRecordFault) -> Int {
        let count = try count(least: least)
        guard count <= KernelRecordFormat.portionLimit else { throw .badValue("\(count) elements") }
        return count
    }

    /// Reads UTF-8; invalid sequences become U+FFFD.
    private mutating func utf8(_ count: Int) throws(KernelRecordFault) -> String {
        let at = try pass(count)
        return String(decoding: octets[at..<at + count], as: UTF8.self)
    }

    mutating func text() throws(KernelRecordFault) -> String { try utf8(Int(try u16())) }

    /// Reads a text of limited length, which bounds what is kept of a file.
    mutating func text(limit: Int) throws(KernelRecordFault) -> String {
        let count = Int(try u16())
        guard count <= limit else { throw .badValue("a text of \(count) octets") }
        return try utf8(count)
    }

    mutating func word() throws(KernelRecordFault) -> String { try utf8(Int(try u8())) }

    mutating func end(isV4: Bool) throws(KernelRecordFault) -> SocketAddress {
        // Addresses are in network order, as in packets.
        if isV4 {
            let address = IPAddress(v4: try u32().byteSwapped)
            return SocketAddress(address, try u16())
        }
        let high = try u64().byteSwapped
        let low = try u64().byteSwapped
        return SocketAddress(IPAddress(high: high, low: low), try u16())
    }

    mutating func state() throws(KernelRecordFault) -> TCPState {
        let number = try u8()
        guard let state = TCPState(fileNumber: number) else { throw .badValue("state \(number)") }
        return state
    }

    mutating func source() throws(KernelRecordFault) -> KernelSource {
        let number = try u8()
        guard let source = KernelSource(fileNumber: number) else { throw .badValue("source \(number)") }
        return source
    }

    mutating func socket() throws(KernelRecordFault) -> KernelSocket {
        let flags = SocketFlags(rawValue: try u8())
        let state = try state()
        let timerNumber = try u8()
        guard let timer = KernelSocket.Timer(rawValue: timerNumber) else { throw .badValue("timer \(timerNumber)") }
        let local = try end(isV4: flags.contains(.localV4))
        let remote = try end(isV4: flags.contains(.remoteV4))
        let transmitQueue = try u32()
        let receiveQueue = try u32()
        let uid = try u32()
        var socket = KernelSocket(
            local: local, remote: remote, state: state, isIPv6: flags.contains(.isIPv6), timer: timer,
            transmitQueue: transmitQueue, receiveQueue: receiveQueue, uid: uid, inode: try u64())
        if flags.contains(.backlog) { socket.backlog = try u32() }
        if flags.contains(.drops) { socket.drops = try u32() }
        return socket
    }
}
