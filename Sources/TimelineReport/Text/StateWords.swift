// What stands at a side of the lane: the name of a state, or what there is instead of one.

import TCPModel

/// A few words beside the lane, ASCII, with the kernel's mark behind them.
struct StateWords {
    let words: StaticString
    let mark: UInt8?
    /// The state that they name; nil if they name none.
    let state: TCPState?

    /// The mark of a state that the kernel says, too.
    static var confirmed: UInt8 { 0x2a }
    /// The mark of one that it denies.
    static var contradicted: UInt8 { 0x21 }

    /// Nothing.
    static var none: StateWords { StateWords("", mark: nil) }

    init(_ words: StaticString, mark: UInt8? = nil) {
        self.words = words
        self.mark = mark
        state = nil
    }

    init(_ state: TCPState, mark: UInt8? = nil) {
        words = state.displayName
        self.mark = mark
        self.state = state
    }

    init(_ words: StaticString, isConfirmed: Bool) {
        self.init(words, mark: isConfirmed ? Self.confirmed : nil)
    }

    init(_ state: TCPState, isConfirmed: Bool) {
        self.init(state, mark: isConfirmed ? Self.confirmed : nil)
    }

    /// Columns that it takes.
    var count: Int { words.utf8CodeUnitCount + (mark == nil ? 0 : 1) }

    var isEmpty: Bool { count == 0 }

    /// Waiting states stand out, ended ones recede; the names say it all the same.
    var ink: StaticString {
        switch state {
        case .listen, .synSent, .synReceived, .established: Ink.state
        case .finWait1, .finWait2, .closeWait, .closing, .lastAck: Ink.waiting
        case .timeWait: Ink.over
        case .closed, .unseen, nil: Ink.dim
        }
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
