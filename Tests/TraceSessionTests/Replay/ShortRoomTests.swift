// A replay that runs short of memory for the octets to show: closed connections make room, and texts are left out of
// open ones only.

import CaptureBuilding
import PacketSource
import Synchronization
import TCPModel
import TCPTimeline
import Testing
import TimelineReport

@testable import TraceSession

/// The text printed for each connection, by its number.
private final class Told: Sendable {
    let blocks = Mutex<[UInt64: String]>([:])

    var text: String {
        blocks.withLock { blocks in blocks.sorted { $0.key < $1.key }.map(\.value).joined(separator: "\n") }
    }
}

/// A timeline with -A whose blocks are kept instead of being written.
private struct Recording: TraceReport, ForwardingReport {
    var inner: TextTimelineReport
    let told: Told

    mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        var block = OutputBuffer()
        inner.finish(id, connections, kernel, &block)
        let text = String(decoding: block.bytes, as: UTF8.self)
        told.blocks.withLock { $0[connections.number(of: id), default: ""] += text }
    }

    func part(of count: Int) -> Recording { Recording(inner: inner.part(of: count), told: told) }
    mutating func join(_ part: Recording) {}
    mutating func merge(
        _ said: borrowing OutputBuffer, _ range: Range<Int>, number: UInt64, _ out: inout OutputBuffer
    ) {}
}

@Suite("A replay with little room for texts") struct ShortRoomTests {
    /// A raw IP packet, without a link header.
    private struct Packet {
        var toServer = true
        var port: UInt16
        var flags: UInt16
        var seq: UInt32
        var ack: UInt32
        var text = 0

        var octets: [UInt8] {
            let ends: (UInt16, UInt16) = toServer ? (port, 80) : (80, port)
            let (client, server): ([UInt8], [UInt8]) = ([192, 0, 2, 1], [192, 0, 2, 2])
            return ipv4Packet(
                from: toServer ? client : server, to: toServer ? server : client,
                tcpSegment(
                    from: ends.0, to: ends.1, sequence: seq, acknowledgment: ack, flags: flags,
                    [UInt8](repeating: 0x78, count: text)))
        }
    }

    /// A connection with this many texts of 1000 octets; it is closed at the end if `isWhole`, else it stays open.
    private func connection(_ port: UInt16, texts: Int, isWhole: Bool) -> [Packet] {
        var packets = [
            Packet(port: port, flags: 0x02, seq: 0, ack: 0),
            Packet(toServer: false, port: port, flags: 0x12, seq: 0, ack: 1),
            Packet(port: port, flags: 0x10, seq: 1, ack: 1),
        ]
        for index in 0..<texts {
            packets.append(Packet(port: port, flags: 0x18, seq: UInt32(1 + index * 1000), ack: 1, text: 1000))
        }
        guard isWhole else { return packets }
        let end = UInt32(1 + texts * 1000)
        return packets + [
            Packet(port: port, flags: 0x11, seq: end, ack: 1),
            Packet(toServer: false, port: port, flags: 0x11, seq: 1, ack: end + 1),
            Packet(port: port, flags: 0x10, seq: end + 1, ack: 2),
        ]
    }

    /// The text printed for packets that are a millisecond apart, if each part has `room` octets of memory for texts.
    private func told(_ packets: [Packet], room: Int, workers: Int) -> String {
        var style = TextStyle()
        style.detail.octets = .ascii
        let told = Told()
        let report = Recording(
            inner: TextTimelineReport(style: style, order: .blocks, mostExcerpts: room * ReplayDivision.parts),
            told: told)
        var replay = EventReplay(report, TraceOptions(), workers: workers)
        let description = CaptureDescription(file: nil, interfaces: [], snapshotLength: nil, filter: "", tool: "")
        replay.begin(description)
        for (index, packet) in packets.enumerated() {
            let octets = packet.octets
            let header = FrameHeader(
                time: Timestamp(nanoseconds: Int64(index) * Span.millisecond), capturedLength: UInt32(octets.count),
                originalLength: UInt32(octets.count), linkType: .raw)
            // Every octet of an array of UInt8 is initialized, and the array lives through the call.
            unsafe replay.take(header, octets.span.bytes, frame: UInt64(index + 1))
            if index % 100 == 99 { _ = replay.endBatch(lastFrame: UInt64(index + 1)) }
        }
        _ = replay.endBatch(lastFrame: UInt64(packets.count))
        replay.finish(description)
        return told.text
    }

    private func count(_ words: String, in text: String) -> Int {
        text.split(separator: "\n").count { $0.contains(words) }
    }

    /// 64 connections, about eight in each part, each with about 90 KB of output. All of them still wait for late
    /// segments when the last one is closed.
    @Test func connectionsThatAreOverMakeRoom() {
        let packets = (0..<64).flatMap { connection(UInt16(20_000 + $0), texts: 20, isWhole: true) }
        let text = told(packets, room: 400_000, workers: 1)
        #expect(count("closed (SF)", in: text) == 64)
        #expect(count("left out", in: text) == 0)
        #expect(count("xxxxx", in: text) == 64 * 20 * 11)
        #expect(told(packets, room: 400_000, workers: 3) == text)
        // With ample room the result is the same.
        #expect(told(packets, room: .max / 8, workers: 2) == text)
    }

    /// An open connection has to wait, and its texts take no more memory than there is.
    @Test func ofOneThatGoesOnTextsAreLeftOut() {
        let packets =
            connection(20_000, texts: 20, isWhole: true) + connection(30_000, texts: 200, isWhole: false)
        let text = told(packets, room: 400_000, workers: 1)
        let left = count("[1000 of 1000 octets left out", in: text)
        #expect(left > 100 && left < 150)
        #expect(count("closed (SF)", in: text) == 1)
        #expect(told(packets, room: 400_000, workers: 3) == text)
    }
}
