// The client's lines from a keyboard, a pipe or a file.

/// Standard input as lines; never holds more than the result of one read and a line of at most
/// `MessageSplitter.lineLimit` bytes.
struct Keyboard {
    /// The descriptor of standard input, for poll.
    static let number: Int32 = 0

    private var splitter = MessageSplitter(recognisesFrames: false)
    private var lines: ArraySlice<Message> = []
    private(set) var hasEnded = false

    /// Whether all lines have been read and taken.
    var isExhausted: Bool { hasEnded && lines.isEmpty }

    /// Whether to read more.
    var wantsInput: Bool { !hasEnded && lines.isEmpty }

    /// The next line.
    mutating func next() -> Message? { lines.popFirst() }

    /// Reads what is available; the last line may lack its line end.
    mutating func read() throws(LabError) {
        switch DescriptorCalls.read(Self.number) {
        case .success(.bytes(let bytes)): lines += splitter.append(bytes)
        case .success(.nothingYet): break
        case .success(.end):
            hasEnded = true
            if let last = splitter.flush() { lines.append(last) }
        case .failure(let failure): throw .system(doing: "cannot read standard input", code: failure.code)
        }
    }
}
