// A sequence of words from which the least important ones are left out if there is not enough room.

/// The parts of a line of text, each with its weight. ASCII.
struct LaneWords {
    private struct Part {
        /// The range of the part, including the spaces before it.
        var range: Range<Int>
        /// The part with the smallest weight is left out first.
        var weight: Int
    }

    private var text = OutputBuffer()
    private var parts: [Part] = []
    /// The parts that did not fit, each with a space before it.
    private(set) var rest = OutputBuffer()

    init() { parts.reserveCapacity(8) }

    /// Adds a part. The first part is never left out.
    mutating func add(_ weight: Int, spacing: StaticString = " ", _ make: (inout OutputBuffer) -> Void) {
        let start = text.count
        if !parts.isEmpty { text.append(spacing) }
        make(&text)
        parts.append(Part(range: start..<text.count, weight: weight))
    }

    /// Adds a remark, which matters more than windows and options.
    mutating func add(remark: StaticString) { add(90, spacing: "  ") { $0.append(remark) } }

    /// The width in columns.
    var count: Int { text.count }

    var bytes: ArraySlice<UInt8> { text.bytes }

    /// Removes everything but keeps the memory.
    mutating func clear() {
        text.clear()
        rest.clear()
        parts.removeAll(keepingCapacity: true)
    }

    /// Moves the parts that do not fit into `room` columns to `rest`.
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
        // Once a longer part had to go, a shorter one of less weight may fit after all.
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
