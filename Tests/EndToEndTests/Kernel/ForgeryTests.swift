// How an endpoint treats segments forged by a third party: our inference against the kernel's own trace.

import Foundation
import Testing

private let canRun =
    isRoot
    && ["/usr/sbin/ip", "/usr/bin/python3"].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
    && FileManager.default.fileExists(atPath: "/sys/kernel/tracing")

extension KernelTests {
    @Suite(.enabled(if: canRun, "forging segments needs root, ip, python3 and tracefs")) struct ForgeryTests {
        /// Seed of the random forgeries; set FORGERY_SEED to make others.
        static let seed = ProcessInfo.processInfo.environment["FORGERY_SEED"] ?? "1"

        /// Segments out of order, out of the window, with ACKs of data never sent, with flags that no TCP sends: those
        /// that the kernel drops must change no state here, and those that it accepts must.
        @Test(.timeLimit(.minutes(2))) func whatTheKernelDropsMovesNothing() throws {
            let scratch = try Scratch()
            let script = Program.traffic("forgeries.py")
            let driver = try Program(
                "/usr/bin/env", ["python3", script, Program.tcptrace, scratch.path, "600", Self.seed])
            try #require(wait(90) { driver.hasEnded }, "the traffic does not end")
            let outcome = try driver.end()
            try #require(outcome.code == 0, "\(outcome.errors)")
            func text(_ name: String) throws -> String {
                try String(contentsOfFile: scratch.file(name), encoding: .utf8)
            }
            let errors = try text("errors")
            #expect(errors.contains("\n0 packets dropped by kernel"), "\(errors)")
            let oracle = try StateOracle(trace: text("trace"), json: text("json"))

            var counts: [String: (connections: Int, equal: Int)] = [:]
            for line in try text("kinds").split(separator: "\n") {
                let words = line.split(separator: " ")
                let kind = String(words[0])
                let victim = TracedEnd(local: "\(words[1]) \(words[2])", remote: "\(words[3]) \(words[4])")
                let kernel = oracle.kernelStates(victim)
                var wire = oracle.firstWireStates(victim)
                // A socket that gives up its attempt sends no segment, and a reading may come too late to show it.
                if kernel == ["syn_sent", "closed"] && wire == ["syn_sent"] { wire = kernel }
                #expect(kernel.count > 1, "\(line): the trace has nothing")
                #expect(wire == kernel, "seed \(Self.seed): \(line)")
                counts[kind, default: (0, 0)].connections += 1
                counts[kind, default: (0, 0)].equal += wire == kernel ? 1 : 0
            }
            for (kind, count) in counts.sorted(by: { $0.key < $1.key }) {
                print("forged to \(kind): \(count.connections) connections, \(count.equal) equal")
            }
            #expect(counts.count == 7 && counts.values.reduce(0) { $0 + $1.connections } == 600)
        }
    }
}
