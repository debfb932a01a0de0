// CASES X1: a capture at two places on the path, in the text output, JSON and Zeek's log.

import CaptureBuilding
import Foundation
import Testing

@Suite("Copies of frames, from a file") struct CopiesTests {
    /// A connection whose every frame is captured on both sides of a router.
    private static func capture(_ scratch: Scratch) throws -> String {
        var plain = HandMade()
        plain.connection(40000)
        // Each record twice, with an IP identification of its own.
        var twice = HandMade()
        var at = 24
        var identification: UInt16 = 100
        while at < plain.bytes.count {
            let length = Int(plain.bytes[at + 8]) | Int(plain.bytes[at + 9]) << 8
            var frame = Array(plain.bytes[at + 16..<at + 16 + length])
            frame.replaceSubrange(18..<20, with: big(identification))
            twice.record(frame)
            frame[22] -= 1
            frame[5] = 7
            twice.record(frame)
            identification += 1
            at += 16 + length
        }
        return try scratch.write(twice.bytes, as: "twice.pcap")
    }

    @Test func theyCountOnce() throws {
        let path = try Self.capture(Scratch.kept)
        let text = try tcptrace("-r", path, "--width", "100").text
        #expect(text.contains("closed (SF) by client"))
        #expect(text.contains("8 duplicate frames"))
        #expect(!text.contains("copy of") && !text.contains("retransmi"))
        let verbose = try tcptrace("-r", path, "-v", "--width", "100").text
        #expect(verbose.matches(of: /\(copy of frame \d+\)/).count == 8)
        let connection = try #require(try records(tcptrace("-r", path, "-T", "json"), "conn").first)
        #expect(connection["duplicate_frames"] as? Int == 8)
        #expect(connection["retransmissions"] as? Int == 0)
        #expect((connection["orig_pkts"] as? Int ?? 0) + (connection["resp_pkts"] as? Int ?? 0) == 8)
        let packets = try records(tcptrace("-r", path, "-T", "json", "--events", "packet"), "packet")
        #expect(packets.count == 16)
        #expect(packets.compactMap { $0["duplicate_of"] as? Int } == [1, 3, 5, 7, 9, 11, 13, 15])
        let states = try records(tcptrace("-r", path, "-T", "json"), "state")
        #expect(states.allSatisfy { ($0["frame"] as? Int ?? 0) % 2 == 1 })
    }

