// Parses a tracepoint's `format` file: its number, the layout of its fields, and the names of enum values.

/// The layout of one tracepoint's records, as described by the running kernel.
struct TracepointFormat: Equatable, Sendable {
    /// The position and size of a field, in octets from the start of the record.
    struct Field: Equatable, Sendable {
        var offset: Int
        var size: Int
        var isSigned: Bool
    }

    /// The number used by perf_event_open(2) and in the `common_type` of each record.
    var identifier: UInt16
    /// The fields, by name.
    var fields: [String: Field]
    /// The names of values, by field, from `__print_symbolic`.
    var symbols: [String: [Int64: String]]

    /// Records are never longer than a page; larger offsets and sizes are rejected.
    private static let longest = 4096

    /// Parses `text`; nil if it has no number or no fields.
    init?(_ text: String) {
        var number: UInt16?
        fields = [:]
        symbols = [:]
        for line in text.split(separator: "\n") {
            let trimmed = line.drop { $0 == " " || $0 == "\t" }
            if trimmed.hasPrefix("ID:") {
                number = UInt16(trimmed.dropFirst(3).filter { $0 != " " && $0 != "\t" })
            } else if trimmed.hasPrefix("field:") {
                if let (name, field) = Self.field(trimmed) { fields[name] = field }
            } else if trimmed.hasPrefix("print fmt:") {
                Self.readSymbols(Array(trimmed.utf8), into: &symbols)
            }
        }
        guard let number, !fields.isEmpty else { return nil }
        identifier = number
    }

    /// Parses `field:__u8 saddr[28];   offset:32;      size:28;        signed:0;`.
    private static func field(_ line: Substring) -> (String, Field)? {
        var offset: Int?
        var size: Int?
        var isSigned = false
        var name: Substring?
        for part in line.split(separator: ";") {
            let text = part.drop { $0 == " " || $0 == "\t" }
            guard let colon = text.firstIndex(of: ":") else { continue }
            let value = text[text.index(after: colon)...]
            switch text[..<colon] {
            case "field":
                name = Self.name(value)
            case "offset": offset = Int(value)
            case "size": size = Int(value)
            case "signed": isSigned = value == "1"
            default: break
            }
        }
        guard let name, !name.isEmpty, let offset, let size, offset >= 0, size > 0, offset < longest, size <= longest
        else { return nil }
        return (String(name), Field(offset: offset, size: size, isSigned: isSigned))
    }

    /// The last word of `__u8 saddr[28]` or `__data_loc char[] name`, without an array's length. Before Linux 6.3 the
    /// length is written as in the kernel's source: `__u8 saddr[sizeof(struct sockaddr_in6)]`.
    private static func name(_ declaration: Substring) -> Substring? {
        let array = declaration.hasSuffix("]") ? declaration.lastIndex(of: "[") : nil
        return declaration[..<(array ?? declaration.endIndex)].split(separator: " ").last?.drop { $0 == "*" }
    }

    /// Collects the names in `__print_symbolic(REC->reason, { 1, "NO_SOCKET" }, { 0x2, "X" })`. Values that are not
    /// numbers (unresolved kernel enums) are left out.
    private static func readSymbols(_ text: [UInt8], into symbols: inout [String: [Int64: String]]) {
        let call = Array("__print_symbolic(REC->".utf8)
        var position = 0
        while let start = text[position...].firstRange(of: call)?.upperBound {
            let rest = text[start...]
            let name = rest.prefix { $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: ")") }
            position = name.endIndex
            var list: [Int64: String] = [:]
            // Each pair is `, { value, "NAME" }`; anything else ends the list.
            while let pair = symbolPair(text, from: position) {
                if let value = pair.value { list[value] = pair.name }
                position = pair.end
            }
            symbols[String(decoding: name, as: UTF8.self), default: [:]].merge(list) { $1 }
        }
    }

    private static func symbolPair(_ text: [UInt8], from start: Int) -> (value: Int64?, name: String, end: Int)? {
        var position = start
        func skip(_ byte: UInt8) -> Bool {
            while position < text.count && text[position] == 0x20 { position += 1 }
            guard position < text.count, text[position] == byte else { return false }
            position += 1
            return true
        }
        guard skip(UInt8(ascii: ",")), skip(UInt8(ascii: "{")),
            let comma = text[position...].firstIndex(of: UInt8(ascii: ","))
        else { return nil }
        let number = String(decoding: text[position..<comma].filter { $0 != 0x20 }, as: UTF8.self)
        position = comma
        guard skip(UInt8(ascii: ",")), skip(UInt8(ascii: "\"")),
            let quote = text[position...].firstIndex(of: UInt8(ascii: "\""))
        else { return nil }
        let name = String(decoding: text[position..<quote], as: UTF8.self)
        position = quote + 1
        guard skip(UInt8(ascii: "}")) else { return nil }
        let value = number.hasPrefix("0x") ? Int64(number.dropFirst(2), radix: 16) : Int64(number)
        return (value, name, position)
    }
}
