// Standard input that is not read: a capture in it is pointed at, and left where it is.

import Testing

@Suite struct StandardInputTests {
    /// On a live trace nobody reads standard input; a capture there was meant to be read.
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
        // Nothing of it is gone for who comes next.
        let after = try shell("cat $1 | { \(live) > /dev/null 2>&1; cat; } | cmp - $1", capture)
        #expect(after.code == 0)
    }
}
