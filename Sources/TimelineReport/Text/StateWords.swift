// The words at a side of the lane: the name of a state, or a substitute.

import TCPModel

/// A few words beside the lane, in ASCII, followed by the mark for the kernel's view.
struct StateWords {
    let words: StaticString
    let mark: UInt8?
    /// The state that the words name; nil if they name none.
    let state: TCPState?

    /// The mark of a state that the kernel confirms.
    static var confirmed: UInt8 { 0x2a }
    /// The mark of a state that the kernel contradicts.
    static var contradicted: UInt8 { 0x21 }

    /// No words.
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

    /// The width in columns.
    var count: Int { words.utf8CodeUnitCount + (mark == nil ? 0 : 1) }

    var isEmpty: Bool { count == 0 }

    /// Waiting states stand out and ended ones recede; the names convey the same.
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
    /// Appends the words, or a dot if there are none.
    mutating func append(_ state: StateWords, orDot: Bool = false) {
        if orDot && state.isEmpty { return append(".") }
        append(state.words)
        if let mark = state.mark { append(byte: mark) }
    }
}
