// Segments with a wrong checksum: without --verify-checksums they count, unless the kernel dropped them for it.

import CaptureBuilding
import Glibc
import KernelEvidence
import PacketSource
import TCPModel
import Testing
import TimelineReport

@testable import TraceSession

@Suite struct ChecksumEvidenceTests {
    private let client = SocketAddress(IPAddress(v4: 0xc000_0201), 40_000)
    private let server = SocketAddress(IPAddress(v4: 0xc000_0202), 80)

    /// A raw IP packet, without a link header, with a checksum of 0 or the right one.
    private func packet(
        toServer: Bool = true, _ flags: UInt16, seq: UInt32, ack: UInt32, isRight: Bool = true
    ) -> [UInt8] {
        let ends: (UInt16, UInt16) = toServer ? (client.port, server.port) : (server.port, client.port)
        let addresses = [client, server].map { big($0.address.v4) }
        var segment = tcpSegment(from: ends.0, to: ends.1, sequence: seq, acknowledgment: ack, flags: flags)
        if isRight {
            let sum = internetChecksum(addresses[0] + addresses[1] + [0, 6] + big(UInt16(segment.count)) + segment)
            segment.replaceSubrange(16..<18, with: big(sum))
        }
        return ipv4Packet(from: addresses[toServer ? 0 : 1], to: addresses[toServer ? 1 : 0], segment)
    }

    /// Replays a handshake and a RST, ten milliseconds apart, from a file whose records have a drop this long after the
    /// RST; returns whether the RST ended the connection, and the number of damaged segments.
    private func replay(
        after delay: Int64, reason: KernelWord = "TCP_CSUM", from sender: SocketAddress? = nil, isRight: Bool = false,
        hasRecords: Bool = true
    ) throws -> (hasEnded: Bool, damaged: UInt64) {
        let path = "/tmp/tcptrace-checksums-\(getpid())-\(UInt64.random(in: 0 ... .max)).pcapng"
        defer { unsafe _ = unlink(path) }
        let drop = SocketEvent(
            time: Timestamp(nanoseconds: 30 * Span.millisecond + delay), kind: .dropped(reason: reason), local: server,
            remote: sender ?? client)
        var encoder = KernelRecordEncoder()
        var records: [[UInt8]] = []
        encoder.encode(.begin(KernelTraceSettings(hasEvents: true)), into: &records)
        encoder.encode(.events([drop], taken: Timestamp(nanoseconds: Span.second)), into: &records)
        var writer = try CaptureWriter(path: path, application: "test")
        try writer.addInterface(CaptureInterface(name: "lo", linkType: .raw, snapshotLength: 256))
        for record in records { try writer.write(localBlock: record) }
        try writer.close()

        var options = TraceOptions()
        options.files = [path]
        options.connectionLimit = 9
        var replay = EventReplay(
            TextTimelineReport(style: TextStyle(), order: .blocks), options, workers: 1)
        let description = CaptureDescription(file: nil, interfaces: [], snapshotLength: nil, filter: "", tool: "")
        replay.begin(description)
        if hasRecords { replay.take(kernelRecord: records[0]) }
        let packets = [
            packet(0x02, seq: 0, ack: 0), packet(toServer: false, 0x12, seq: 0, ack: 1),
            // Its checksum is wrong, too, but nothing was dropped then: a network card put it together.
            packet(0x10, seq: 1, ack: 1, isRight: false), packet(0x14, seq: 1, ack: 1, isRight: isRight),
        ]
        for (index, octets) in packets.enumerated() {
            let header = FrameHeader(
                time: Timestamp(nanoseconds: Int64(index) * 10 * Span.millisecond),
                capturedLength: UInt32(octets.count), originalLength: UInt32(octets.count), linkType: .raw)
            // Every octet of an array of UInt8 is initialized, and the array lives through the call.
            unsafe replay.take(header, octets.span.bytes, frame: UInt64(index + 1))
        }
        let result = (replay.endedCount == 1, replay.tally.badChecksums)
        replay.abandon()
        return result
    }

    @Test func whatTheKernelDroppedForItsChecksumMovesNothing() throws {
        for reason in ["TCP_CSUM", "IP_CSUM"] as [KernelWord] {
            #expect(try replay(after: 2000, reason: reason) == (false, 1))
        }
    }

    @Test func everythingElseCounts() throws {
        #expect(try replay(after: 2 * Span.millisecond) == (true, 0), "another packet was dropped")
        #expect(try replay(after: -Span.millisecond / 2) == (true, 0))
        #expect(try replay(after: 2000, reason: "NETFILTER_DROP") == (true, 0))
        #expect(try replay(after: 2000, from: SocketAddress(client.address, 40_001)) == (true, 0))
        #expect(try replay(after: 2000, isRight: true) == (true, 0), "it was damaged behind the capture")
        #expect(try replay(after: 2000, hasRecords: false) == (true, 0))
    }
}
