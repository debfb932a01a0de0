// Capture files made by hand: Ethernet, IPv4 or IPv6, TCP, in classic pcap.

import CaptureBuilding
import Foundation

/// A capture file under construction.
struct HandMade {
    private var file = CaptureBytes.pcap(snapshotLength: 262_144)
    /// The capture time of the next record: seconds, and the microseconds within them.
    var second: UInt32 = 1_795_363_634
    var time: UInt32 = 0

    /// The file's header (little-endian, microseconds, Ethernet) and its records.
    var bytes: [UInt8] {
        get { file.bytes }
        set { file.bytes = newValue }
    }

    mutating func record(_ frame: [UInt8], length: UInt32? = nil) {
        file.record(seconds: second, fraction: time, frame, original: length)
        time += 100
    }

    /// Sets the time of the next record to now.
    mutating func catchUp() {
        let now = Date().timeIntervalSince1970
        second = UInt32(now)
        time = UInt32((now - Double(second)) * 1_000_000)
    }

    /// Returns what was added since the last call.
    mutating func take() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    /// A segment between two ports of 127.0.0.1 (or ::1).
    static func frame(
        _ from: UInt16, _ to: UInt16, _ flags: UInt8, seq: UInt32, ack: UInt32 = 0, payload: [UInt8] = [],
        six: Bool = false
    ) -> [UInt8] {
        let tcp = tcpSegment(
            from: from, to: to, sequence: seq, acknowledgment: ack, flags: UInt16(flags), payload)
        let loopback: [UInt8] = six ? [UInt8](repeating: 0, count: 15) + [1] : [127, 0, 0, 1]
        return [UInt8](repeating: 0, count: 12)
            + (six
                ? [0x86, 0xdd] + ipv6Packet(from: loopback, to: loopback, tcp)
                : [8, 0] + ipv4Packet(from: loopback, to: loopback, tcp))
    }

    /// Adds a whole connection (opened, ten octets, closed by the client), or one that stays open. If it is redirected,
    /// the answers come from the port that its client `called`.
    mutating func connection(
        _ client: UInt16, _ server: UInt16 = 9500, isn: UInt32 = 1000, six: Bool = false, isWhole: Bool = true,
        called: UInt16? = nil
    ) {
        func add(_ out: Bool, _ flags: UInt8, _ seq: UInt32, _ ack: UInt32, _ payload: [UInt8] = []) {
            let (own, other) = out ? (isn, isn &+ 70000) : (isn &+ 70000, isn)
            record(
                Self.frame(
                    out ? client : called ?? server, out ? server : client, flags, seq: own &+ seq,
                    ack: flags & 0x10 == 0 ? 0 : other &+ ack, payload: payload, six: six))
        }
        add(true, 0x02, 0, 0)
        add(false, 0x12, 0, 1)
        add(true, 0x10, 1, 1)
        add(true, 0x18, 1, 1, Array("0123456789".utf8))
        add(false, 0x10, 1, 11)
        guard isWhole else { return }
        add(true, 0x11, 11, 1)
        add(false, 0x11, 1, 12)
        add(true, 0x10, 12, 2)
    }
}
