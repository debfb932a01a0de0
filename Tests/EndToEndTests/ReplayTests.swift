// Replay: the result is the same every time and whichever way the file is passed, and agrees with tshark.

import Foundation
import Testing

@Suite struct ReplayTests {
    private static func capture(_ scratch: Scratch) throws -> String {
        var file = HandMade()
        for index in UInt16(0)..<5 { file.connection(40000 + index, isn: 1000 + UInt32(index) * 0x3000_0000) }
        file.connection(40100, six: true)
        file.record(HandMade.frame(40200, 9500, 2, seq: 7))
        file.record(HandMade.frame(9500, 40200, 0x14, seq: 0, ack: 8))
        file.record(HandMade.frame(40201, 9500, 2, seq: 7))
        file.connection(40000, isn: 0x7777_7777)
        // tshark counts the text of the frame that begins a conversation without SYN only when more follows.
        file.record(HandMade.frame(40300, 9500, 0x18, seq: 7, ack: 9, payload: [1, 2, 3]))
        file.record(HandMade.frame(9500, 40300, 0x10, seq: 9, ack: 10))
        file.record(HandMade.frame(40300, 9500, 0x18, seq: 10, ack: 9, payload: [4, 5, 6]))
        return try scratch.write(file.bytes, as: "a.pcap")
    }

    @Test(arguments: [["--width", "100"], ["--width", "80"], ["--width", "60"], ["-q"], ["-T", "json"], ["-vvv"]])
    func everyRunIsTheSame(_ form: [String]) throws {
        let scratch = try Scratch()
        let file = try Self.capture(scratch)
        let first = try Program(Program.tcptrace, ["-r", file] + form).end()
        #expect(first.code == 0 && !first.output.isEmpty)
        #expect(try Program(Program.tcptrace, ["-r", file] + form).end().output == first.output)
        let piped = try Program(Program.tcptrace, ["-r", "-"] + form, input: file).end()
        // The file's name is in the NDJSON heading.
        let plain = piped.text.replacing("\"file\":\"-\"", with: "\"file\":\"\(file)\"")
        #expect(plain == first.text)
        let throughPipe = try shell("cat $1 | $T -r - \(form.joined(separator: " "))", file)
        #expect(throughPipe.output == piped.output)
    }

    @Test func aChoiceOfConnectionsHoldsForAllTheirRecords() throws {
        let scratch = try Scratch()
        let refused = try tcptrace("-T", "json", "--outcome", "refused", "-r", Self.capture(scratch))
        let chosen = try records(refused, "conn")
        #expect(chosen.map { $0["outcome"] as? String } == ["refused"])
        let states = try records(refused, "state")
        #expect(states.count == 3)
        #expect(states.allSatisfy { $0["uid"] as? String == chosen.first?["uid"] as? String })
    }

    @Test func theFileAloneIsEnough() throws {
        let scratch = try Scratch()
        let file = try Self.capture(scratch)
        #expect(try tcptrace(file).output == tcptrace("-r", file).output)
    }

    @Test func limitsAndFilters() throws {
        let scratch = try Scratch()
        let file = try Self.capture(scratch)
        let three = try tcptrace("-r", file, "-c", "3", "-T", "json")
        #expect(try records(three, "capture").last?["captured"] as? Int == 3)
        let one = try records(tcptrace("-r", file, "-T", "json", "tcp", "port", "40002"), "conn")
        #expect(one.count == 1 && one[0]["id.orig_p"] as? Int == 40002)
        // Not even the SYN of the next connection is included.
        let two = try records(tcptrace("-r", file, "-T", "json", "--connections", "2"), "conn")
        #expect(two.map { $0["id.orig_p"] as? Int } == [40000, 40001])
        let refused = try records(tcptrace("-r", file, "-T", "json", "--outcome", "refused"), "conn")
        #expect(refused.map { $0["conn_state"] as? String } == ["REJ"])
        let silent = try records(tcptrace("-r", file, "-T", "json", "--state", "SYN_SENT"), "conn")
        #expect(silent.map { $0["id.orig_p"] as? Int } == [40201])
        #expect(
            try tcptrace("-r", file, "--count").text.contains("packet")
                || tcptrace("-r", file, "--count-only").text.contains("packet"))
    }

    @Test func copiesTraceTheSame() throws {
        let scratch = try Scratch()
        let file = try Self.capture(scratch)
        let wanted = try tcptrace("-q", "-r", file).output
        for name in ["copy.pcapng", "copy.pcap"] {
            #expect(try tcptrace("-r", file, "-w", scratch.file(name)).code == 0)
            #expect(try tcptrace("-q", "-r", scratch.file(name)).output == wanted, "\(name)")
        }
    }

    @Test(.enabled(if: Tshark.isInstalled, "needs tshark")) func tsharkAgrees() throws {
        let scratch = try Scratch()
        try Tshark.compare(try Self.capture(scratch))
    }
}

/// tshark, as a second opinion.
enum Tshark {
    static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/tshark")

    /// Checks that both have the same connections, in number, ends, completeness and Community ID.
    static func compare(_ file: String) throws {
        let fields = [
            "tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "tcp.dstport", "tcp.completeness", "communityid",
        ]
        let outcome = try Program(
            "/usr/bin/tshark",
            [
                "-2", "-n", "-r", file, "--enable-protocol", "communityid", "-Y", "tcp", "-T", "fields", "-E",
                "occurrence=f",
            ]
                + fields.flatMap { ["-e", $0] }
        ).end()
        try #require(outcome.code == 0, "\(outcome.errors)")
        var streams: [String: (ports: Set<String>, completeness: String, community: String)] = [:]
        for line in outcome.text.split(separator: "\n") {
            let column = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            streams[column[0]] = ([column[3], column[4]], column[5], column[6])
        }
        let ours = try records(tcptrace("-T", "json", "-r", file), "conn").sorted {
            ($0["ts_ns"] as? Int64 ?? 0, $0["id.orig_p"] as? Int ?? 0) < (
                $1["ts_ns"] as? Int64 ?? 0, $1["id.orig_p"] as? Int ?? 0
            )
        }
        #expect(ours.count == streams.count)
        for (number, record) in ours.enumerated() {
            guard let theirs = streams["\(number)"] else { continue }
            #expect(theirs.ports == ["\(record["id.orig_p"] ?? 0)", "\(record["id.resp_p"] ?? 0)"])
            #expect(theirs.completeness == "\(record["completeness"] ?? 0)", "stream \(number)")
            #expect(
                theirs.community.isEmpty || theirs.community == record["community_id"] as? String, "stream \(number)")
        }
    }
}
