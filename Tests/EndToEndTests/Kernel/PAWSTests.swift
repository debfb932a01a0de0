// Segments with old timestamps: those that Linux drops, by its own count, against those that tcptrace says it drops.

import Foundation
import Testing

private let canRun =
    isRoot
    && ["/usr/sbin/ip", "/usr/bin/python3"].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }

extension KernelTests {
    @Suite(.enabled(if: canRun, "forging segments needs root, ip and python3")) struct PAWSTests {
        /// The window of the forged segments, which identifies them.
        static let forgedWindow = 63

        @Test(.timeLimit(.minutes(1))) func E17_whatTheKernelDropsForItsTimestampIsOld() throws {
            let scratch = try Scratch()
            let script = Program.traffic("paws.py")
            let driver = try Program("/usr/bin/env", ["python3", script, Program.tcptrace, scratch.path])
            try #require(wait(40) { driver.hasEnded }, "the traffic does not end")
            let outcome = try driver.end()
            try #require(outcome.code == 0, "\(outcome.errors)")

            // By the client's port: whether tcptrace calls the forged segment old.
            var isOld: [Int: Bool] = [:]
            for line in try String(contentsOfFile: scratch.file("json"), encoding: .utf8).split(separator: "\n") {
                let record = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                guard record["_path"] as? String == "packet", record["win"] as? Int == Self.forgedWindow,
                    let port = record["id.orig_p"] as? Int
                else { continue }
                isOld[port] = (record["anomalies"] as? [String] ?? []).contains("old_timestamp")
            }
            var clear = 0
            for line in try String(contentsOfFile: scratch.file("kernel"), encoding: .utf8).split(separator: "\n") {
                let words = line.split(separator: " ")
                let port = try #require(Int(words[1]))
                let ours: Bool = try #require(isOld[port] as Bool?, "\(line): not captured")
                let dropped = words[2] == "1"
                // We know TS.Recent only as far as it was echoed, so at the edge the kernel may drop more than we say,
                // but never less.
                #expect(!ours || dropped, "\(line): taken by the kernel, and old to us")
                if !words[0].contains("older-by") {
                    clear += 1
                    #expect(ours == dropped, "\(line): dropped by the kernel, and not old to us")
                }
            }
            #expect(clear == 21)
        }
    }
}
