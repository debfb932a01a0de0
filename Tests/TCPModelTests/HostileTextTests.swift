// The one rule for untrusted text: everything that a terminal may act on is escaped, always in the same form, and no
// raw text can be mistaken for an escape.

import TCPModel
import Testing

@Suite struct HostileTextTests {
    @Test(arguments: [
        ("lo", "lo"), ("é 日本", "é 日本"), ("", ""), ("\u{1b}[31mred", "\\x1b[31mred"),
        ("a\nb\tc\r", "a\\x0ab\\x09c\\x0d"),
        ("\u{7f}", "\\x7f"), ("\u{9b}2J", "\\x9b2J"), ("\u{202e}gnp", "\\u{202e}gnp"), ("\u{2028}", "\\u{2028}"),
        ("\u{e0001}", "\\u{e0001}"), ("\u{f0000}", "\\u{f0000}"), ("C:\\x1b", "C:\\\\x1b"), ("\0", "\\x00"),
        ("\u{200b}", "\\u{200b}"), ("\u{378}", "\\u{0378}"),
    ]) func oneForm(_ text: String, _ shown: String) {
        #expect(printable(text) == shown)
        #expect(printable(text).unicodeScalars.allSatisfy { !$0.isUnsafeOnTerminals })
    }

    /// The program's own text has several lines and contains words that are already escaped: neither changes.
    @Test func oursKeepsItsLinesAndBackslashes() {
        let inner = printable("a\u{1b}\\")
        #expect(harmless("one \(inner)\ntwo") == "one a\\x1b\\\\\ntwo")
        #expect(harmless("one\u{9b}\r\ntwo") == "one\\x9b\\x0d\ntwo")
    }

    /// Different texts never look the same once they are escaped.
    @Test func noTextLooksLikeAnother() {
        let texts = ["\u{1b}", "\\x1b", "\\\\x1b", "\u{202e}", "\\u{202e}", "\\", "\\\\"]
        #expect(Set(texts.map(printable)).count == texts.count)
    }
}
