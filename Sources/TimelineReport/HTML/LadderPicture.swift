// A connection's ladder as SVG: two lifelines, coloured by state, with the segments between them. Time runs downwards,
// and pauses take up space.

import Glibc
import TCPMachine
import TCPModel
import TCPTimeline

/// Draws one ladder. Lengths are in units of the picture; a character is about 7.2 units wide.
struct LadderPicture {
    /// The positions of the columns. The columns of numbers and times are as wide as their widest entry.
    private struct Columns {
        let number: Int
        let time: Int
        let delta: Int
        let leftState: Int
        let leftLife: Int
        let rightLife: Int
        let rightState: Int
        let width: Int
        var middle: Int { (leftLife + rightLife) / 2 }

        init(numberDigits: Int, timeDigits: Int) {
            func room(_ characters: Int) -> Int { characters * 73 / 10 }
            number = 8 + room(numberDigits)
            time = number + 12 + room(timeDigits)
            delta = time + 8 + room(9)
            leftState = delta + 10 + room(13)
            leftLife = leftState + 12
            rightLife = leftLife + 466
            rightState = rightLife + 12
            width = rightState + room(13) + 14
        }
    }

    /// The distance between rows.
    private static let rowStep = 30
    /// The distance between lines of text.
    private static let lineStep = 17

    /// The number of characters that fit on an arrow, and between the lifelines.
    private static let arrowRoom = 58
    private static let laneRoom = 60

    /// The current part of a lifeline: its class, and where it starts.
    private struct Life {
        let x: Int
        var kind: StaticString = "closed"
        var start = 0
    }

    private let block: LadderBlock
    private let writer: TimelineWriter
    private let columns: Columns
    private var words = LaneWords()
    /// Lifelines are drawn below everything else, but their lengths are known last.
    private var lifelines = OutputBuffer()
    private var rows = OutputBuffer()
    private var left: Life
    private var right: Life
    private var y = 0

    init(_ block: LadderBlock, _ writer: TimelineWriter) {
        self.block = block
        self.writer = writer
        var frame: UInt64 = 0
        var time = block.connection.firstTime
        for step in block.steps {
            if case .row(let row, _) = step { (frame, time) = (max(frame, row.frame), max(time, row.time)) }
            if case .note(let note, _) = step, let moment = note.time { time = max(time, moment) }
        }
        columns = Columns(
            numberDigits: max(4, writer.text { $0.append(number: frame) }.count + 1),
            timeDigits: Self.digits(of: time, in: block, writer))
        left = Life(x: columns.leftLife)
        right = Life(x: columns.rightLife)
    }

    /// The number of characters in the longest time, sign included.
    private static func digits(of time: Timestamp, in block: LadderBlock, _ writer: TimelineWriter) -> Int {
        1 + writer.text { append(time, block, writer, &$0) }.count
    }

    private static func append(
        _ time: Timestamp, _ block: LadderBlock, _ writer: TimelineWriter, _ out: inout OutputBuffer
    ) {
        let digits = writer.style.nanoseconds ? 9 : 6
        out.append(fixed: time.since(block.connection.firstTime), decimals: 9, digits: digits)
    }

    /// Writes the picture.
    mutating func write(_ out: inout OutputBuffer) {
        drawNames()
        left.start = y
        right.start = y
        for step in block.steps {
            switch step {
            case .phase(let phase): draw(phase)
            case .before(let sides):
                y += Self.lineStep
                draw(sides)
                y += 4
            case .row(let row, let sides): draw(row, sides)
            case .note(let note, let sides): draw(note, sides)
            }
        }
        y += 18
        end(left)
        end(right)
        out.append("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ")
        out.append(number: columns.width)
        out.append(" ")
        out.append(number: y + 4)
        out.append("\" role=\"img\"><title>")
        out.append(escaped: {
            $0.append("The segments of ")
            $0.append(block.connection.tuple.source)
            $0.append(" and ")
            $0.append(block.connection.tuple.destination)
        })
        out.append("</title>\n")
        out.append(contentsOf: lifelines.bytes)
        out.append(contentsOf: rows.bytes)
        out.append("</svg>\n")
    }

