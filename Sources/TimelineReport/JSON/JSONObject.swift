// One JSON object a line, keys in the order in which they are added.

import TCPModel

/// Writes one object into a buffer: `{"_path":...,...}` and a line feed. Absent values are simply not added.
struct JSONObject: ~Copyable {
    private var buffer = OutputBuffer(capacity: 512)
    private var isEmpty = true

    init(path: StaticString) {
        buffer.append("{")
        add("_path", literal: path)
        add("schema_version", number: 1)
    }

    /// A nested object.
    init() { buffer.append("{") }

    private mutating func key(_ name: StaticString) {
        buffer.append(key: name, separated: !isEmpty)
        isEmpty = false
    }

    /// What was added so far, without the braces.
    var members: [UInt8] { Array(buffer.bytes.dropFirst()) }

    /// Adds what `members` of another object gave.
    mutating func add(members: [UInt8]) {
        if !isEmpty { buffer.append(",") }
        isEmpty = false
        buffer.append(contentsOf: members)
    }

    mutating func add<Number: BinaryInteger>(_ name: StaticString, number: Number) {
        key(name)
        buffer.append(number: number)
    }

    mutating func add(_ name: StaticString, literal: StaticString) {
        key(name)
        buffer.append("\"")
        buffer.append(literal)
        buffer.append("\"")
    }

    mutating func add(_ name: StaticString, string: String) {
        key(name)
        buffer.appendJSONString(string)
    }

    mutating func add(_ name: StaticString, bool: Bool) {
        key(name)
        buffer.append(bool ? "true" : "false")
    }

    /// Nanoseconds as seconds with nine decimals, without a detour over floating point.
    mutating func add(_ name: StaticString, seconds nanoseconds: Int64) {
        key(name)
        buffer.append(fixed: nanoseconds, decimals: 9, digits: 9)
    }

    /// Nanoseconds as seconds, under the name with `_s`.
    mutating func add(span name: StaticString, nanoseconds: Int64) {
        if !isEmpty { buffer.append(",") }
        isEmpty = false
        buffer.append("\"")
        buffer.append(name)
        buffer.append("_s\":")
        buffer.append(fixed: nanoseconds, decimals: 9, digits: 9)
    }

    mutating func add(_ name: StaticString, object: consuming JSONObject) {
        key(name)
        buffer.append(contentsOf: object.close())
    }

    mutating func add(_ name: StaticString, strings: [String]) {
        key(name)
        buffer.append("[")
        for (index, string) in strings.enumerated() {
            if index > 0 { buffer.append(",") }
            buffer.appendJSONString(string)
        }
        buffer.append("]")
    }

    /// A value made by `body`, which must write valid JSON.
    mutating func add(_ name: StaticString, raw body: (inout OutputBuffer) -> Void) {
        key(name)
        body(&buffer)
    }

    mutating func add(_ time: Timestamp) {
        // Zeek's `ts` has microseconds, and more would not fit a double; ts_ns is exact.
        key("ts")
        buffer.append(fixed: time.nanoseconds, decimals: 9, digits: 6)
        add("ts_ns", number: time.nanoseconds)
    }

    mutating func add(_ name: StaticString, objects count: Int, _ object: (Int) -> JSONObject) {
        key(name)
        buffer.append("[")
        for index in 0..<count {
            if index > 0 { buffer.append(",") }
            buffer.append(contentsOf: object(index).close())
        }
        buffer.append("]")
    }

    private consuming func close() -> [UInt8] {
        buffer.append("}")
        return buffer.bytes
    }

    /// Ends the object and appends it as a line.
    consuming func write(to out: inout OutputBuffer) {
        out.append(contentsOf: close())
        out.newline()
    }
}
