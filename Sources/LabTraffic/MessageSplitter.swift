// Finds the boundaries of messages in a stream of bytes. A pure value: the caller provides the bytes and detects
// silence.

/// Splits a stream of bytes into messages, in bounded memory: a line longer than the limit is delivered in pieces.
///
/// A `writeUTF` message is recognized if all pending bytes together form one or more whole frames. Only frames of less
/// than 8 KiB count, and none whose first byte is a line end, so that lines of text are never taken for frames.
public struct MessageSplitter: Sendable {
    /// The default limit for the length in bytes of a line that is delivered in one piece.
    public static let lineLimit = 65536

    private let recognisesFrames: Bool
    private let limit: Int
    private var pending: [UInt8] = []
    private var inFrames = false

    /// Creates a splitter for the beginning of a stream.
    public init(recognisesFrames: Bool = true, lineLimit: Int = Self.lineLimit) {
        self.recognisesFrames = recognisesFrames
        limit = lineLimit
    }

    /// Whether there is an incomplete message, which only more bytes, silence or the end can complete.
    public var hasPartialMessage: Bool { !pending.isEmpty }

    /// The messages that are complete once these bytes have arrived.
    public mutating func append(_ bytes: [UInt8]) -> [Message] {
        pending += bytes
        if recognisesFrames, let frames = takeFrames() { return frames }
        return takeLines()
    }

    /// The pending bytes as a message, when the stream fell silent or ended.
    public mutating func flush() -> Message? {
        guard !pending.isEmpty else { return nil }
        let text = pending.last == 0x0d ? Array(pending.dropLast()) : pending
        pending.removeAll(keepingCapacity: true)
        inFrames = false
        return Message(bytes: text, form: .bare)
    }

    /// The whole frames at the start of `pending`; nil if these bytes are not frames.
    private mutating func takeFrames() -> [Message]? {
        var messages: [Message] = []
        var position = 0
        while position < pending.count {
            let high = pending[position]
            guard high < 0x20, high != 0x0a, high != 0x0d else {
                inFrames = false
                return nil
            }
            guard position + 1 < pending.count else { break }
            let length = Int(high) << 8 + Int(pending[position + 1])
            // An empty frame counts only where it is plausible: a run of zeros is not a million empty messages.
            guard length > 0 || inFrames || pending.count == 2 else { return nil }
            let end = position + 2 + length
            guard end <= pending.count else { break }
            messages.append(Message(bytes: Array(pending[position + 2..<end]), form: .utfFrame))
            position = end
        }
        guard position == pending.count || inFrames else { return nil }
        inFrames = true
        pending.removeFirst(position)
        return messages
    }

    private mutating func takeLines() -> [Message] {
        var messages: [Message] = []
        var start = 0
        while let end = pending[start...].prefix(limit + 1).firstIndex(of: 0x0a) ?? cut(from: start) {
            let isWhole = pending[end] == 0x0a && end - start <= limit
            var text = pending[start..<end]
            if isWhole, text.last == 0x0d { text.removeLast() }
            messages.append(Message(bytes: Array(text), form: .line))
            start = isWhole ? end + 1 : end
        }
        pending.removeFirst(start)
        return messages
    }

    /// The position at which a line that is too long is cut; nil if it is not.
    private func cut(from start: Int) -> Int? {
        pending.count - start > limit ? start + limit : nil
    }
}
