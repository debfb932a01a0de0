// Writes heads, rows and notes of the ladder into the buffer, column by column.

import TCPMachine
import TCPModel
import TCPTimeline

/// How the text timeline looks.
public struct TextStyle: Sendable {
    /// Columns of the page.
    public var width = 100
    /// ASCII instead of box-drawing characters.
    public var ascii = true
    /// Colours.
    public var color = false
    /// The time column.
    public var time = TimeStyle.sinceStart
    /// Nanoseconds instead of microseconds.
    public var nanoseconds = false
    /// Statistics of both directions after each connection.
    public var isLong = false
    /// How much to show of each segment.
    public var detail = TimelineDetail()

    /// The style that goldens and documentation use.
    public init() {}
}

struct TimelineWriter {
    let style: TextStyle
    let layout: TimelineLayout
    let glyphs: Glyphs
    /// The interface names of the capture, by index.
    var interfaces: [String] = []

    init(style: TextStyle) {
        self.style = style
        layout = TimelineLayout(width: style.width, timeStyle: style.time)
        glyphs = style.ascii ? .ascii : .unicode
    }

    // MARK: Columns

    /// A line under construction that counts columns, because box-drawing and names take several bytes each. It is written into
    /// a buffer that it has for itself until it ends.
    struct Line: ~Copyable {
        private var bytes = OutputBuffer()
        private let start: Int
        var column = 0

        init(in out: inout OutputBuffer) {
            start = out.count
            swap(&bytes, &out)
        }

        /// Ends the line, and gives the buffer back.
        consuming func end(to out: inout OutputBuffer) {
            bytes.newline()
            swap(&bytes, &out)
        }

        /// How many bytes it has so far.
        var size: Int { bytes.count - start }

        mutating func put(_ literal: StaticString, columns: Int) {
            bytes.append(literal)
            column += columns
        }

        mutating func put(ascii: ArraySlice<UInt8>) {
            bytes.append(contentsOf: ascii)
            column += ascii.count
        }

        mutating func repeating(_ literal: StaticString, _ count: Int) {
            let count = max(0, count)
            bytes.append(repeating: literal, count: count)
            column += count
        }

        mutating func pad(to target: Int) { repeating(" ", target - column) }

        mutating func put(rightAligned text: ArraySlice<UInt8>, to edge: Int) {
            pad(to: max(column == 0 ? 0 : column + 1, edge - text.count))
            put(ascii: text)
        }

        mutating func put(rightAligned literal: StaticString, to edge: Int) {
            let columns = literal.utf8CodeUnitCount
            pad(to: max(column == 0 ? 0 : column + 1, edge - columns))
            put(literal, columns: columns)
        }

        /// Colours take no columns.
        mutating func ink(_ code: StaticString) { bytes.append(code) }
    }

    func text(_ make: (inout OutputBuffer) -> Void) -> ArraySlice<UInt8> {
        var buffer = OutputBuffer()
        make(&buffer)
        return buffer.bytes
    }

    // MARK: Rows

    /// The state column's text: the name, and the kernel's mark.
    func stateText(_ state: TCPState, _ mark: UInt8?) -> ArraySlice<UInt8> {
        state == .unseen && mark == nil
            ? [] : text { $0.append(state.displayName) } + (mark.map { [$0] } ?? [])
    }

    func write(
        _ row: TimelineRow, left: ArraySlice<UInt8>, right: ArraySlice<UInt8>, _ connection: Connection,
        prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        var line = Line(in: &out)
        putPrefix(prefix, &line)
        if layout.form == .line {
            writeLine(row, left: left, right: right, connection, &line)
        } else {
            putTimes(row, connection, &line, room: layout.stateEdge - max(left.count, 1) - 1)
            putLane(left, right, &line) { putArrow(row, connection, &$0) }
        }
        line.end(to: &out)
    }

    /// `LEFT |middle| RIGHT`: the lane with the states at its sides.
    private func putLane(
        _ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>, _ line: inout Line, _ middle: (inout Line) -> Void
    ) {
        if !left.isEmpty { ink(left, &line) { $0.put(rightAligned: left, to: layout.stateEdge) } }
        line.pad(to: layout.stateEdge + 1)
        line.put(glyphs.bar, columns: 1)
        middle(&line)
        line.put(glyphs.bar, columns: 1)
        guard !right.isEmpty else { return }
        line.put(" ", columns: 1)
        ink(right, &line) { $0.put(ascii: right) }
    }