    // MARK: Lifelines

    /// Draws the names of the ends, one above the other if both do not fit on a line.
    private mutating func drawNames() {
        let connection = block.connection
        let guess = connection.facts.contains(.rolesGuessed)
        y += Self.lineStep
        text("dim end", columns.leftState) { $0.append(guess ? "client?" : "client") }
        text("", columns.leftLife) { $0.append(connection.tuple.source) }
        text("dim", columns.rightState) {
            $0.append(connection.isSelfConnect ? "same socket" : guess ? "server?" : "server")
        }
        let characters = writer.text {
            $0.append(connection.tuple.source)
            $0.append(connection.tuple.destination)
        }.count
        if characters + 2 > Self.laneRoom { y += Self.lineStep }
        text("end", columns.rightLife) { $0.append(connection.tuple.destination) }
        if let kernel = block.kernel {
            let client = writer.text { $0.append(processOf: kernel.originator) }
            let server = writer.text { $0.append(processOf: kernel.responder) }
            if !client.isEmpty || !server.isEmpty { y += Self.lineStep }
            if !client.isEmpty { text("", columns.leftLife) { $0.append(contentsOf: client) } }
            if !server.isEmpty { text("end", columns.rightLife) { $0.append(contentsOf: server) } }
        }
        y += 10
    }

    /// Draws the states that begin here.
    private mutating func draw(_ sides: LadderSides) {
        if !sides.left.isEmpty {
            end(left)
            left.kind = PageStyle.kind(sides.left.state)
            left.start = y
            state(sides.left, left.kind, "end", columns.leftState)
        }
        if !sides.right.isEmpty {
            end(right)
            right.kind = PageStyle.kind(sides.right.state)
            right.start = y
            state(sides.right, right.kind, "", columns.rightState)
        }
    }

    private mutating func state(_ words: StateWords, _ kind: StaticString, _ anchor: StaticString, _ x: Int) {
        open("text", "state ")
        rows.append(kind)
        rows.append(" ")
        rows.append(anchor)
        rows.append("\" x=\"")
        rows.append(number: x)
        rows.append("\" y=\"")
        rows.append(number: y + 4)
        rows.append("\">")
        rows.append(escaped: { $0.append(words) })
        rows.append("</text>\n")
    }

    /// Draws the current part of a lifeline, down to this position.
    private mutating func end(_ life: Life) {
        guard y > life.start else { return }
        lifelines.append("<path class=\"life ")
        lifelines.append(life.kind)
        lifelines.append("\" d=\"M")
        lifelines.append(number: life.x)
        lifelines.append(" ")
        lifelines.append(number: life.start)
        lifelines.append("V")
        lifelines.append(number: y)
        lifelines.append("\"/>\n")
    }

    // MARK: Rows

    private mutating func draw(_ phase: TimelinePhase) {
        y += 26
        let connection = block.connection
        text("part", 8) { $0.append(titleOf: phase, connection) }
        open("path", "rule\" d=\"M8 ")
        rows.append(number: y + 8)
        rows.append("H")
        rows.append(number: columns.leftLife - 8)
        rows.append("\"/>\n")
    }

    private mutating func draw(_ row: TimelineRow, _ sides: LadderSides) {
        y += Self.rowStep + Self.room(for: row.delta)
        draw(sides)
        open("g", "row")
        if row.bringsText { rows.append(" data") }
        if row.flags.has(.rst) { rows.append(" reset") }
        if row.attempt > 0 || row.verdict.retransmission != nil { rows.append(" again") }
        rows.append("\"><title>")
        writeTitle(row)
        rows.append("</title>")
        writeArrow(row)
        writeWords(row, room: Self.arrowRoom)
        let bytes = words.bytes
        text("middle", columns.middle, above: 6) { $0.append(contentsOf: bytes) }
        text("dim end", columns.number) {
            $0.append(number: row.frame)
            if row.frames > 1 { $0.append("+") }
        }
        draw(time: row.time)
        if row.delta >= 0 {
            text("dim end", columns.delta) {
                $0.append("+")
                $0.append(span: row.delta)
            }
        }
        rows.append("</g>\n")
    }

