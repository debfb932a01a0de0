// Renders bytes from the network as text that cannot affect a terminal.

/// Escapes what a peer has sent.
public enum Printable {
    /// The most bytes of one message that are shown.
    public static let shownLimit = 512

    /// Returns the bytes in double quotes. Control, format and invalid bytes appear as `\n`, `\x1b`, `\u{202e}`; `"`
    /// and `\` get a backslash. Messages of more than `shownLimit` bytes are cut, and their full length follows the
    /// quotes.
    public static func quoted(_ bytes: some Collection<UInt8>) -> String {
        let cut = bytes.count > shownLimit
        var text = "\""
        var decoder = UTF8Decoder(bytes.prefix(shownLimit))
        while let element = decoder.next() {
            switch element {
            case .scalar(let scalar): append(scalar, to: &text)
            case .invalid(let byte): appendHex(UInt32(byte), digits: 2, prefix: "\\x", suffix: "", to: &text)
            }
        }
        text += "\""
        if cut { text += "... (\(bytes.count) bytes)" }
        return text
    }

    /// Returns the text in double quotes, escaped like bytes.
    public static func quoted(_ text: String) -> String { quoted(Array(text.utf8)) }

    private static func append(_ scalar: Unicode.Scalar, to text: inout String) {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\n": text += "\\n"
        case "\r": text += "\\r"
        case "\t": text += "\\t"
        case _ where isUnsafe(scalar):
            if scalar.value < 0x80 {
                appendHex(scalar.value, digits: 2, prefix: "\\x", suffix: "", to: &text)
            } else {
                appendHex(scalar.value, digits: 4, prefix: "\\u{", suffix: "}", to: &text)
            }
        default: text.unicodeScalars.append(scalar)
        }
    }

    private static func appendHex(
        _ value: UInt32, digits: Int, prefix: String, suffix: String, to text: inout String
    ) {
        let hex = String(value, radix: 16)
        text += prefix + String(repeating: "0", count: max(0, digits - hex.utf8.count)) + hex + suffix
    }

    /// Whether the scalar may affect a terminal, or may reorder or hide the text around it.
    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}

/// Decodes scalars; a byte that is not part of valid UTF-8 is returned by itself.
private struct UTF8Decoder {
    enum Element {
        case scalar(Unicode.Scalar)
        case invalid(UInt8)
    }

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: some Collection<UInt8>) { self.bytes = Array(bytes) }

    mutating func next() -> Element? {
        guard position < bytes.count else { return nil }
        let first = bytes[position]
        let length =
            switch first {
            case 0x00...0x7f: 1
            case 0xc2...0xdf: 2
            case 0xe0...0xef: 3
            case 0xf0...0xf4: 4
            default: 0
            }
        if length > 0, position + length <= bytes.count {
            let text = String(validating: bytes[position..<position + length], as: UTF8.self)
            if let text, let scalar = text.unicodeScalars.first {
                position += length
                return .scalar(scalar)
            }
        }
        position += 1
        return .invalid(first)
    }
}
