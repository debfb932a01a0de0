// `tcptrace explain` for its user: pages on standard output, complaints on standard error with exit code 64.

import Foundation
import TCPDiagnosis
import Testing

@Suite struct ExplainCommandTests {
    @Test func aPageIsAResult() throws {
        let outcome = try tcptrace("explain", "close-wait-leak", "R.", "--width", "80")
        #expect(outcome.code == 0 && outcome.errors.isEmpty)
        #expect(outcome.lines.first == "close-wait-leak: finding")
        #expect(outcome.lines.contains("RST,ACK: flags"))
        #expect(outcome.lines.allSatisfy { $0.count <= 80 })
        #expect(!outcome.text.contains("\u{1b}"))
    }

    @Test func withoutAWordItListsWhatThereIs() throws {
        let outcome = try tcptrace("explain", "--width", "60")
        #expect(outcome.code == 0)
        #expect(outcome.text.contains("orphan-fin-wait-2") && outcome.text.contains("ECONNRESET"))
        #expect(outcome.lines.allSatisfy { $0.count <= 60 })
    }

    @Test func onlyHeadingsAreColored() throws {
        let outcome = try tcptrace("explain", "TIME_WAIT", "--color", "always")
        #expect(outcome.lines.first == "\u{1b}[1mTIME_WAIT: state\u{1b}[0m")
        #expect(outcome.lines.contains { !$0.isEmpty && !$0.contains("\u{1b}") })
        #expect(try !tcptrace("explain", "TIME_WAIT", "--color", "always", "--no-color").text.contains("\u{1b}"))
    }

    /// Users ask about the remarks in brackets on a row.
    @Test func everyRemarkOfTheTimelineHasAPage() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appendingPathComponent("Sources/TimelineReport/Text/LaneText.swift"), encoding: .utf8)
        let remarks = text.matches(of: /"\(([A-Za-z][^")\\]*)/).map { String($0.output.1) }
        #expect(remarks.count > 30)
        // The source has only the beginning of some remarks.
        for remark in remarks where !remark.hasSuffix(" ") {
            #expect(!Explanations.pages(for: "(\(remark))").isEmpty, "(\(remark))")
        }
        // The remarks in place of an owner or a state, here and in `tcptrace sockets`.
        for word in ["(not accepted)", "(no process)", "(no socket)", "(unknown)", "was", "listens"] {
            #expect(Explanations.pages(for: word).contains { $0.kind == .remark }, "\(word)")
        }
        #expect(Explanations.pages(for: "(no process)").map(\.name) == ["no process"])
        #expect(Explanations.pages(for: "(copy of frame 7)").map(\.name) == ["copy of frame"])
        #expect(Explanations.pages(for: "(RTO, 2nd)").map(\.name) == ["RTO"])
        #expect(Explanations.pages(for: "RTT").map(\.name) == ["RTT"])
    }

    @Test func anUnknownWordIsAUsageError() throws {
        let outcome = try tcptrace("explain", "refused", "TIEM_WAIT")
        #expect(outcome.code == 64 && outcome.lines.first == "refused: finding", "what is known is explained")
        #expect(outcome.errors.contains("did you mean TIME_WAIT?"), "\(outcome.errors)")
        let none = try tcptrace("explain", "TIEM_WAIT")
        #expect(none.code == 64 && none.output.isEmpty && none.errors.contains("did you mean TIME_WAIT?"))
        let hostile = try tcptrace("explain", "\u{1b}]0;title\u{7}\u{202e}")
        #expect(hostile.code == 64)
        #expect(hostile.errors.contains("\\x1b]0;title\\x07\\u{202e}"), "\(hostile.errors)")
        #expect(!hostile.errors.contains("\u{1b}") && !hostile.errors.contains("\u{202e}"))
        for arguments in [["--width", "5"], ["--color", "green"]] {
            #expect(try Program(Program.tcptrace, ["explain"] + arguments).end().code == 64)
        }
    }

    @Test func aClosedPipeIsAQuietEnd() throws {
        let outcome = try shell("$T explain reset refused closed | head -n 1; echo ${PIPESTATUS[0]}")
        #expect(outcome.lines.contains("0") && outcome.errors.isEmpty, "\(outcome.text) \(outcome.errors)")
    }
}
