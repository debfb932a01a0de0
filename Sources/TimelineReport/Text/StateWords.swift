// What stands at a side of the lane: the name of a state, or what there is instead of one.

import TCPModel

/// A few words beside the lane, ASCII, with the kernel's mark behind them.
struct StateWords {
    let words: StaticString
    let mark: UInt8?

    /// The mark of a state that the kernel says, too.
    static var confirmed: UInt8 { 0x2a }
    /// The mark of one that it denies.
    static var contradicted: UInt8 { 0x21 }

    /// Nothing.
    static var none: StateWords { StateWords("", mark: nil) }

    init(_ words: StaticString, mark: UInt8? = nil) {
        self.words = words
        self.mark = mark
    }

    init(_ words: StaticString, isConfirmed: Bool) {
        self.init(words, mark: isConfirmed ? Self.confirmed : nil)
    }

    init(_ state: TCPState, isConfirmed: Bool) {
        self.init(state.displayName, isConfirmed: isConfirmed)
    }

    init(_ state: TCPState, mark: UInt8? = nil) {
        self.init(state.displayName, mark: mark)
    }

    /// Columns that it takes.
    var count: Int { words.utf8CodeUnitCount + (mark == nil ? 0 : 1) }

    var isEmpty: Bool { count == 0 }

    /// Waiting states stand out, ended ones recede; the names say it all the same.
    var ink: StaticString {
        let name = words.description
        if name.hasPrefix("ESTABLISHED") || name.hasPrefix("LISTEN") || name.hasPrefix("SYN") { return Ink.state }
        if name.hasPrefix("CLOSED") || name.hasPrefix("(") { return Ink.dim }
        return name.hasPrefix("TIME") ? Ink.over : Ink.waiting
    }
}

extension OutputBuffer {
    /// Appends them, or a dot where there is nothing.
    mutating func append(_ state: StateWords, orDot: Bool = false) {
        if orDot && state.isEmpty { return append(".") }
        append(state.words)
        if let mark = state.mark { append(byte: mark) }
    }
}
