// The messages that the lab's programs exchange.

/// One message of a peer, without its delimiter.
public struct Message: Equatable, Sendable {
    /// How a message was delimited, which also determines the form of its answer.
    public enum Form: Equatable, Sendable {
        /// By a line feed, or a carriage return and a line feed (or it was cut at the length limit).
        case line
        /// By Java's `writeUTF`: two bytes of length, then that many bytes.
        case utfFrame
        /// By silence or the end of input: `sock.send(b"hello")`.
        case bare
    }

    /// The text as received.
    public let bytes: [UInt8]
    /// The way in which it was delimited.
    public let form: Form

    /// Whether this is the word that ends a conversation: `fin`, in upper or lower case, possibly surrounded by spaces.
    public var isFin: Bool {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
        guard let start = bytes.firstIndex(where: { !isSpace($0) }) else { return false }
        return bytes[start...].prefix(while: { !isSpace($0) }).map { $0 | 0x20 } == Array("fin".utf8)
            && bytes[start...].drop(while: { !isSpace($0) }).allSatisfy(isSpace)
    }
}

extension Message {
    /// The prefix of an answer, before the message that it answers.
    static let answerPrefix = Array("server: ".utf8)

    /// Encodes a text in the form of this message.
    func encodingReply(_ text: [UInt8]) -> [UInt8] {
        guard form == .utfFrame else { return text + [0x0a] }
        let body = text.prefix(0xffff)
        return [UInt8(body.count >> 8), UInt8(body.count & 0xff)] + body
    }
}
