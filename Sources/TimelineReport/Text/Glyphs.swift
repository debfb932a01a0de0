// The characters with which ladders are drawn: ASCII, which is the reference, or Unicode on terminals that support it.

/// One set of characters.
struct Glyphs {
    let line: StaticString
    let double: StaticString
    let bar: StaticString
    let left: StaticString
    let right: StaticString
    let doubleLeft: StaticString
    let doubleRight: StaticString
    let reset: StaticString
    let rule: StaticString

    static let ascii = Glyphs(
        line: "-", double: "=", bar: "|", left: "<", right: ">", doubleLeft: "<", doubleRight: ">", reset: "X",
        rule: "-")
    static let unicode = Glyphs(
        line: "─", double: "═", bar: "│", left: "◀", right: "▶", doubleLeft: "◀", doubleRight: "▶", reset: "╳",
        rule: "─")
}

/// Colours, used only next to words that say the same. Blue, orange and purple rather than green and red.
enum Ink {
    static let state: StaticString = "\u{1b}[34m"
    static let waiting: StaticString = "\u{1b}[33m"
    static let over: StaticString = "\u{1b}[35m"
    static let dim: StaticString = "\u{1b}[2m"
    static let alarm: StaticString = "\u{1b}[1;33m"
    static let strong: StaticString = "\u{1b}[1m"
    static let off: StaticString = "\u{1b}[0m"
}