    @Test("Zeek counts every copy, and so does its log") func zeek() throws {
        let row = try #require(
            try tcptrace("-r", Self.capture(Scratch.kept), "-T", "zeek").lines.first { !$0.hasPrefix("#") })
        let fields = row.split(separator: "\t")
        #expect((Int(fields[16]) ?? 0) + (Int(fields[18]) ?? 0) == 16)
    }

    /// A client's connection through a router, captured on all of its interfaces (Linux cooked v2): large frames come
    /// in, and go out as segments of 100 octets. Then the client sends the second segment again.
    private static func cut(_ scratch: Scratch, opened: Bool = true, six: Bool) throws -> String {
        var file = CaptureBytes.pcap(linkType: 276)
        var time: UInt32 = 0
        var identification: [UInt16] = [10, 20]
        func add(_ out: Bool, _ flags: UInt16, _ seq: UInt32, _ ack: UInt32, _ lengths: [Int] = [0], clock: UInt32 = 1)
        {
            var start = seq
            for isOutgoing in [false, true] {
                start = seq
                let cuts = isOutgoing ? lengths : [lengths.reduce(0, +)]
                for (index, length) in cuts.enumerated() {
                    let isLast = index == cuts.count - 1
                    let tcp = tcpSegment(
                        from: out ? 40000 : 9500, to: out ? 9500 : 40000, sequence: start, acknowledgment: ack,
                        flags: isLast ? flags : flags & ~0x09, options: [1, 1, 8, 10] + big(clock) + big(UInt32(0)),
                        [UInt8](repeating: 65, count: length))
                    let (from, to): (UInt8, UInt8) = out ? (1, 2) : (2, 1)
                    let zeros = [UInt8](repeating: 0, count: 14)
                    var packet =
                        six
                        ? ipv6Packet(from: [0xfd] + zeros + [from], to: [0xfd] + zeros + [to], tcp)
                        : ipv4Packet(
                            from: [10, 0, 0, from], to: [10, 0, 0, to],
                            identification: identification[out ? 0 : 1] + UInt16(index), tcp)
                    if isOutgoing { packet[six ? 7 : 8] -= 1 }
                    let interface: [UInt8] = [0, 0, 0, isOutgoing == out ? 3 : 2, 0, 1]
                    let link = [isOutgoing ? 4 : 0, 6] + [UInt8](repeating: 2, count: 8)
                    let header = (six ? [0x86, 0xdd] : [8, 0]) + [0, 0] + interface + link
                    file.record(seconds: 1_795_363_634, fraction: time, header + packet)
                    time += 3
                    start += UInt32(length)
                }
            }
            identification[out ? 0 : 1] += UInt16(lengths.count)
            time += 1000
        }
        if opened {
            add(true, 0x02, 0, 0)
            add(false, 0x12, 5000, 1)
            add(true, 0x10, 1, 5001)
        }
        add(true, 0x18, 1, 5001, [100, 100, 50])
        add(true, 0x18, 251, 5001, [100, 100])
        add(false, 0x10, 5001, 451)
        add(true, 0x19, 451, 5001, [100, 100, 100])
        add(true, 0x10, 551, 5001, [100], clock: 2)
        add(false, 0x11, 5001, 752)
        add(true, 0x10, 752, 5002, clock: 2)
        return try scratch.write(file.bytes, as: "cut-\(opened)-\(six).pcap")
    }

    @Test(
        "X8: a router's interfaces show a frame and its segments: they count once", arguments: [false, true],
        [false, true])
    func theyAreCut(opened: Bool, six: Bool) throws {
        let path = try Self.cut(Scratch.kept, opened: opened, six: six)
        let text = try tcptrace("-r", path, "-v", "--width", "100").text
        #expect(text.matches(of: /\(copy of frame \d+\)/).count == (opened ? 15 : 12), "\(text)")
        #expect(text.contains("client sent 1 again"), "\(text)")
        let outputs = try [["--workers", "1"], ["--workers", "3"], ["--connections", "1000000"]].map {
            try tcptrace("-r", path, "-T", "csv", $0[0], $0[1]).text
        }
        let row = outputs[0].split(whereSeparator: \.isNewline).last ?? ""
        #expect(Set(outputs).count == 1 && row.hasSuffix(",1"), "\(outputs)")
        let zeek = try tcptrace("-r", path, "-T", "zeek").lines.first { !$0.hasPrefix("#") } ?? ""
        let fields = zeek.split(separator: "\t")
        #expect((Int(fields[16]) ?? 0) + (Int(fields[18]) ?? 0) == (opened ? 25 : 19), "\(zeek)")
    }

    /// A connection whose every frame is captured on both sides of a router that translates the client's address; and
    /// another connection.
    private static func translated(_ scratch: Scratch) throws -> String {
        var plain = HandMade()
        plain.connection(40000)
        var twice = HandMade()
        var at = 24
        while at < plain.bytes.count {
            let length = Int(plain.bytes[at + 8]) | Int(plain.bytes[at + 9]) << 8
            var frame = Array(plain.bytes[at + 16..<at + 16 + length])
            twice.record(frame)
            frame[22] -= 1
            // Replaces the address of 127.0.0.1:40000 by 127.0.0.9, be it source or destination.
            let isOut = frame[34] == UInt8(40000 >> 8)
            frame[isOut ? 29 : 33] = 9
            twice.record(frame)
            at += 16 + length
        }
        twice.connection(40001, isn: 77)
        return try scratch.write(twice.bytes, as: "nat.pcap")
    }

    @Test("X1: -q says which row is another's connection, however the flows are divided")
    func translation() throws {
        let path = try Self.translated(Scratch.kept)
        let plain = ["--connections", "1000000"]
        for width in ["60", "80", "100"] {
            for others in [["--workers", "1"], ["--workers", "3"], plain] {
                let outcome = try tcptrace("-r", path, "-q", "--no-header", "--width", width, others[0], others[1])
                let rows = outcome.text.split(separator: "\n")
                #expect(rows.count == 3, "\(outcome.text)")
                let marked = rows.filter { $0.hasSuffix(" = 1 (NAT)") }
                #expect(marked.count == 1 && marked.first?.contains("127.0.0.9:40000") == true, "\(outcome.text)")
                #expect(!rows.filter { !$0.contains("127.0.0.9") }.contains { $0.contains("NAT") })
                #expect(
                    outcome.errors.contains("3 connections traced, 1 of them the same as another (NAT)\n"),
                    "\(outcome.errors)")
            }
        }
        // The mark does not shift the columns.
        let rows = try tcptrace("-r", path, "-q", "--no-header", "--width", "100").text.split(separator: "\n")
        #expect(Set(rows.map { $0.replacing(" = 1 (NAT)", with: "").utf8.count }).count == 1, "\(rows)")
        let text = try tcptrace("-r", path, "--width", "100").text
        #expect(text.contains("same connection as TCP 1 (NAT)"))
        let csv = try tcptrace("-r", path, "-T", "csv").errors
        #expect(csv.contains("3 connections traced, 1 of them the same as another (NAT)"), "\(csv)")
        let alone = try tcptrace("-r", path, "-q", "port 40001").errors
        #expect(alone.contains("1 connection traced\n"), "\(alone)")
    }

    @Test("--long is for the text alone") func long() throws {
        let path = try Self.capture(Scratch.kept)
        let outcome = try tcptrace("-r", path, "--long")
        #expect(outcome.text.contains("     duplicate frames:"))
        #expect(outcome.text.contains("     RTT samples:"))
        #expect(try tcptrace("-r", path, "--long", "-T", "json").code == 64)
        #expect(try tcptrace("-r", path, "--long", "-q").code == 64)
    }
}

extension Scratch {
    /// A directory for the whole run: the file must outlive the call that wrote it.
    fileprivate static let kept: Scratch = {
        do { return try Scratch() } catch { preconditionFailure("no directory for temporary files: \(error)") }
    }()
}
