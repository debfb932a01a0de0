// Writes the heads, rows and notes of a ladder into the buffer, column by column.

import TCPMachine
import TCPModel
import TCPTimeline

/// The appearance of the text timeline.
public struct TextStyle: Sendable {
    /// The page width in columns.
    public var width = 100
    /// Whether to use ASCII instead of box-drawing characters.
    public var ascii = true
    /// Whether to use colours.
    public var color = false
    /// The format of the time column.
    public var time = TimeStyle.sinceStart
    /// Whether to show nanoseconds instead of microseconds.
    public var nanoseconds = false
    /// Whether to show the statistics of both directions after each connection.
    public var isLong = false
    /// How much to show of each segment.
    public var detail = TimelineDetail()
    /// The source of host and service names; nil to show none.
    public var names: (any NameBook)?

    /// The style used by golden files and documentation.
    public init() {}
}

struct TimelineWriter {
    let style: TextStyle
    let layout: TimelineLayout
    let glyphs: Glyphs
    /// The interface names of the capture, by index.
    var interfaces: [String]
    /// The words of the row that is being written; the memory is reused for all rows.
    private var words = LaneWords()

    init(style: TextStyle, interfaces: [String] = []) {
        self.style = style
        self.interfaces = interfaces
        layout = TimelineLayout(width: style.width, timeStyle: style.time)
        glyphs = style.ascii ? .ascii : .unicode
    }

    // MARK: Columns

    /// A line under construction that counts columns, because box-drawing characters and names take several bytes each.
    /// It owns the buffer until it ends.
    struct Line: ~Copyable {
        private var bytes = OutputBuffer()
        private let start: Int
        var column = 0

        init(in out: inout OutputBuffer) {
            start = out.count
            swap(&bytes, &out)
        }

        /// Ends the line and returns the buffer.
        consuming func end(to out: inout OutputBuffer) {
            bytes.newline()
            swap(&bytes, &out)
        }

        /// The number of bytes so far.
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

        /// Puts the ASCII output of `make`.
        mutating func put(_ make: (inout OutputBuffer) -> Void) {
            let start = bytes.count
            make(&bytes)
            column += bytes.count - start
        }

        /// Puts the ASCII output of `make` so that it ends at `edge`, but at least one column after what is already
        /// there; puts nothing if it would end beyond `room`.
        mutating func put(to edge: Int, room: Int = .max, _ make: (inout OutputBuffer) -> Void) {
            let start = bytes.count
            make(&bytes)
            let width = bytes.count - start
            let least = column == 0 ? 0 : column + 1
            if width > room - least { return bytes.truncate(to: start) }
            let place = max(least, edge - width)
            bytes.indent(from: start, to: place - column + width)
            column = place + width
        }

        /// Puts text that contains names: printable, but not always ASCII.
        mutating func put(_ text: ArraySlice<UInt8>) {
            bytes.append(contentsOf: text)
            column += TextColumns.count(text)
        }

