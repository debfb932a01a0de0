// Standard input that is not read: a remark points at a capture in it, and the capture stays unread.

import Testing

@Suite struct StandardInputTests {
    /// A live trace does not read standard input; a capture there was meant to be read.
    @Test(.enabled(if: isRoot, "needs root")) func aCaptureOnStandardInputIsNotPassedOverInSilence() throws {
        let scratch = try Scratch()
        var file = HandMade()
        file.connection(40000)
        let capture = try scratch.write(file.bytes, as: "a.pcap")
        let text = try scratch.write(Array("1 2 3 not a capture".utf8), as: "text")
        let remark = "standard input is not read; tcptrace -r - reads a capture from it"
        let live = "$T -q --duration 0.2"
        for line in ["\(live) < $1", "cat $1 | \(live)", "gzip -c $1 | \(live)"] {
            let outcome = try shell(line, capture)
            #expect(outcome.code == 0 && outcome.errors.contains("tcptrace: \(remark)\n"), "\(line): \(outcome.errors)")
        }
        for line in [
            "\(live) < $2", "cat $2 | \(live)", "\(live) < /dev/null", "sleep 0.5 | \(live)", "\(live) -i lo < $1",
            "cat $1 | $T -q -r -", "cat $1 | $T -q -- true",
        ] {
            let outcome = try shell(line, capture, text)
            #expect(outcome.code == 0 && !outcome.errors.contains("standard input"), "\(line): \(outcome.errors)")
        }
        // The next reader gets all of it.
        let after = try shell("cat $1 | { \(live) > /dev/null 2>&1; cat; } | cmp - $1", capture)
        #expect(after.code == 0)
    }
}
