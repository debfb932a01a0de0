// Words of the kernel: equal texts share one word, and strange input cannot add words without limit.

import Testing

@testable import TCPModel

@Suite struct KernelWordTests {
    @Test func equalTextsAreOneWord() {
        let words = ["NO_SOCKET", "TCP_STATE", "NO_SOCKET", ""].map { KernelWord($0) }
        #expect(words[0] == words[2] && words[0] != words[1] && words[3] != words[0])
        #expect(words.map(\.text) == ["NO_SOCKET", "TCP_STATE", "NO_SOCKET", ""])
    }

    @Test func thereAreAtMostSoMany() {
        var words = KnownWords()
        let numbers = (0..<(2 * KnownWords.limit)).map { words.number(of: "made up \($0)") }
        #expect(Set(numbers).count == KnownWords.limit + 1)
        #expect(numbers.last == 0 && words.text(of: 0) == KnownWords.beyond)
        #expect(words.text(of: words.number(of: "made up 0")) == "made up 0", "what was known before stays")
    }

    /// Events wait in queues and are copied, so they must be cheap: the process is one reference, the rest is plain
    /// data.
    @Test func eventsArePlain() {
        #expect(MemoryLayout<ProcessIdentity?>.size == MemoryLayout<Int>.size)
        #expect(MemoryLayout<SocketEvent>.size <= 128)
    }
}
