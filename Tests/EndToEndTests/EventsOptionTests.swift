// `--events` in impossible combinations: a usage error that says why.

import Testing

@Suite("--events") struct EventsOptionTests {
    @Test(
        "only what can be had",
        arguments: [
            (["--events", "packet"], "--events is for -T json"),
            (["-T", "json", "--events", "frame"], "--events frame:"),
        ])
    func usage(arguments: [String], message: String) throws {
        let result = try #require(AnalysisOracle.run(Program.tcptrace, ["-r", "/dev/null"] + arguments))
        #expect(result.code == 64)
        #expect(result.errors.contains(message), "\(result.errors)")
        #expect(result.text.isEmpty)
    }
}
