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
    /// What there was no room for, with a space before each part.
    private(set) var rest = OutputBuffer()

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
        rest.clear()
        parts.removeAll(keepingCapacity: true)
    }

    /// Leaves out what does not fit into so many columns: it is in `rest` then.
    mutating func fit(_ room: Int) {
        guard text.count > max(1, room) else { return }
        var length = text.count
        var isShown = UInt64.max
        func isLeftOut(_ index: Int) -> Bool { isShown & 1 << UInt64(index) == 0 }
        var leftOut = 0
        while leftOut + 1 < parts.count && length > room {
            let shown = parts.indices.dropFirst().filter { !isLeftOut($0) }
            let weakest = shown.min { parts[$0].weight < parts[$1].weight } ?? parts.count - 1
            length -= parts[weakest].range.count
            isShown &= ~(1 << UInt64(weakest))
            leftOut += 1
        }
        // Where a longer part had to go as well, a shorter one that is worth less may stay after all.
        for index in parts.indices.filter(isLeftOut).sorted(by: { parts[$0].weight > parts[$1].weight })
        where length + parts[index].range.count <= room {
            length += parts[index].range.count
            isShown |= 1 << UInt64(index)
        }
        var shorter = OutputBuffer(capacity: length)
        for (index, part) in parts.enumerated() {
            if isLeftOut(index) { rest.append(text, part.range) } else { shorter.append(text, part.range) }
        }
        shorter.truncate(to: max(1, room))
        text = shorter
    }
}
