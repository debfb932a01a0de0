// -A, -x, -X and -e on files and live: the octets that tshark finds, no padding, a note on what was cut, and the same
// output for every number of workers.

import CaptureBuilding
import Foundation
import Testing

@testable import tcptrace

/// The dump below the rows of a timeline with -x, by frame.
private struct Dump {
    var octets: [UInt8] = []
    var isCopy = false
    var isReset = false

    static func read(_ lines: [String]) -> [Int: [Dump]] {
        var rows: [(frame: Int, dump: Dump)] = [(0, Dump())]
        for line in lines {
            let last = rows.count - 1
            if line.hasPrefix("        0x") {
                let digits = line.dropFirst(8).drop { $0 != " " }.filter { $0 != " " }
                rows[last].dump.octets += stride(from: 0, to: digits.count, by: 2).compactMap { place in
                    UInt8(digits.dropFirst(place).prefix(2), radix: 16)
                }
            } else if line.contains("|"), line.prefix(8).contains(where: { $0.isNumber }),
                let number = line.split(separator: " ").first.flatMap({ Int($0) })
            {
                var dump = Dump()
                dump.isCopy = line.contains("(copy of frame")
                dump.isReset = line.contains("RST")
                rows.append((number, dump))
            }
        }
        return Dictionary(grouping: rows) { $0.frame }.mapValues { $0.map(\.dump) }
    }
}

@Suite("Octets and link headers") struct ExcerptTests {
    @Test("letters may be joined, as tcpdump's")
    func letters() {
        #expect(TcpdumpArguments.normalized(["-nnXi", "lo"]).words == ["-n", "-n", "-X", "-i", "lo"])
        #expect(TcpdumpArguments.normalized(["-Avex", "port", "1"]).words == ["-A", "-v", "-e", "-x", "port", "1"])
        for letter in "AxXe" { #expect(TcpdumpArguments.normalized(["-\(letter)"]).refusal == nil) }
    }

    @Test(
        "where nothing would show they are refused",
        arguments: [
            (["-A", "-q"], "-A is for the text timeline"), (["-x", "-T", "csv"], "-x is for the text timeline"),
            (["-X", "-T", "json"], "-X is for the text timeline"),
            (["-e", "-T", "html"], "-e is for the text timeline"),
            (["-A", "--count"], "-A is for the text timeline"),
            (["-e", "-T", "mermaid"], "-e is for the text timeline"),
            (["-e", "-w", "-"], "-e is for the text timeline"), (["-xx"], "-xx: octets of link headers are not shown"),
            (["-XX"], "-XX: octets of link headers are not shown"), (["-AA"], "-AA: octets of link headers"),
        ])
    func refused(_ arguments: [String], _ message: String) throws {
        let outcome = try Program(Program.tcptrace, ["-r", "/dev/null"] + arguments).end()
        #expect(outcome.code == 64 && outcome.output.isEmpty)
        #expect(outcome.errors.contains(message), "\(outcome.errors)")
    }

    @Test("a short frame's padding is no text")
    func padding() throws {
        let scratch = try Scratch()
        var file = HandMade()
        let padding = Array("PADDED".utf8)
        file.record(HandMade.frame(40300, 9500, 0x02, seq: 6) + padding)
        file.record(HandMade.frame(40300, 9500, 0x18, seq: 7, ack: 9, payload: [0x68, 0x69]) + padding)
        file.record(HandMade.frame(9500, 40300, 0x10, seq: 9, ack: 9) + padding)
        let path = try scratch.write(file.bytes, as: "padded.pcap")
        let outcome = try tcptrace("-r", path, "-X")
        #expect(outcome.lines.filter { $0.contains("0x") }.map { $0.suffix(2) } == ["hi"], "\(outcome.text)")
        #expect(!outcome.text.contains("PADDED") && !outcome.text.contains("not captured"))
    }

    @Test("what the snapshot length cut off is counted", arguments: [54, 60, 1000])
    func cut(_ snapshot: Int) throws {
        let scratch = try Scratch()
        var file = HandMade()
        let whole = HandMade.frame(40300, 9500, 0x18, seq: 7, payload: [UInt8](repeating: 0x41, count: 80))
        file.record(Array(whole.prefix(snapshot)), length: UInt32(whole.count))
        let outcome = try tcptrace("-r", try scratch.write(file.bytes, as: "cut.pcap"), "-A")
        let there = max(0, min(snapshot, 134) - 54)
        #expect(outcome.lines.contains("      > " + String(repeating: "A", count: there)) == (there > 0))
        #expect(outcome.text.contains("not captured]") == (there < 80))
        if there < 80 { #expect(outcome.lines.contains("        [\(80 - there) of 80 octets not captured]")) }
    }

    /// More text than fits in one batch.
    @Test("the same octets for every number of workers")
    func workers() throws {
        let scratch = try Scratch()
        var file = HandMade()
        for port in UInt16(0)..<250 {
            file.connection(20000 + port, six: port % 5 == 0)
            let text = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 * Int(port + 1) >> 3) }
            file.record(HandMade.frame(20000 + port, 9500, 0x18, seq: 1012, ack: 71002, payload: text))
        }
        let path = try scratch.write(file.bytes, as: "many.pcap")
        for form in [["-A"], ["-X", "-e", "--width", "80"], ["-x", "--outcome", "closed"]] {
            let one = try Program(Program.tcptrace, ["-r", path, "--workers", "1"] + form).end()
            let four = try Program(Program.tcptrace, ["-r", path, "--workers", "4"] + form).end()
            #expect(one.code == 0 && one.output == four.output && one.errors == four.errors, "\(form)")
            #expect(one.output.count > 5_000_000)
        }
    }

