// Markup: the page is well-formed XML, so that any parser can read it, and nothing from outside is anything but text.

extension OutputBuffer {
    /// Appends what `make` appends as text of the page, or between the quotes of an attribute.
    mutating func append(escaped make: (inout OutputBuffer) -> Void) {
        replace(make, by: Self.entity)
    }

    /// Appends `<name class="kind">` and what `make` appends as text, and closes the element.
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
