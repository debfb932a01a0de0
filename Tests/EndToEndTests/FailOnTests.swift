// `--fail-on`: the exit code, and the message that says why.

import Foundation
import Testing

@Suite struct FailOnTests {
    private static func capture(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path + "/Captures/\(name).pcapng"
    }

    @Test(arguments: [["-q"], ["-T", "csv"], ["-T", "zeek"], ["--count"], ["-T", "json"], ["-T", "html"], []])
    func whatFailedIsNamed(_ form: [String]) throws {
        let outcome = try Program(
            Program.tcptrace, form + ["--fail-on", "refused", "-r", Self.capture("refused")]
        ).end()
        #expect(outcome.code == 3)
        let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("tcptrace: refused: ") }
        #expect(lines.count == 1, "\(outcome.errors)")
        #expect(lines.first?.contains(/connection 1, 127.0.0.1:\d+ > 127.0.0.1:9500: nothing listens/) == true)
        let fine = try Program(
            Program.tcptrace, form + ["--fail-on", "close-wait-leak", "-r", Self.capture("refused")]
        ).end()
        #expect(fine.code == 0 && !fine.errors.contains("refused:"))
    }

    /// Some findings depend on statistics that the output format itself does not need.
    @Test(arguments: [["-q"], ["-T", "csv"], ["-T", "zeek"], ["--count"], ["-T", "json"], ["-T", "html"], []])
    func everyFormatFailsForTheSameReasons(_ form: [String]) throws {
        let outcome = try Program(
            Program.tcptrace, form + ["--fail-on", "any", "-r", Self.capture("half-close")]
        ).end()
        let codes = outcome.errors.split(separator: "\n").compactMap { line in
            line.firstMatch(of: /^tcptrace: ([a-z-]+): connection 1,/).map { String($0.output.1) }
        }
        #expect(outcome.code == 3 && codes == ["tail-loss-probe", "half-close"], "\(outcome.errors)")
    }

    /// A connection that is not shown does not fail a test, and does not count for `--connections` either.
    @Test(arguments: [["-q"], ["-T", "json"], []])
    func ofConnectionsThatAreShown(_ form: [String]) throws {
        func code(_ outcome: String) throws -> Int32 {
            try Program(
                Program.tcptrace, form + ["--fail-on", "any", "--outcome", outcome, "-r", Self.capture("refused")]
            ).end().code
        }
        #expect(try code("refused") == 3)
        #expect(try code("closed") == 0)
        let files = ["-r", Self.capture("two-clients"), "-r", Self.capture("refused")]
        let outcome = try Program(
            Program.tcptrace, form + files + ["--connections", "1", "--outcome", "refused"]
        ).end()
        #expect(outcome.text.contains(form == [] ? "refused (REJ)" : "refused"), "\(outcome.text)")
    }

    @Test func itIsSaidAlsoWhereAnotherFaultDecidesTheCode() throws {
        let outcome = try tcptrace(
            "-q", "--fail-on", "refused", "-r", Self.capture("refused"), "-r", "/nonexistent/x.pcap")
        #expect(outcome.code == 1 && outcome.errors.contains("tcptrace: refused: connection 1"), "\(outcome.errors)")
    }

    @Test func manyFailuresAreCounted() throws {
        let scratch = try Scratch()
        var file = HandMade()
        for client in 0..<25 as Range<UInt16> {
            file.record(HandMade.frame(40000 + client, 9500, 0x02, seq: 1))
            file.record(HandMade.frame(9500, 40000 + client, 0x14, seq: 0, ack: 2))
        }
        let path = try scratch.write(file.bytes, as: "refused.pcap")
        let outcome = try tcptrace("-q", "--fail-on", "refused,syn-unanswered", "-r", path)
        let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("tcptrace: refused: ") }
        #expect(outcome.code == 3 && lines.count == 10)
        #expect(outcome.errors.hasSuffix("tcptrace: and 15 findings more of --fail-on\n"), "\(outcome.errors)")
    }

    @Test func theTableForProgramsHasTheFindingsThatWereLookedFor() throws {
        let outcome = try tcptrace("-T", "csv", "--fail-on", "any", "-r", Self.capture("half-close"))
        let lines = outcome.text.split(separator: "\r\n")
        #expect(outcome.code == 3 && lines.count == 2)
        #expect(lines.first?.hasSuffix(",retransmissions,findings") == true)
        #expect(lines.last?.hasSuffix(",1,tail-loss-probe;half-close") == true, "\(outcome.text)")
        let plain = try tcptrace("-T", "csv", "-r", Self.capture("half-close"))
        #expect(plain.text.split(separator: "\r\n").first?.hasSuffix(",retransmissions") == true)
    }
}
