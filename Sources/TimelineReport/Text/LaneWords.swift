// Words that stand behind each other, of which the least needed are left out where there is no room for all.

/// Parts of a line of text, each with its worth. ASCII.
struct LaneWords {
    private struct Part {
        /// Where it stands, with the spaces before it.
        var range: Range<Int>
        /// The part with the smallest weight goes first.
        var weight: Int
    }

    private var text = OutputBuffer()
    private var parts: [Part] = []

    init() { parts.reserveCapacity(8) }

    /// Adds a part. The first one always stays.
    mutating func add(_ weight: Int, spacing: StaticString = " ", _ make: (inout OutputBuffer) -> Void) {
        let start = text.count
        if !parts.isEmpty { text.append(spacing) }
        make(&text)
        parts.append(Part(range: start..<text.count, weight: weight))
    }

    /// Adds a remark: what it says is worth more than windows and options.
    mutating func add(remark: StaticString) { add(90, spacing: "  ") { $0.append(remark) } }

    /// How many columns it takes.
    var count: Int { text.count }

    var bytes: ArraySlice<UInt8> { text.bytes }

    /// Forgets everything but the memory.
    mutating func clear() {
        text.clear()
        parts.removeAll(keepingCapacity: true)
    }

    /// Leaves out what does not fit into so many columns.
    mutating func fit(_ room: Int) {
        guard text.count > max(1, room) else { return }
        var length = text.count
        while parts.count > 1 && length > room {
            let weakest = parts.indices.dropFirst().min { parts[$0].weight < parts[$1].weight } ?? parts.count - 1
            length -= parts[weakest].range.count
            parts.remove(at: weakest)
        }
        var shorter = OutputBuffer(capacity: length)
        for part in parts { shorter.append(text, part.range) }
        shorter.truncate(to: max(1, room))
        text = shorter
    }
}