    private func ink(_ state: ArraySlice<UInt8>, _ line: inout Line, _ body: (inout Line) -> Void) {
        guard style.color, !state.isEmpty else { return body(&line) }
        line.ink(Self.color(state))
        body(&line)
        line.ink(Ink.off)
    }

    /// Waiting states stand out, ended ones recede; the names say it all the same.
    private static func color(_ state: ArraySlice<UInt8>) -> StaticString {
        let name = String(decoding: state, as: UTF8.self)
        if name.hasPrefix("ESTABLISHED") || name.hasPrefix("LISTEN") || name.hasPrefix("SYN") { return Ink.state }
        if name.hasPrefix("CLOSED") || name.hasPrefix("(") { return Ink.dim }
        return name.hasPrefix("TIME") ? Ink.over : Ink.waiting
    }

    private func putPrefix(_ prefix: UInt64?, _ line: inout Line) {
        guard let prefix else { return }
        line.put(ascii: text { $0.append(number: prefix) })
        line.put("|", columns: 1)
        // Rows keep their columns: the connection's number stands outside of them.
        line.column = 0
    }

    private func putTimes(_ row: TimelineRow, _ connection: Connection, _ line: inout Line, room: Int) {
        let delta =
            row.delta < 0
            ? []
            : text {
                $0.append("+"); $0.append(span: row.delta, compact: layout.form != .wide)
            }
        guard layout.form == .wide else {
            line.put(rightAligned: delta, to: 7)
            return
        }
        let number = numberText(row, width: 3)
        line.put(rightAligned: number, to: 3)
        let time = timeText(row, connection)
        if !time.isEmpty { line.put(rightAligned: time, to: max(line.column + 1, 5 + layout.timeWidth)) }
        if !delta.isEmpty && line.column + 1 + delta.count <= room {
            line.put(rightAligned: delta, to: max(line.column + 1 + delta.count, 5 + layout.timeWidth + 9))
        }
    }

    private func numberText(_ row: TimelineRow, width: Int) -> ArraySlice<UInt8> {
        text {
            $0.append(number: row.frame)
            // `4+5`; two wider numbers would push the time out of its column.
            if row.frames == 2 && row.secondFrame < 10 {
                $0.append("+")
                $0.append(number: row.secondFrame)
            } else if row.frames > 1 {
                $0.append("+")
            }
        }
    }

    private func timeText(_ row: TimelineRow, _ connection: Connection) -> ArraySlice<UInt8> {
        let digits = style.nanoseconds ? 9 : 6
        return text {
            switch style.time {
            case .none: break
            case .epoch: $0.append(fixed: row.time.nanoseconds, decimals: 9, digits: digits)
            case .date: $0.append(date: row.time, nanoseconds: style.nanoseconds)
            case .sinceStart:
                $0.append(fixed: row.time.since(connection.firstTime), decimals: 9, digits: digits)
            }
        }
    }

    private func putArrow(_ row: TimelineRow, _ connection: Connection, _ line: inout Line) {
        let bases = (
            connection.endpoint(row.sender).relativeBase.rawValue,
            connection.endpoint(row.sender.other).relativeBase.rawValue
        )
        let isData = row.kind == .data
        let stroke = isData ? glyphs.double : glyphs.line
        let words = LaneText(
            room: layout.lane - 6, detail: style.detail, bases: bases, isNarrow: layout.form == .narrow
        ).render(row)
        let fill = layout.lane - 5 - words.count
        let isReset = row.flags.has(.rst)
        if row.sender == .originator {
            line.repeating(stroke, 2)
            line.put(" ", columns: 1)
            line.put(ascii: words)
            line.put(" ", columns: 1)
            line.repeating(stroke, fill)
            line.put(isReset ? glyphs.reset : isData ? glyphs.doubleRight : glyphs.right, columns: 1)
        } else {
            line.put(isReset ? glyphs.reset : isData ? glyphs.doubleLeft : glyphs.left, columns: 1)
            line.repeating(stroke, fill)
            line.put(" ", columns: 1)
            line.put(ascii: words)
            line.put(" ", columns: 1)
            line.repeating(stroke, 2)
        }
    }

