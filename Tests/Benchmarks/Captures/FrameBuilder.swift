// Builds frames with TCP segments octet by octet, and writes them to a classic pcap file.

import Glibc
import SeededRandom

/// The addresses and ports of one direction's segments.
struct Path {
    /// The last 32 bits of the addresses; the rest is fixed.
    var source: UInt32
    var destination: UInt32
    var sourcePort: UInt16
    var destinationPort: UInt16
    var isIPv6 = false
    /// The VLAN of an 802.1Q tag; 0 for no tag.
    var vlan: UInt16 = 0

    var reversed: Path {
        Path(
            source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort,
            isIPv6: isIPv6, vlan: vlan)
    }
}

/// One segment to write.
struct Packet {
    static let fin: UInt8 = 1
    static let syn: UInt8 = 2
    static let rst: UInt8 = 4
    static let psh: UInt8 = 8
    static let ack: UInt8 = 16

    var path: Path
    var flags: UInt8
    var sequence: UInt32
    var acknowledgment: UInt32 = 0
    var payload: Int = 0
    var window: UInt16 = 502
}

/// A pcap file (microseconds, Ethernet) open for writing. At most 16 octets of each payload are kept.
struct CaptureFile: ~Copyable {
    static let keptPayload = 16
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private(set) var frames = 0
    private(set) var octets = 0
    /// Microseconds since the epoch.
    var clock: UInt64 = 1_795_305_600_000_000

    init(path: String) throws(BenchError) {
        // The path is NUL-terminated for the call.
        descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw BenchError("\(path): cannot be written") }
        buffer.reserveCapacity(1 << 20)
        for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, 1] as [UInt32] { little(word) }
    }

    deinit { close(descriptor) }

    mutating func write(_ packet: Packet) {
        let options = packet.flags & Packet.syn != 0 ? 20 : 12
        let header = 20 + options
        let network = packet.path.isIPv6 ? 40 : 20
        let link = packet.path.vlan == 0 ? 14 : 18
        let kept = min(packet.payload, Self.keptPayload)
        little(UInt32(truncatingIfNeeded: clock / 1_000_000))
        little(UInt32(truncatingIfNeeded: clock % 1_000_000))
        little(UInt32(link + network + header + kept))
        little(UInt32(link + network + header + packet.payload))
        writeLink(packet.path)
        if packet.path.isIPv6 {
            big32(0x6000_0000)
            big16(UInt16(truncatingIfNeeded: header + packet.payload))
            big16(0x0640)
            for address in [packet.path.source, packet.path.destination] {
                big32(0x2001_0db8)
                big32(0)
                big32(0)
                big32(address)
            }
        } else {
            big16(0x4500)
            big16(UInt16(truncatingIfNeeded: network + header + packet.payload))
            big32(0x0000_4000)
            big32(0x4006_0000)
            big32(packet.path.source)
            big32(packet.path.destination)
        }
        big16(packet.path.sourcePort)
        big16(packet.path.destinationPort)
        big32(packet.sequence)
        big32(packet.acknowledgment)
        big16(UInt16(header / 4) << 12 | UInt16(packet.flags))
        big16(packet.window)
        big32(0)
        if packet.flags & Packet.syn != 0 {
            big32(0x0204_05b4)
            big32(0x0402_080a)
        } else {
            big32(0x0101_080a)
        }
        big32(UInt32(truncatingIfNeeded: clock / 1000))
        big32(0)
        if packet.flags & Packet.syn != 0 { big32(0x0103_0307) }
        for _ in 0..<kept { buffer.append(0x78) }
        frames += 1
        if buffer.count > 1 << 20 - 4096 { flush() }
    }

    mutating func finish() { flush() }

    private mutating func writeLink(_ path: Path) {
        big32(0x0200_0000)
        big32(0x0001_0200)
        big32(0x0000_0002)
        if path.vlan != 0 {
            big16(0x8100)
            big16(path.vlan)
        }
        big16(path.isIPv6 ? 0x86dd : 0x0800)
    }

    private mutating func little(_ word: UInt32) { big32(word.byteSwapped) }

    private mutating func big32(_ word: UInt32) {
        big16(UInt16(truncatingIfNeeded: word >> 16))
        big16(UInt16(truncatingIfNeeded: word))
    }

    private mutating func big16(_ half: UInt16) {
        buffer.append(UInt8(half >> 8))
        buffer.append(UInt8(truncatingIfNeeded: half))
    }

    private mutating func flush() {
        octets += buffer.count
        var done = 0
        while done < buffer.count {
            // The region is the rest of the array: done < count.
            let count = unsafe buffer.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
                return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count <= 0 { fatalError("writing a capture failed: errno \(errno)") }
            done += count
        }
        buffer.removeAll(keepingCapacity: true)
    }
}

extension SplitMix {
    /// A number below this one.
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
