// Escapes untrusted text, so that nothing in it acts on a terminal or breaks a format.

import TCPModel

extension OutputBuffer {
    /// Appends untrusted text in the form of `printable(_:)`: nothing in it can act on a terminal.
    public mutating func appendPrintable(_ text: String) {
        // Nearly always there is nothing to escape.
        if append(plain: text) { return }
        for scalar in text.unicodeScalars { appendPrintable(scalar) }
    }

    private mutating func appendPrintable(_ scalar: Unicode.Scalar) {
        if scalar == "\\" {
            append("\\\\")
        } else if scalar.isUnsafeOnTerminals {
            append(text: scalar.escapeSequence)
        } else {
            append(utf8Of: scalar)
        }
    }

    /// Appends a character as `appendPrintable` does, but also escapes spaces and everything beyond ASCII: one column
    /// per byte.
    mutating func append(visible scalar: Unicode.Scalar) {
        if 0x21...0x7e ~= scalar.value { appendPrintable(scalar) } else { append(text: scalar.escapeSequence) }
    }

    /// Appends untrusted text as a JSON string with its quotes (RFC 8259 7).
    public mutating func appendJSONString(_ text: String) {
        append(byte: 0x22)
        if append(plain: text, except: 0x22) { return append(byte: 0x22) }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": append("\\\"")
            case "\\": append("\\\\")
            case "\n": append("\\n")
            case "\t": append("\\t")
            case "\r": append("\\r")
            case _ where scalar.isUnsafeOnTerminals:
                // Characters beyond the first plane (tags, private use) need a surrogate pair.
                for unit in String(scalar).utf16 {
                    append("\\u")
                    append(hex: UInt32(unit), digits: 4)
                }
            default: append(utf8Of: scalar)
            }
        }
        append(byte: 0x22)
    }

    private mutating func append(utf8Of scalar: Unicode.Scalar) {
        for octet in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { append(byte: octet) }
    }

    /// Appends the output of `make`, with the bytes replaced for which `substitute` returns a replacement.
    mutating func replace(_ make: (inout OutputBuffer) -> Void, by substitute: (UInt8) -> StaticString?) {
        let start = count
        make(&self)
        guard bytes[start...].contains(where: { substitute($0) != nil }) else { return }
        let text = Array(bytes[start...])
        truncate(to: start)
        for byte in text {
            if let instead = substitute(byte) { append(instead) } else { append(byte: byte) }
        }
    }

    /// Appends a number in lower-case hexadecimal with leading zeros up to `digits`.
    public mutating func append(hex number: UInt32, digits: Int) {
        // A dump may have millions of lines, so no string is allocated.
        let significant = (UInt32.bitWidth - number.leadingZeroBitCount + 3) / 4
        for place in (0..<max(1, digits, significant)).reversed() {
            let digit = UInt8(truncatingIfNeeded: number >> UInt32(4 * place)) & 15
            append(byte: digit < 10 ? 0x30 &+ digit : 0x57 &+ digit)
        }
    }
}