        mutating func put(rightAligned text: ArraySlice<UInt8>, to edge: Int) {
            pad(to: max(column == 0 ? 0 : column + 1, edge - TextColumns.count(text)))
            put(text)
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

    mutating func write(
        _ row: TimelineRow, left: StateWords, right: StateWords, _ connection: Connection, prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        let layout = layout(beside: prefix)
        var line = Line(in: &out)
        putPrefix(prefix, &line)
        if layout.form == .line {
            writeLine(row, left: left, right: right, connection, &line)
        } else {
            putTimes(row, connection, &line, room: layout.stateEdge - max(left.count, 1) - 1)
            writeWords(row, connection, room: layout.lane - 6, isNarrow: layout.form == .narrow)
            putLane(left, right, &line) { putArrow(row, lane: layout.lane, &$0) }
        }
        line.end(to: &out)
        // With options and windows requested, all of them should be seen.
        guard style.detail.verbosity > 1, words.rest.count > 0 else { return }
        let rest = words.rest.bytes.drop { $0 == 0x20 }
        writeNote(rest.last == 0x2c ? rest.dropLast() : rest, prefix: prefix, &out)
    }

    /// Puts a row's words into `words`.
    private mutating func writeWords(_ row: TimelineRow, _ connection: Connection, room: Int, isNarrow: Bool) {
        LaneText(room: room, detail: style.detail, of: row.sender, connection, isNarrow: isNarrow).write(row, &words)
    }

    /// Puts `LEFT |middle| RIGHT`: the lane with the states at its sides.
    private func putLane(_ left: StateWords, _ right: StateWords, _ line: inout Line, _ middle: (inout Line) -> Void) {
        if !left.isEmpty { ink(left, &line) { $0.put(to: layout.stateEdge) { $0.append(left) } } }
        line.pad(to: layout.stateEdge + 1)
        line.put(glyphs.bar, columns: 1)
        middle(&line)
        line.put(glyphs.bar, columns: 1)
        guard !right.isEmpty else { return }
        line.put(" ", columns: 1)
        ink(right, &line) { $0.put { $0.append(right) } }
    }

    private func ink(_ state: StateWords, _ line: inout Line, _ body: (inout Line) -> Void) {
        guard style.color else { return body(&line) }
        line.ink(state.ink)
        body(&line)
        line.ink(Ink.off)
    }

    /// The layout of rows that begin with a connection's number.
    func layout(beside prefix: UInt64?) -> TimelineLayout {
        layout.beside(Self.columns(of: prefix))
    }

    func putPrefix(_ prefix: UInt64?, _ line: inout Line) {
        guard let prefix else { return }
        line.put {
            $0.append(number: prefix)
            $0.append("|")
        }
        // Rows keep their columns: the connection's number is outside of them.
        line.column = 0
    }

    private func putTimes(_ row: TimelineRow, _ connection: Connection, _ line: inout Line, room: Int) {
        line.put(to: TimelineLayout.numberEdge) { appendNumber(row, &$0) }
        if layout.form == .wide && style.time != .none {
            line.put(to: 5 + layout.timeWidth) { appendTime(row, connection, &$0) }
        }
        if row.delta >= 0 { line.put(to: layout.deltaEdge, room: room) { appendDelta(row, &$0) } }
    }

    private func appendDelta(_ row: TimelineRow, _ out: inout OutputBuffer) {
        out.append("+")
        out.append(span: row.delta, layout.form == .wide ? .measured : .compact)
    }

    private func appendNumber(_ row: TimelineRow, _ out: inout OutputBuffer) {
        out.append(number: row.frame)
        // `4+5`; two longer numbers would push the time out of its column.
        if row.frames == 2 && row.secondFrame < 10 {
            out.append("+")
            out.append(number: row.secondFrame)
        } else if row.frames > 1 {
            out.append("+")
        }
    }

    private func appendTime(_ row: TimelineRow, _ connection: Connection, _ out: inout OutputBuffer) {
        let digits = style.nanoseconds ? 9 : 6
        switch style.time {
        case .none: break
        case .epoch: out.append(fixed: row.time.nanoseconds, decimals: 9, digits: digits)
        case .date: out.append(date: row.time, nanoseconds: style.nanoseconds)
        case .sinceStart: out.append(fixed: row.time.since(connection.firstTime), decimals: 9, digits: digits)
        }
    }

    private func putArrow(_ row: TimelineRow, lane: Int, _ line: inout Line) {
        let isData = row.bringsText
        let stroke = isData ? glyphs.double : glyphs.line
        let fill = lane - 5 - words.count
        let isReset = row.flags.has(.rst)
        if row.sender == .originator {
            line.repeating(stroke, 2)
            putWords(&line)
            line.repeating(stroke, fill)
            line.put(isReset ? glyphs.reset : isData ? glyphs.doubleRight : glyphs.right, columns: 1)
        } else {
            line.put(isReset ? glyphs.reset : isData ? glyphs.doubleLeft : glyphs.left, columns: 1)
            line.repeating(stroke, fill)
            putWords(&line)
            line.repeating(stroke, 2)
        }
    }

    private func putWords(_ line: inout Line) {
        line.put(" ", columns: 1)
        line.put(ascii: words.bytes)
        line.put(" ", columns: 1)
    }

    /// Below 80 columns: writes time, direction, words, states.
    private mutating func writeLine(
        _ row: TimelineRow, left: StateWords, right: StateWords, _ connection: Connection, _ line: inout Line
    ) {
        line.put { appendNumber(row, &$0) }
        if style.time != .none {
            line.put {
                $0.append(" ")
                appendTime(row, connection, &$0)
            }
        }
        line.put(row.sender == .originator ? " > " : " < ", columns: 3)
        let states = left.isEmpty && right.isEmpty ? 0 : max(1, left.count) + max(1, right.count) + 5
        writeWords(row, connection, room: max(12, layout.width - line.column - states), isNarrow: true)
        line.put(ascii: words.bytes)
        if states > 0 { putStates(left, right, &line) }
    }

    /// Puts `  LEFT / RIGHT` after the words of a line without a lane.
    private func putStates(_ left: StateWords, _ right: StateWords, _ line: inout Line) {
        line.put {
            $0.append("  ")
            $0.append(left, orDot: true)
            $0.append(" / ")
            $0.append(right, orDot: true)
        }
    }

    // MARK: Rules and notes

    /// How many columns a connection's number takes in front of its rows.
    static func columns(of prefix: UInt64?) -> Int {
        guard var rest = prefix else { return 0 }
        var columns = 2
        while rest >= 10 {
            columns += 1
            rest /= 10
        }
        return columns
    }

    /// Writes `--- handshake -----`; in the narrow form with the time at which the phase began.
    func writeRule(
        _ title: ArraySlice<UInt8>, before row: TimelineRow, _ connection: Connection, prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        guard layout.form != .line else { return }
        var line = Line(in: &out)
        putPrefix(prefix, &line)
        // The page's width includes the connection's number.
        let edge = layout.pageEdge - (prefix == nil ? 0 : line.size)
        if style.color { line.ink(Ink.dim) }
        line.repeating(glyphs.rule, 3)
        line.put(" ", columns: 1)
        line.put(ascii: title)
        if layout.form == .narrow, style.time != .none {
            line.put(" at ", columns: 4)
            line.put { appendTime(row, connection, &$0) }
            if style.time == .sinceStart { line.put("s", columns: 1) }
        }
        line.put(" ", columns: 1)
        line.repeating(glyphs.rule, edge - line.column)
        if style.color { line.ink(Ink.off) }
        line.end(to: &out)
    }

    /// Writes a row without an arrow: words across the lane, states at its sides. The words must be safe to print; what
    /// does not fit into the lane continues on the next line.
    func writeNote(
        _ words: ArraySlice<UInt8>, time: ArraySlice<UInt8> = [], left: StateWords = .none, right: StateWords = .none,
        prefix: UInt64?, _ out: inout OutputBuffer
    ) {
        let layout = layout(beside: prefix)
        // In the one-line form the states stand behind the words.
        let states = left.isEmpty && right.isEmpty ? 0 : 2 + max(1, left.count) + 3 + max(1, right.count)
        let room =
            layout.form == .line
            ? max(20, layout.width - Self.columns(of: prefix) - 4 - time.count - states) : layout.lane
        let pieces = Self.wrap(words, room)
        for (index, piece) in pieces.enumerated() {
            var line = Line(in: &out)
            putPrefix(prefix, &line)
            if index == 0 {
                writeNoteLine(piece, time: time, left: left, right: right, layout, &line)
            } else {
                writeNoteLine(piece, time: [], left: .none, right: .none, layout, &line)
            }
            line.end(to: &out)
        }
    }

    private func writeNoteLine(
        _ words: ArraySlice<UInt8>, time: ArraySlice<UInt8>, left: StateWords, right: StateWords,
        _ layout: TimelineLayout, _ line: inout Line
    ) {
        guard layout.form != .line else {
            line.put("   ", columns: 3)
            line.put(time)
            if !time.isEmpty { line.put(" ", columns: 1) }
            line.put(words)
            if !left.isEmpty || !right.isEmpty { putStates(left, right, &line) }
            return
        }
        if layout.form == .wide {
            if !time.isEmpty { line.put(rightAligned: time, to: 5 + layout.timeWidth) }
        } else if layout.deltaEdge + max(1, left.count) < layout.stateEdge {
            line.put(rightAligned: time, to: layout.deltaEdge)
        }
        let columns = TextColumns.count(words)
        let margin = (layout.lane - columns) / 2
        putLane(left, right, &line) {
            $0.repeating(" ", margin)
            $0.put(words)
            $0.repeating(" ", layout.lane - margin - columns)
        }
    }

    /// Wraps words into lines of at most `room` columns, at spaces where possible, otherwise between characters. Never
    /// empty.
    static func wrap(_ words: ArraySlice<UInt8>, _ room: Int) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var rest = words[...]
        while TextColumns.count(rest) > room {
            let edge = TextColumns.end(of: rest, within: room)
            // A word may end right at the edge.
            let space = rest[..<min(edge + 1, rest.endIndex)].lastIndex(of: 0x20) ?? rest.startIndex
            let end = space > rest.startIndex ? space : edge
            lines.append(rest[..<end])
            rest = rest[end...].drop { $0 == 0x20 }
        }
        if !rest.isEmpty || lines.isEmpty { lines.append(rest) }
        return lines
    }
}
