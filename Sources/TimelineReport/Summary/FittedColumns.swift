// `-q` on a terminal: which columns there is room for, and what becomes of the others.

/// The columns of rows that fit a page. What is given up, one after the other as addresses need more room: the octets, the duration, the
/// time of the handshake; then both ends are cut in the middle.
struct FittedColumns: Equatable {
    /// Columns of the outcome with Zeek's label, the time of the handshake, and the duration.
    static let (outcome, setup, duration) = (16, 6, 8)
    /// Columns of the number and the space behind it.
    static let number = 4
    /// Columns of who closed it and of the title of the processes, which follow, with the spaces before.
    private static let closer = 15

    /// Which of the columns are there that may be given up.
    let (hasSetup, hasDuration, hasOctets): (Bool, Bool, Bool)
    /// Columns of both ends where they are cut; nil where they have what they need.
    let (client, server): (Int?, Int?)

    /// Those of a page of `width` columns whose ends need so many.
    init(width: Int, client: Int, server: Int, octets: Int, hasCloser: Bool) {
        let others = Self.number + 1 + 1 + Self.outcome + (hasCloser ? Self.closer : 0)
        let kept = others + client + server
        hasSetup = kept + Self.setup <= width
        let withDuration = kept + Self.setup + 1 + Self.duration
        hasDuration = withDuration <= width
        hasOctets = withDuration + 2 * (1 + octets) <= width
        let room = max(2, width - others)
        if client + server <= room {
            (self.client, self.server) = (nil, nil)
        } else {
            // Who needs less than half leaves the rest to the other.
            let shown = min(client, max(room / 2, room - server))
            (self.client, self.server) = (shown, room - shown)
        }
    }

    /// Appends the pieces of a row that have columns, and what stands behind them.
    ///
    /// - Parameters:
    ///   - pieces: where they are in `said`.
    ///   - widths: what both ends need, this row's and all before.
    func append(
        _ said: borrowing OutputBuffer, _ pieces: SummaryPieces, number: UInt64, widths: (client: Int, server: Int),
        to out: inout OutputBuffer
    ) {
        let start = out.count
        out.append(unsigned: number, minimumDigits: 1)
        out.indent(from: start, to: Self.number - 1)
        let excess = out.count - start - (Self.number - 1)
        out.append(byte: 0x20)
        append(said, pieces.client, columns: client ?? widths.client, &out)
        out.append(byte: 0x20)
        append(said, pieces.server, columns: server ?? widths.server, &out)
        out.append(byte: 0x20)
        // A number of four digits takes its room from the space behind the outcome: the columns after that stay in their places.
        var outcomeEnd = pieces.outcome.upperBound
        for _ in 0..<excess where outcomeEnd - pieces.outcome.lowerBound > 2 && said.byte(at: outcomeEnd - 2) == 0x20 {
            outcomeEnd -= 1
        }
        out.append(said, pieces.outcome.lowerBound..<outcomeEnd)
        if hasSetup { out.append(said, pieces.setup) }
        if hasDuration { out.append(said, pieces.duration) }
        if hasOctets { out.append(said, pieces.octets) }
        out.append(said, pieces.rest)
    }

    /// Appends an end in so many columns, without its middle if that is not enough: its host begins and ends as before, and its port is whole.
    private func append(
        _ said: borrowing OutputBuffer, _ piece: Range<Int>, columns: Int, _ out: inout OutputBuffer
    ) {
        var end = piece.upperBound
        while end > piece.lowerBound && said.byte(at: end - 1) == 0x20 { end -= 1 }
        let start = out.count
        if end - piece.lowerBound <= columns {
            out.append(said, piece.lowerBound..<end)
        } else {
            let head = (columns - 1) / 2
            out.append(said, piece.lowerBound..<piece.lowerBound + head)
            out.append(byte: 0x7e)
            out.append(said, end - (columns - 1 - head)..<end)
        }
        out.pad(to: columns, from: start)
    }
}

/// Where the columns of a row are in what was said of it. Before them stand the widths of both ends, and where the columns behind them end.
struct SummaryPieces {
    /// Octets before the first column.
    static let prefix = 6

    let client: Range<Int>
    let server: Range<Int>
    let outcome: Range<Int>
    /// The columns that may be given up, each with the space before it.
    let setup: Range<Int>
    let duration: Range<Int>
    let octets: Range<Int>
    /// What is behind them.
    let rest: Range<Int>

    /// The pieces of a row that is in `range`.
    init(_ said: borrowing OutputBuffer, _ range: Range<Int>) {
        let start = range.lowerBound + Self.prefix
        func mark(_ place: Int) -> Int { Int(said.byte(at: range.lowerBound + place)) }
        client = start..<start + mark(0)
        server = client.upperBound + 1..<client.upperBound + 1 + mark(1)
        outcome = server.upperBound + 1..<start + mark(2)
        setup = outcome.upperBound..<start + mark(3)
        duration = setup.upperBound..<start + mark(4)
        octets = duration.upperBound..<start + mark(5)
        rest = octets.upperBound..<range.upperBound
    }
}

extension ShortText {
    /// Appends a count in so many columns: in thousands (`k`), millions (`M`) and so on where its digits are more.
    mutating func append(octets count: UInt64, in columns: Int) {
        func isShort(_ number: UInt64, _ columns: Int) -> Bool { String(number).utf8.count <= columns }
        var scaled = count
        if isShort(scaled, columns) { return append(number: scaled, rightIn: columns) }
        for unit in "kMGTPE".utf8 {
            scaled /= 1000
            guard isShort(scaled, columns - 1) else { continue }
            append(number: scaled, rightIn: columns - 1)
            return append(ShortWord(unit))
        }
    }
}