    @Test("link headers of our own captures")
    func linkHeaders() throws {
        let outcome = try tcptrace("-r", "Captures/fin.pcapng", "-e")
        let lines = outcome.lines.filter { $0.contains("ethertype") }
        #expect(outcome.code == 0 && !lines.isEmpty)
        #expect(
            lines.allSatisfy {
                $0.hasPrefix("        00:00:00:00:00:00 > 00:00:00:00:00:00, ethertype IPv4, length ")
            })
    }

    /// Captures in which tcptrace and tshark differ, and why.
    private static let differences: [String: String] = [
        "libpcap/tests/filter/AH-IPcomp-IPv4.pcap": "tshark expands what is compressed",
        "libpcap/tests/filter/AH-IPcomp-IPv6.pcap": "tshark expands what is compressed",
        "ndpi/default/pcap/ajp.pcap": "tshark takes the last octets of FabricPath's frames for a check sequence",
        "pcapplusplus/ExamplesTest/pcap_examples/tcp-reassembly.pcap": "several sampled packets in one frame",
        "zeek/ipv4/fragmented-4.pcap": "overlapping fragments",
        "zeek/tunnels/gre-aruba-amsdu.pcap": "tshark names all packets of a frame together",
    ]

    @Test(
        "the octets that tshark finds in captures of other projects",
        .enabled(if: Tshark.isInstalled, "tshark is not installed"),
        .enabled(if: Corpus.path != nil, "no captures: set TCPTRACE_CORPUS"), .timeLimit(.minutes(5)))
    func corpus() throws {
        let names = try SharkCorpus.captures().map { $0.name }.filter { name in
            // Where a proxy carries streams, tshark shows their octets a second time.
            Self.differences[name] == nil
                && !StreamDifference.all.contains { $0.capture == name && $0.reason == .proxy }
        }
        var (frames, octets, captures) = (0, 0, 0)
        for (index, name) in names.enumerated() where index % 10 == 0 {
            let path = (Corpus.path ?? "") + "/" + name
            let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
            guard size < 1_000_000 else { continue }
            captures += 1
            let found = Dump.read(try tcptrace("-r", path, "-x", "--width", "140").lines)
            for line in try Self.tshark(path) {
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
                guard fields.count == 2, let number = Int(fields[0]), let dumps = found[number] else { continue }
                // tshark shows no payload for a RST's text.
                if dumps.contains(where: { $0.isCopy || $0.isReset }) { continue }
                let digits = fields[1].replacing(":", with: "").replacing(",", with: "")
                let own = dumps.flatMap(\.octets).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                #expect(own == digits, "\(name) frame \(number)")
                frames += digits.isEmpty ? 0 : 1
                octets += own.count / 2
            }
        }
        print("text: \(octets) octets of \(frames) segments in \(captures) captures are tshark's")
        #expect(frames > 1000)
    }

    private static func tshark(_ path: String) throws -> [String] {
        let program = try Program(
            "/usr/bin/env",
            [
                "tshark", "-n", "-r", path, "-o", "tcp.desegment_tcp_streams:FALSE", "-Y",
                "tcp && !icmp && !icmpv6", "-T", "fields", "-e", "frame.number", "-e", "tcp.payload",
            ])
        return try program.end().lines
    }
}

@Suite("Octets, live", .serialized, .enabled(if: isRoot, "live traces need root")) struct LiveExcerptTests {
    /// Accepts one connection, and answers a question with 3000 octets, an escape sequence first.
    private static let server = """
        import socket
        s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(4)
        print('port', s.getsockname()[1], flush=True)
        c, _ = s.accept()
        c.recv(100)
        c.sendall(b'\\x1b[31mfirst\\n' + b'a' * 2989)
        c.recv(100)
        c.close()
        """
    private static let client = """
        import socket, sys
        c = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
        c.sendall(b'question\\r\\n')
        n = 0
        while n < 3000: n += len(c.recv(4096))
        c.close()
        """

    @Test("whole frames are captured, and told", arguments: [["-A"], ["-A", "-s", "100"], ["-v"]])
    func wholeFrames(_ form: [String]) throws {
        let peer = try python(Self.server)
        try peer.say("port ")
        let port = try #require(peer.output.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) })
        let trace = try trace(port: port, ["--connections", "1", "--width", "100"] + form)
        #expect(try python(Self.client, "\(port)").end().code == 0)
        let outcome = try trace.end()
        #expect(outcome.code == 0)
        let length = form == ["-A"] ? 262_144 : form == ["-v"] ? 256 : 100
        #expect(outcome.errors.contains("snapshot length \(length) bytes"), "\(outcome.errors)")
        #expect(outcome.lines.contains("      > question") == (form != ["-v"]), "\(outcome.text)")
        #expect(outcome.lines.contains("      < .[31mfirst") == (form != ["-v"]), "\(outcome.text)")
        #expect(outcome.text.contains("octets not captured]") == (form.count > 1))
        #expect(outcome.text.utf8.allSatisfy { 0x20...0x7e ~= $0 || $0 == 0x0a })
        if form == ["-A"] { #expect(outcome.text.count { $0 == "a" } > 2989) }
    }

    @Test("on any interface its name is told")
    func interfaceNames() throws {
        let peer = try python(Self.server)
        try peer.say("port ")
        let port = try #require(peer.output.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) })
        let trace = try Program(Program.tcptrace, ["-i", "any", "-e", "--connections", "1", "tcp port \(port)"])
        try trace.say("listening on any")
        try #require(trace.errors.contains("LINUX_SLL2"), "an old libpcap has no index")
        #expect(try python(Self.client, "\(port)").end().code == 0)
        let lines = try trace.end().lines.filter { $0.contains("ifindex") }
        #expect(!lines.isEmpty && lines.allSatisfy { $0.contains(", ifindex 1 (lo), ethertype IPv4, length ") })
    }
}
