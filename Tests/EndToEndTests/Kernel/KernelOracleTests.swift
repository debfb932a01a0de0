// Over a thousand live connections of many kinds: the states of both endpoints against the kernel's own trace, which an
// independent program reads.

import Foundation
import Testing

private func exists(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }

private let canRun =
    isRoot && exists("/usr/sbin/ip") && (exists("/usr/bin/python3") || exists("/usr/local/bin/python3"))
    && FileManager.default.fileExists(atPath: "/sys/kernel/tracing")

/// Serialised, because each of these suites keeps both processors busy.
@Suite(.serialized) struct KernelTests {}

extension KernelTests {
    @Suite(.enabled(if: canRun, "the oracle needs root, ip, python3 and tracefs")) struct KernelOracleTests {
        /// Kinds whose segments do not show every step: the missing steps must come from the kernel, and must be marked
        /// as such.
        static let unknowable: Set<String> = [
            "abort-syn-sent", "queue-full", "stale-close-wait", "both-close", "orphan-fin-wait-2",
        ]

        @Test(.timeLimit(.minutes(2))) func theWireTheKernelsEventsAndTheKernelsTraceAgree() throws {
            // On a busy machine the rings may overrun. Such a run proves nothing and is repeated.
            var attempt = try run()
            for _ in 0..<2 where !attempt.errors.contains(" 0 lost, ") { attempt = try run() }
            #expect(
                attempt.errors.contains("\n0 packets dropped by kernel") && attempt.errors.contains(" 0 lost, "),
                "\(attempt.errors)")
            try compare(attempt.oracle, attempt.kinds, withheld: Self.withheld(attempt.errors))
        }

        /// Makes the traffic, once.
        private func run() throws -> (oracle: StateOracle, kinds: String, errors: String) {
            let scratch = try Scratch()
            let script = Program.traffic("oracle.py")
            let driver = try Program("/usr/bin/env", ["python3", script, Program.tcptrace, scratch.path, "60"])
            try #require(wait(60) { driver.hasEnded }, "the traffic does not end")
            let outcome = try driver.end()
            try #require(outcome.code == 0, "\(outcome.errors)")
            func text(_ name: String) throws -> String {
                try String(contentsOfFile: scratch.file(name), encoding: .utf8)
            }
            return try (StateOracle(trace: text("trace"), json: text("json")), text("kinds"), text("errors"))
        }

        /// The number of hits that the kernel counted without writing a record, as `-v` reports it: `3 withheld by the
        /// kernel`.
        private static func withheld(_ errors: String) -> Int {
            let words = errors.split { $0 == " " || $0 == "\n" }
            return words.firstIndex(of: "withheld").flatMap { $0 > 0 ? Int(words[$0 - 1]) : nil } ?? 0
        }

        /// Steps in interrupts may be missing, but no more of them than the kernel admits to having withheld
        /// (Limits.md).
        private func compare(_ oracle: StateOracle, _ list: String, withheld limit: Int) throws {
            var missing = 0
            var connections = 0
            var kinds: [(name: String, ends: [TracedEnd], connections: Int)] = []
            for line in list.split(separator: "\n") {
                let words = line.split(separator: " ")
                let end = TracedEnd(local: "\(words[1]) \(words[2])", remote: "\(words[3]) \(words[4])")
                connections += 1
                if !kinds.contains(where: { $0.name == words[0] }) { kinds.append((String(words[0]), [], 0)) }
                let place = try #require(kinds.firstIndex { $0.name == words[0] })
                kinds[place].connections += 1
                if !kinds[place].ends.contains(end) { kinds[place].ends.append(end) }
            }
            #expect(connections >= 1000 && kinds.count >= 20, "\(connections) connections of \(kinds.count) kinds")

            print("kind                   connections  equal  explained  wrong")
            for kind in kinds {
                var wrong: [String] = []
                var explained = 0
                for end in kind.ends {
                    let both = end == end.peer ? [end] : [end, end.peer]
                    for side in both {
                        let count = oracle.withheld(side)
                        #expect(
                            count != nil,
                            "\(kind.name) \(side): the kernel's events, joined, are not those of its trace")
                        if let count, count > 0 { print("withheld: \(count) of \(kind.name) \(side)") }
                        missing += count ?? 0
                    }
                    #expect(both.contains { oracle.kernel[$0] != nil }, "\(kind.name) \(end): the trace has nothing")
                    let differing = both.filter { oracle.wireStates($0) != oracle.kernelStates($0) }
                    if let side = differing.first {
                        wrong.append(
                            "\(side): wire \(oracle.wireStates(side).joined(separator: " ")), kernel "
                                + oracle.kernelStates(side).joined(separator: " "))
                    } else if both.contains(where: { oracle.marked.contains($0) }) {
                        explained += 1
                    }
                }
                let equal = kind.connections - explained - wrong.count
                print(
                    "\(kind.name.padding(toLength: 22, withPad: " ", startingAt: 0)) "
                        + [kind.connections, equal, explained, wrong.count].map { "\($0)".leftPadded(10) }.joined())
                #expect(wrong.isEmpty, "\(kind.name): \(wrong.first ?? "")")
                #expect(explained == 0 || Self.unknowable.contains(kind.name), "\(kind.name): \(explained) explained")
            }
            #expect(missing <= limit, "\(missing) steps are missing, the kernel withheld only \(limit) events")
        }
    }
}

extension String {
    fileprivate func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
