// `-q` on a terminal: which columns fit on the page, and what happens to the others.

/// The columns of rows that fit on a page. As addresses need more room, columns are given up one after the other: the
/// octets, the duration, the handshake time. After that, both ends are cut in the middle.
struct FittedColumns: Equatable {
    /// The widths of the outcome with Zeek's label, of the handshake time, and of the duration.
    static let (outcome, setup, duration) = (16, 6, 8)
    /// The width of the number and the space after it.
    static let number = 4
    /// The width of the closer and of the title of the processes, which come last, with the spaces before them.
    private static let closer = 15

    /// Which of the dispensable columns are present.
    let (hasSetup, hasDuration, hasOctets): (Bool, Bool, Bool)
    /// The widths of both ends if they are cut; nil if they have the room they need.
    let (client, server): (Int?, Int?)

    /// The columns of a page of width `width` with ends of these widths.
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
            // An end that needs less than half of the room leaves the rest to the other.
            let shown = min(client, max(room / 2, room - server))
            (self.client, self.server) = (shown, room - shown)
        }
    }

    /// Appends the parts of a row that have columns, and what follows them.
    ///
    /// - Parameters:
    ///   - pieces: the ranges of the parts in `said`.
    ///   - widths: the widths that both ends need in this row and all previous ones.
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
        // A number with four or more digits takes its room from the spaces after the outcome, so that later columns
        // stay in place.
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

    /// Appends an end in this many columns. If that is not enough, the middle is left out: the beginning of the host
    /// remains, as does the end with the whole port.
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

/// The ranges of a row's columns in its buffer. The row is preceded by the widths of both ends and the end positions of
/// the later columns.
struct SummaryPieces {
    /// The number of octets before the first column.
    static let prefix = 6

    let client: Range<Int>
    let server: Range<Int>
    let outcome: Range<Int>
    /// The dispensable columns, each with the space before it.
    let setup: Range<Int>
    let duration: Range<Int>
    let octets: Range<Int>
    /// Everything after these columns.
    let rest: Range<Int>

    /// The columns of a row that occupies `range`.
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
    /// Appends a count in this many columns: in thousands (`k`), millions (`M`) and so on if it has too many digits.
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