    /// Under 80 columns: time, direction, words, states.
    private func writeLine(
        _ row: TimelineRow, left: ArraySlice<UInt8>, right: ArraySlice<UInt8>, _ connection: Connection,
        _ line: inout Line
    ) {
        line.put(ascii: numberText(row, width: 0))
        let time = timeText(row, connection)
        if !time.isEmpty {
            line.put(" ", columns: 1)
            line.put(ascii: time)
        }
        line.put(row.sender == .originator ? " > " : " < ", columns: 3)
        let bases = (
            connection.endpoint(row.sender).relativeBase.rawValue,
            connection.endpoint(row.sender.other).relativeBase.rawValue
        )
        let states = left.isEmpty && right.isEmpty ? 0 : max(1, left.count) + max(1, right.count) + 5
        let room = max(12, layout.width - line.column - states)
        line.put(ascii: LaneText(room: room, detail: style.detail, bases: bases, isNarrow: true).render(row))
        guard states > 0 else { return }
        line.put("  ", columns: 2)
        line.put(ascii: left.isEmpty ? [0x2e] : left)
        line.put(" / ", columns: 3)
        line.put(ascii: right.isEmpty ? [0x2e] : right)
    }

    // MARK: Rules and notes

    /// `--- handshake -----`; in the narrow form with the time at which the phase began.
    func writeRule(_ title: ArraySlice<UInt8>, at offset: Int64?, prefix: UInt64?, _ out: inout OutputBuffer) {
        guard layout.form != .line else { return }
        var line = Line(in: &out)
        putPrefix(prefix, &line)
        // The page's width includes the connection's number.
        let edge = layout.pageEdge - (prefix == nil ? 0 : line.size)
        if style.color { line.ink(Ink.dim) }
        line.repeating(glyphs.rule, 3)
        line.put(" ", columns: 1)
        line.put(ascii: title)
        if layout.form == .narrow, let offset {
            line.put(" at ", columns: 4)
            line.put(
                ascii: text {
                    $0.append(fixed: offset, decimals: 9, digits: style.nanoseconds ? 9 : 6)
                    $0.append("s")
                })
        }
        line.put(" ", columns: 1)
        line.repeating(glyphs.rule, edge - line.column)
        if style.color { line.ink(Ink.off) }
        line.end(to: &out)
    }

    /// A row without an arrow: words across the lane, states at its sides. The words are already safe to print, ASCII; what
    /// does not fit into the lane goes on in the next line.
    func writeNote(
        _ words: ArraySlice<UInt8>, time: ArraySlice<UInt8> = [], left: ArraySlice<UInt8> = [],
        right: ArraySlice<UInt8> = [], prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        let pieces = Self.wrap(words, layout.form == .line ? max(20, layout.width - 3) : layout.lane)
        for (index, piece) in pieces.enumerated() {
            var line = Line(in: &out)
            putPrefix(prefix, &line)
            if index == 0 {
                writeNoteLine(piece, time: time, left: left, right: right, &line)
            } else {
                writeNoteLine(piece, time: [], left: [], right: [], &line)
            }
            line.end(to: &out)
        }
    }

    private func writeNoteLine(
        _ words: ArraySlice<UInt8>, time: ArraySlice<UInt8>, left: ArraySlice<UInt8>, right: ArraySlice<UInt8>,
        _ line: inout Line
    ) {
        guard layout.form != .line else {
            line.put("   ", columns: 3)
            line.put(ascii: words)
            if !left.isEmpty || !right.isEmpty {
                line.put("  ", columns: 2)
                line.put(ascii: left.isEmpty ? [0x2e] : left)
                line.put(" / ", columns: 3)
                line.put(ascii: right.isEmpty ? [0x2e] : right)
            }
            return
        }
        if !time.isEmpty && layout.form == .wide { line.put(rightAligned: time, to: 5 + layout.timeWidth) }
        let margin = (layout.lane - words.count) / 2
        putLane(left, right, &line) {
            $0.repeating(" ", margin)
            $0.put(ascii: words)
            $0.repeating(" ", layout.lane - margin - words.count)
        }
    }

    /// The words in lines of at most `room` columns, broken at spaces where there are any. Never empty.
    private static func wrap(_ words: ArraySlice<UInt8>, _ room: Int) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var rest = words[...]
        while rest.count > room {
            let start = rest.startIndex
            // A word may end right at the edge.
            let space = rest[start...(start + room)].lastIndex(of: 0x20) ?? start
            let end = space > start ? space : start + room
            lines.append(rest[start..<end])
            rest = rest[end...].drop { $0 == 0x20 }
        }
        if !rest.isEmpty || lines.isEmpty { lines.append(rest) }
        return lines
    }
}
