// Markup: the page is well-formed XML, so that any parser can read it, and untrusted data is never anything but text.

extension OutputBuffer {
    /// Appends the output of `make` as text of the page or of a quoted attribute.
    mutating func append(escaped make: (inout OutputBuffer) -> Void) {
        replace(make, by: Self.entity)
    }

    /// Appends an element `<name class="kind">` that contains the output of `make` as text.
    mutating func append(
        element name: StaticString, _ kind: StaticString, _ make: (inout OutputBuffer) -> Void
    ) {
        append("<")
        append(name)
        append(" class=\"")
        append(kind)
        append("\">")
        append(escaped: make)
        append("</")
        append(name)
        append(">")
    }

    private static func entity(_ byte: UInt8) -> StaticString? {
        switch byte {
        case 0x26: "&amp;"
        case 0x3c: "&lt;"
        case 0x3e: "&gt;"
        case 0x22: "&quot;"
        case 0x27: "&#39;"
        default: nil
        }
    }
}
