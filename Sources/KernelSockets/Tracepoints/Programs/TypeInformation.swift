// Reads the kernel's own type information (BTF, /sys/kernel/btf/vmlinux) to find the offsets of structure members.
//
// The format is defined in linux/btf.h: a header, type records, strings. Every access is checked; unreadable data
// counts as absent.

import Glibc

/// The types of the running kernel.
struct TypeInformation {
    /// A structure member, with its offset in octets from the beginning of the structure.
    struct Member: Equatable {
        var offset: Int
        /// The member's type id.
        var type: UInt32
    }

    private let bytes: [UInt8]
    private let strings: Int
    /// The offset of each type's record, by type id; id 0 is `void`.
    private var records: [Int32] = [0]

    /// An upper bound on the file size; no kernel comes close to it.
    private static let limit = 64 << 20
    private static let nesting = 8

    /// The running kernel's type information; nil if it is not available.
    init?(path: String = "/sys/kernel/btf/vmlinux") {
        guard let file = Descriptor(path: path) else { return nil }
        // sysfs reports the size; reading one octet more detects the end of the file.
        let size = min(file.size() ?? 0, Self.limit)
        var bytes = [UInt8](repeating: 0, count: size + 1)
        var filled = 0
        while filled < bytes.count {
            let count = file.read(into: &bytes, from: filled)
            if count <= 0 { break }
            filled += count
        }
        bytes.removeSubrange(filled...)
        self.init(bytes)
    }

    /// Parses BTF data; nil if it is malformed.
    init?(_ bytes: [UInt8]) {
        func word(_ offset: Int) -> Int? { unsafe unsigned(bytes.span.bytes, offset, 4).map { Int($0) } }
        guard unsafe unsigned(bytes.span.bytes, 0, 2) == 0xeb9f, let header = word(4), let types = word(8),
            let typesLength = word(12), let strings = word(16), let stringsLength = word(20),
            header + types + typesLength <= bytes.count, header + strings + stringsLength <= bytes.count
        else { return nil }
        self.bytes = bytes
        self.strings = header + strings
        var position = header + types
        let end = position + typesLength
        while position + 12 <= end {
            guard let information = word(position + 4), let extra = Self.extra(information) else { return nil }
            records.append(Int32(clamping: position))
            position += 12 + extra
        }
    }

    /// The number of octets that follow the first three words of a record, given its second word; nil for an unknown
    /// kind.
    private static func extra(_ information: Int) -> Int? {
        let count = information & 0xffff
        switch information >> 24 & 0x1f {
        case 2, 7...12, 16, 18: return 0  // pointers, forwards, typedefs, qualifiers, functions, floats
        case 1, 14, 17: return 4  // integers, variables, declaration tags
        case 3: return 12  // arrays
        case 4, 5, 15, 19: return 12 * count  // structures, unions, sections, enumerations of 64 bits
        case 6, 13: return 8 * count  // enumerations, prototypes
        default: return nil
        }
    }

    private func word(_ offset: Int) -> Int {
        // An array of octets has no padding, so its raw bytes are safe to read.
        unsafe unsigned(bytes.span.bytes, offset, 4).map { Int($0) } ?? 0
    }

    private func kind(_ type: Int) -> Int { word(Int(records[type]) + 4) >> 24 & 0x1f }

    private func isNamed(_ offset: Int, _ name: StaticString) -> Bool {
        let start = strings + offset
        let length = name.utf8CodeUnitCount
        guard offset > 0, start + length < bytes.count, bytes[start + length] == 0 else { return false }
        return name.withUTF8Buffer { text in
            for index in 0..<length where unsafe bytes[start + index] != text[index] { return false }
            return true
        }
    }

    /// The type id of the structure with this name.
    func structure(_ name: StaticString) -> Int? { type(name, kind: 4) }

    /// The type id of the typedef with this name.
    func typedef(_ name: StaticString) -> Int? { type(name, kind: 8) }

    private func type(_ name: StaticString, kind wanted: Int) -> Int? {
        (1..<records.count).first { kind($0) == wanted && isNamed(word(Int(records[$0])), name) }
    }

    /// A member of a structure, including those of nested anonymous members; nil if there is none or it is not aligned
    /// to whole octets.
    func member(_ name: StaticString, of structure: Int, depth: Int = 0) -> Member? {
        guard depth < Self.nesting, records.indices.contains(structure), kind(structure) == 4 || kind(structure) == 5
        else { return nil }
        let record = Int(records[structure])
        let information = word(record + 4)
        for index in 0..<(information & 0xffff) {
            let place = record + 12 + 12 * index
            let type = word(place + 4)
            var bits = word(place + 8)
            // If the structure has bit fields, the upper octet holds the field's width.
            if information >> 31 != 0 {
                if bits >> 24 != 0 { continue }
                bits &= 0xff_ffff
            }
            guard bits % 8 == 0 else { continue }
            if isNamed(word(place), name) { return Member(offset: bits / 8, type: UInt32(clamping: type)) }
            if word(place) == 0, let inner = member(name, of: type, depth: depth + 1) {
                return Member(offset: bits / 8 + inner.offset, type: inner.type)
            }
        }
        return nil
    }

    /// The size in octets of a value of this type; nil if the type is neither an integer nor a structure or union.
    func size(of type: UInt32) -> Int? {
        guard let type = unqualified(type), kind(type) == 1 || kind(type) == 4 || kind(type) == 5 else { return nil }
        return word(Int(records[type]) + 8)
    }

    /// Resolves typedefs and qualifiers; nil if there is no such type.
    func unqualified(_ type: UInt32) -> Int? {
        var type = Int(type)
        for _ in 0..<Self.nesting {
            guard records.indices.contains(type), type > 0 else { return nil }
            switch kind(type) {
            case 8...11, 18: type = word(Int(records[type]) + 8)
            default: return type
            }
        }
        return nil
    }
}