    /// The extra space above a row for the pause (in nanoseconds) before it: logarithmic, from 10 ms on.
    private static func room(for pause: Int64) -> Int {
        guard pause > 10 * Span.millisecond else { return 0 }
        return min(50, Int(10 * log10(Double(pause) / Double(Span.millisecond))))
    }

    private mutating func draw(time: Timestamp) {
        let bytes = writer.text { Self.append(time, block, writer, &$0) }
        text("dim end", columns.time) { $0.append(contentsOf: bytes) }
    }

    private mutating func writeWords(_ row: TimelineRow, room: Int) {
        LaneText(room: room, detail: writer.style.detail, of: row.sender, block.connection).write(row, &words)
    }

    /// Writes everything there is to say about a row: its words, and why each end changed its state.
    private mutating func writeTitle(_ row: TimelineRow) {
        writeWords(row, room: .max)
        let bytes = words.bytes
        rows.append(escaped: { out in
            out.append(row.frames > 1 ? "from frame " : "frame ")
            out.append(number: row.frame)
            out.append(": ")
            out.append(contentsOf: bytes)
            for (side, reaction) in row.reactions {
                for index in 0..<reaction.count {
                    let transition = reaction[index]
                    out.append(side == .originator ? "\nclient: " : "\nserver: ")
                    out.append(transition.from.displayName)
                    out.append(" to ")
                    out.append(transition.to.displayName)
                    out.append(" (")
                    out.append(transition.certainty.name)
                    out.append(", ")
                    out.append(transition.rule.id)
                    out.append(")")
                }
            }
        })
    }

    private mutating func writeArrow(_ row: TimelineRow) {
        let goesRight = row.sender == .originator
        let from = goesRight ? columns.leftLife + 2 : columns.rightLife - 2
        let tip = goesRight ? columns.rightLife - 3 : columns.leftLife + 3
        let back = goesRight ? -1 : 1
        let isReset = row.flags.has(.rst)
        rows.append("<path class=\"arrow\" d=\"M")
        rows.append(number: from)
        rows.append(" ")
        rows.append(number: y)
        rows.append("H")
        rows.append(number: tip + back * 8)
        if isReset {
            // A cross instead of an arrowhead.
            rows.append("m-5 -5l10 10m0 -10l-10 10")
        }
        rows.append("\"/>")
        guard !isReset else { return }
        rows.append("<path class=\"head\" d=\"M")
        rows.append(number: tip)
        rows.append(" ")
        rows.append(number: y)
        rows.append("l")
        rows.append(number: back * 9)
        rows.append(" -4.5v9z\"/>")
    }

    private mutating func draw(_ note: TimelineNote, _ sides: LadderSides) {
        y += 22
        draw(sides)
        if let time = note.time { draw(time: time) }
        for (index, piece) in pieces(of: note).enumerated() {
            if index > 0 { y += Self.lineStep }
            text("remark middle", columns.middle) { $0.append(contentsOf: piece) }
        }
    }

    /// A note's text in lines that fit between the lifelines.
    private func pieces(of note: TimelineNote) -> [ArraySlice<UInt8>] {
        if case .icmp(let event) = note { return icmpRows(event, writer, room: Self.laneRoom) }
        return TimelineWriter.wrap(noteWords(note, block.kernel, writer), Self.laneRoom)
    }

    // MARK: Elements

    /// Begins an element with a class attribute whose quotes are left open.
    private mutating func open(_ name: StaticString, _ kind: StaticString) {
        rows.append("<")
        rows.append(name)
        rows.append(" class=\"")
        rows.append(kind)
    }

    private mutating func text(
        _ kind: StaticString, _ x: Int, above: Int = -4, _ make: (inout OutputBuffer) -> Void
    ) {
        open("text", kind)
        rows.append("\" x=\"")
        rows.append(number: x)
        rows.append("\" y=\"")
        rows.append(number: y - above)
        rows.append("\">")
        rows.append(escaped: make)
        rows.append("</text>\n")
    }
}
