// JSON objects, one per line, with keys in the order in which they are added.

import TCPModel

extension OutputBuffer {
    /// Appends a record: `{"_path":...,...}` and a line feed. Absent values are simply not added.
    @inline(__always) mutating func record(_ path: StaticString, _ body: (inout JSONObject) -> Void) {
        let start = count
        var object = JSONObject(in: &self)
        object.add("_path", literal: path)
        object.add("schema_version", number: 1)
        body(&object)
        object.close(from: start)
        object.giveBack(to: &self)
        newline()
    }
}

/// Writes an object and its nested objects into a buffer that it owns in the meantime.
///
/// Each member is written with a comma before it; the opening brace of the object replaces the first comma. A member
/// therefore consists of the same octets wherever it is.
struct JSONObject: ~Copyable {
    private var buffer = OutputBuffer()

    @inline(__always) fileprivate init(in out: inout OutputBuffer) { swap(&buffer, &out) }

    @inline(__always) fileprivate mutating func giveBack(to out: inout OutputBuffer) { swap(&buffer, &out) }

    /// Ends the object whose members began at `start`.
    @inline(__always) fileprivate mutating func close(from start: Int) {
        if buffer.count == start { buffer.append("{") } else { buffer.set(0x7b, at: start) }
        buffer.append("}")
    }

    // MARK: Values

    @inline(__always) mutating func add<Number: BinaryInteger>(_ name: StaticString, number: Number) {
        buffer.append(key: name)
        buffer.append(number: number)
    }

    @inline(__always) mutating func add(_ name: StaticString, literal: StaticString) {
        buffer.append(key: name, quoted: literal)
    }

    @inline(__always) mutating func add(_ name: StaticString, string: String) {
        buffer.append(key: name)
        buffer.appendJSONString(string)
    }

    @inline(__always) mutating func add(_ name: StaticString, bool: Bool) {
        buffer.append(key: name)
        buffer.append(bool ? "true" : "false")
    }

    @inline(__always) mutating func add(_ name: StaticString, address: IPAddress) {
        buffer.append(key: name)
        buffer.append("\"")
        buffer.append(address)
        buffer.append("\"")
    }

    /// Adds nanoseconds as seconds with nine decimals, without going through floating point.
    @inline(__always) mutating func add(_ name: StaticString, seconds nanoseconds: Int64) {
        buffer.append(key: name)
        buffer.append(seconds: nanoseconds)
    }

    /// Adds nanoseconds as seconds, under the name with the suffix `_s`.
    mutating func add(span name: StaticString, nanoseconds: Int64) {
        buffer.append(",\"")
        buffer.append(name)
        buffer.append("_s\":")
        buffer.append(seconds: nanoseconds)
    }

    /// Adds a point in time under the two keys that every record has.
    mutating func add(_ time: Timestamp) {
        // Zeek's `ts` has microseconds, as more digits would not fit into a double; ts_ns is exact.
        buffer.append(timeMembers: time.nanoseconds)
    }

    /// Adds a value written by `body`, which must be valid JSON.
    @inline(__always) mutating func add(_ name: StaticString, raw body: (inout OutputBuffer) -> Void) {
        buffer.append(key: name)
        body(&buffer)
    }

    /// Adds members that were formatted earlier, each with its comma.
    @inline(__always) mutating func add(members: borrowing OutputBuffer) { buffer.append(members, 0..<members.count) }

    /// Formats the members that `body` adds, each with its comma, into a buffer of this capacity in octets.
    static func members(capacity: Int, _ body: (inout JSONObject) -> Void) -> OutputBuffer {
        var out = OutputBuffer(capacity: capacity)
        var object = JSONObject(in: &out)
        body(&object)
        object.giveBack(to: &out)
        return out
    }

    // MARK: Objects and arrays

    /// Adds an object with the members that `body` adds.
    @inline(__always) mutating func addObject(_ name: StaticString, _ body: (inout JSONObject) -> Void) {
        buffer.append(key: name)
        let start = buffer.count
        body(&self)
        close(from: start)
    }

    /// Adds an object with the members that `body` adds, or nothing if there are none.
    @inline(__always) mutating func addObjectUnlessEmpty(
        _ name: StaticString, _ body: (inout JSONObject) -> Void
    ) {
        let before = buffer.count
        buffer.append(key: name)
        let start = buffer.count
        body(&self)
        if buffer.count == start { buffer.truncate(to: before) } else { close(from: start) }
    }

    /// Adds an array of `count` objects, each with the members that `body` adds.
    mutating func add(_ name: StaticString, objects count: Int, _ body: (inout JSONObject, Int) -> Void) {
        buffer.append(key: name)
        buffer.append("[")
        for index in 0..<count {
            if index > 0 { buffer.append(",") }
            let start = buffer.count
            body(&self, index)
            close(from: start)
        }
        buffer.append("]")
    }

    mutating func add(_ name: StaticString, strings: [String]) {
        buffer.append(key: name)
        buffer.append("[")
        for (index, string) in strings.enumerated() {
            if index > 0 { buffer.append(",") }
            buffer.appendJSONString(string)
        }
        buffer.append("]")
    }

    /// Adds an array of string literals.
    mutating func add(_ name: StaticString, literals: [StaticString]) {
        buffer.append(key: name)
        buffer.append("[")
        for (index, literal) in literals.enumerated() {
            if index > 0 { buffer.append(",") }
            buffer.append(quoted: literal)
        }
        buffer.append("]")
    }
}
