// `-q`: a table with one line per connection.

public import TCPModel
public import TCPTimeline

import TCPMachine

/// The table of connections. Columns keep their positions; a longer address widens its column from that line on. On a
/// wide page, the first name that does not fit widens it to the maximum width of names.
public struct SummaryReport: PartitionedReport {
    private var width: Int
    /// On a terminal: the columns that fit; nil where lines may be longer than the page.
    private var fitted: FittedColumns?
    private let fits: Bool
    private let hasHeader: Bool
    private let selection: ConnectionSelection
    private let names: (any NameBook)?
    private var wroteHeader = false
    private var isPart = false
    private var row = OutputBuffer(capacity: 256)
    private var clientText = AddressText()
    private var serverText = AddressText()
    private let reserving: Int
    private var clientWidth = 0
    private var serverWidth = 0
    /// For connections whose rows are still to be merged: the number of the connection that each is a translation of.
    private var sources: [UInt64: UInt64] = [:]
    /// A limit, so that entries for rows that never come, such as those of connections not shown, do not pile up.
    private static let mostSources = 65_536
    /// The width of the columns `>B` and `<B`.
    private var octetsWidth: Int { width >= 100 ? 8 : 6 }

    /// A table for pages of `width` columns: with closer and process from 100 on, without them from 80 on, and as one
    /// plain line per connection below that.
    ///
    /// With `fits`, no row of the table exceeds the width, except for what follows its columns: columns are given up
    /// for long addresses (`FittedColumns`). Otherwise none are.
    ///
    /// `reserving` columns are kept for each address with its port, as far as a page below 100 columns permits: in a
    /// live trace the length of the next address is unknown, and columns should not move. With `names`, host names
    /// replace addresses.
    public init(
        width: Int, fits: Bool = false, header: Bool = true, selection: ConnectionSelection = ConnectionSelection(),
        reserving: Int = 0, names: (any NameBook)? = nil
    ) {
        self.width = width
        self.fits = fits
        self.reserving = reserving
        hasHeader = header
        self.selection = selection
        self.names = names
        reserveColumns()
    }

    private mutating func reserveColumns() {
        // The widths that fit on a page of 80 columns (enough for 127.0.0.1), or of 99 with the closer, and then one
        // more column for every two that the page has.
        let room = max(0, width - (width < 100 ? 80 : 99))
        let isLimited = width < 100 || fits
        clientWidth = max(15, isLimited ? min(reserving, 15 + room / 2) : reserving)
        serverWidth = max(14, isLimited ? min(reserving, 14 + (room + 1) / 2) : reserving)
        fitColumns()
    }

    /// A new heading follows when a column is given up.
    private mutating func fitColumns() {
        guard fits else { return }
        let columns = FittedColumns(
            width: width, client: clientWidth, server: serverWidth, octets: octetsWidth, hasCloser: width >= 100)
        guard columns != fitted else { return }
        fitted = columns
        wroteHeader = false
    }

    /// Begins another table, with its own heading, for the new page width.
    public mutating func fit(columns: Int) {
        width = columns
        wroteHeader = false
        reserveColumns()
    }

    /// Whether segments are needed: only to look up names when connections begin.
    public var readsSegments: Bool { names != nil }

    /// Starts looking up the names of a new connection's ends, so that they are known when it is over.
    public mutating func segment(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        if event.isFirst { names?.prepare(event.segment.tuple) }
    }

    /// The width for a name with its service: that of an IPv4 address with its port, or half of what a wide page has to
    /// spare, but no more than a row has room for.
    private var nameRoom: Int { min(40, max(21, (width - 76) / 2)) }

    /// `localhost:ssh`, cut to its width; nil if the host has no name.
    private func name(of end: SocketAddress) -> [UInt8]? {
        guard let names, case let name = names.name(of: end), name.host != nil else { return nil }
        var text = OutputBuffer()
        text.append(end, named: name, room: nameRoom)
        return Array(text.bytes)
    }

    /// A report for a share of the connections, with rows in the form that `merge` expects: numbers and widths are not
    /// known before then.
    public func part(of count: Int) -> SummaryReport {
        var part = self
        part.isPart = true
        return part
    }

    /// Records the link for the connection's row.
    public mutating func link(_ number: UInt64, translationOf source: UInt64) {
        // A third copy is also linked to the first connection.
        if sources.count < Self.mostSources { sources[number] = sources[source] ?? source }
    }

    /// Writes a row. If its partial report could not know which connection it is a translation of, that is added at the
    /// end.
    public mutating func merge(
        _ said: borrowing OutputBuffer, _ range: Range<Int>, number: UInt64, _ out: inout OutputBuffer
    ) {
        writeMerged(said, range, number, &out)
        guard !sources.isEmpty, let source = sources.removeValue(forKey: number) else { return }
        out.truncate(to: out.count - 1)
        write(source: source, &out)
        out.newline()
    }

    /// What is appended to a row after its columns.
    private struct Kin {
        /// The ends as the sockets see them, if addresses were translated.
        let ends: SocketEnds
        /// The number of the connection that this one is a translation of.
        let source: UInt64?
    }

    private func write(_ kin: Kin, _ out: inout OutputBuffer) {
        func say(_ words: StaticString, _ end: SocketAddress?) {
            guard let end else { return }
            out.append(words)
            append(end, &out)
        }
        if !kin.ends.isEmpty {
            say(" client at ", kin.ends.client)
            say(" called ", kin.ends.called)
            say(" served at ", kin.ends.served)
            say(" seen as ", kin.ends.caller)
        }
        if let source = kin.source { write(source: source, &out) }
    }

    /// Notes that this is a connection with a row of its own.
    private func write(source: UInt64, _ out: inout OutputBuffer) {
        out.append(" = ")
        out.append(number: source)
        out.append(" (NAT)")
    }

    /// Writes number, client and server, in columns as wide as the widest so far, and the rest of the row.
    private mutating func writeMerged(
        _ said: borrowing OutputBuffer, _ range: Range<Int>, _ number: UInt64, _ out: inout OutputBuffer
    ) {
        guard width >= 80 else { return out.append(said, range) }
        // The row is preceded by the widths that both columns had when it was written, and by other positions.
        let start = range.lowerBound + SummaryPieces.prefix
        let client = Int(said.byte(at: range.lowerBound))
        let server = Int(said.byte(at: range.lowerBound + 1))
        clientWidth = max(clientWidth, client)
        serverWidth = max(serverWidth, server)
        fitColumns()
        if !wroteHeader { writeHeader(&out) }
        if let fitted {
            return fitted.append(
                said, SummaryPieces(said, range), number: number, widths: (clientWidth, serverWidth), to: &out)
        }
        if client == clientWidth && server == serverWidth && 100..<EightDigits.limit ~= number {
            return out.append(EightDigits(number), said, start..<range.upperBound)
        }
        if number < 10 { out.append("  ") } else if number < 100 { out.append(" ") }
        out.append(unsigned: number, minimumDigits: 1)
        out.append(byte: 0x20)
        // A longer address in another part may have widened the columns since.
        let middle = start + client
        out.append(said, start..<middle)
        out.append(repeating: 0x20, count: clientWidth - client)
        out.append(said, middle..<middle + 1 + server)
        out.append(repeating: 0x20, count: serverWidth - server)
        out.append(said, middle + 1 + server..<range.upperBound)
    }

    /// Notes that frames were lost.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {
        out.append("# ")
        out.append(number: count)
        out.append(count == 1 ? " frame lost by the capture\n" : " frames lost by the capture\n")
    }

    /// Writes the row of a connection that is over, in a replay.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        if isPart && width >= 80 && selection.isEverything && connections.translated(from: id) == nil
            && connections.socketEnds(of: id).isEmpty
        {
            let summary = connections.summary(of: id)
            if !summary.isUnreachable { return writeUsualParts(summary, endsLine: true, &out) }
        }
        finish(id, connections, nil, &out)
    }

    /// Writes the row of a connection that is over.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let connection = connections[id]
        guard selection.shows(connection, kernel) else { return }
        let kin = Kin(
            ends: connections.socketEnds(of: id),
            source: connections.translated(from: id)?.number)
        if width < 80 {
            writeLine(connection, kernel, kin, &out)
        } else if isPart {
            writeParts(connection, kernel, kin, &out)
        } else {
            // Moved out while it is read, to avoid a copy. The column widths are this report's own, so `merge` widens
            // nothing; the heading comes with the first row, matching its columns.
            var row = OutputBuffer()
            swap(&row, &self.row)
            writeParts(connection, kernel, kin, &row)
            merge(row, 0..<row.count, number: connection.number, &out)
            row.clear()
            swap(&row, &self.row)
        }
    }

    /// Makes sure that even an empty table has its heading.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        // An empty table still has its heading, so that scripts see the columns.
        if width >= 80 { writeHeader(&out) }
    }

    private mutating func writeHeader(_ out: inout OutputBuffer) {
        guard hasHeader, !wroteHeader else { return }
        wroteHeader = true
        let start = out.count
        out.append("  # CLIENT")
        let (client, server) = (fitted?.client ?? clientWidth, fitted?.server ?? serverWidth)
        out.pad(to: FittedColumns.number + client + 1, from: start)
        out.append("SERVER")
        out.pad(to: FittedColumns.number + client + 1 + server + 1, from: start)
        out.append("OUTCOME         ")
        if fitted?.hasSetup != false { out.append(" SETUP") }
        if fitted?.hasDuration != false { out.append(" DURATION") }
        if fitted?.hasOctets != false {
            out.append(" ")
            right(octetsWidth, &out) { $0.append(">B") }
            out.append(" ")
            right(octetsWidth, &out) { $0.append("<B") }
        }
        if width >= 100 { out.append(" CLOSER PROCESS") }
        out.newline()
    }

    /// Writes a row, up to the closer, in the parts that `merge` assembles. Its length is bounded, so it is assembled
    /// in a single place.
    private mutating func writeUsualParts(
        _ connection: ConnectionSummary, endsLine: Bool, _ out: inout OutputBuffer
    ) {
        // Local copies, so that no access to the report remains open while the row is assembled.
        let (octetsWidth, hasCloser, fits) = (octetsWidth, width >= 100, fits)
        var (client, server) = (clientWidth, serverWidth)
        let (source, destination) = (connection.tuple.source, connection.tuple.destination)
        let (clientName, serverName) = names == nil ? (nil, nil) : (name(of: source), name(of: destination))
        if hasCloser {
            if clientName.map({ $0.count > client }) ?? false { client = nameRoom }
            if serverName.map({ $0.count > server }) ?? false { server = nameRoom }
        }
        ShortText.append(to: &out) { row in
            // The prefix: both widths, which are known further down, and the positions where columns end.
            let prefix = SummaryPieces.prefix
            row.pad(to: prefix)
            if let clientName { row.append(bytes: clientName) } else { row.append(source, &clientText) }
            client = max(client, row.count - prefix)
            row.pad(to: prefix + client + 1)
            let start = row.count
            if let serverName { row.append(bytes: serverName) } else { row.append(destination, &serverText) }
            if connection.areRolesGuessed { row.append(ShortWord(0x3f)) }
            server = max(server, row.count - start)
            row.pad(to: start + server + 1)
            row.set(UInt8(truncatingIfNeeded: client), at: 0)
            row.set(UInt8(truncatingIfNeeded: server), at: 1)
            let outcomeStart = row.count
            row.append(connection.outcome.displayName)
            row.append(ShortWord(0x20))
            row.append(connection.zeekState)
            // "half-closed RSTO" fills its column: the next one moves over so that the words stay apart.
            if row.count >= outcomeStart + 16 { row.append(ShortWord(0x20)) }
            row.pad(to: outcomeStart + FittedColumns.outcome)
            row.set(UInt8(truncatingIfNeeded: row.count - prefix), at: 2)
            row.append(span: connection.handshakeTime, .compact, rightIn: FittedColumns.setup)
            row.set(UInt8(truncatingIfNeeded: row.count - prefix), at: 3)
            row.append(ShortWord(0x20))
            row.append(span: connection.duration, rightIn: FittedColumns.duration)
            row.set(UInt8(truncatingIfNeeded: row.count - prefix), at: 4)
            row.append(ShortWord(0x20))
            if fits {
                row.append(octets: connection.originatorBytes, in: octetsWidth)
                row.append(ShortWord(0x20))
                row.append(octets: connection.responderBytes, in: octetsWidth)
            } else {
                row.append(number: connection.originatorBytes, rightIn: octetsWidth)
                row.append(ShortWord(0x20))
                row.append(number: connection.responderBytes, rightIn: octetsWidth)
            }
            row.set(UInt8(truncatingIfNeeded: row.count - prefix), at: 5)
            if hasCloser {
                row.append(ShortWord(0x20))
                row.append(Self.closerText(connection.closer))
            }
            if endsLine { row.append(ShortWord(0x0a)) }
        }
        (clientWidth, serverWidth) = (client, server)
    }

    private static func closerText(_ closer: Side?) -> StaticString {
        switch closer {
        case .originator: "client"
        case .responder: "server"
        case nil: "-     "
        }
    }

    /// Writes a row in the parts that `merge` assembles, including everything after its columns.
    private mutating func writeParts(
        _ connection: Connection, _ kernel: KernelView?, _ kin: Kin, _ out: inout OutputBuffer
    ) {
        writeUsualParts(connection.summary, endsLine: false, &out)
        if width >= 100 {
            if let kernel { writeProcesses(kernel, &out) }
            writeReason(connection, kernel, &out)
        }
        write(kin, &out)
        out.newline()
    }

    private func writeProcesses(_ kernel: KernelView, _ out: inout OutputBuffer) {
        let hasServer = kernel.responder.process != nil || kernel.responder.listenerProcess != nil
        guard hasServer || kernel.originator.process != nil || kernel.originator.listenerProcess != nil else { return }
        out.append(" ")
        let start = out.count
        // A process that no longer has its socket at the end is nothing special here, and `server was` above two
        // columns would read as one phrase.
        out.append(processOf: kernel.originator, tellsPast: false)
        if out.count == start { out.append("-") }
        if hasServer {
            out.append(" > ")
            out.append(processOf: kernel.responder, tellsPast: false)
        }
    }

    /// Writes why there was no answer, if an ICMP error or the kernel shows it.
    private func writeReason(_ connection: Connection, _ kernel: KernelView?, _ out: inout OutputBuffer) {
        if connection.isUnreachable {
            out.append(" ICMP ")
            if let kind = connection.icmpKind { out.append(kind.displayName) }
            return
        }
        guard connection.outcome == .noAnswer, let kernel else { return }
        if let reason = kernel.dropReason {
            out.append(" dropped: ")
            out.appendPrintable(reason.text)
        } else if kernel.responder.listener?.isFull == true {
            out.append(" accept queue full")
        }
    }

    private func writeLine(
        _ connection: Connection, _ kernel: KernelView?, _ kin: Kin, _ out: inout OutputBuffer
    ) {
        out.append(clock: connection.firstTime)
        out.append(" ")
        out.append(connection.outcome.displayName)
        out.append(" ")
        out.append(connection.zeekConnectionState)
        out.append(" ")
        append(connection.tuple.source, &out)
        out.append(" > ")
        append(connection.tuple.destination, &out)
        if connection.facts.contains(.rolesGuessed) { out.append("?") }
        if connection.handshakeTime >= 0 {
            out.append(" setup ")
            out.append(span: connection.handshakeTime)
        }
        out.append(" dur ")
        out.append(span: connection.duration)
        out.append(" ")
        out.append(number: connection.counters[0].uniqueBytes)
        out.append("/")
        out.append(number: connection.counters[1].uniqueBytes)
        out.append(" B")
        if let closer = connection.closer { out.append(closer == .originator ? " by client" : " by server") }
        writeReason(connection, kernel, &out)
        if let kernel {
            let end = out.count
            out.append(" ")
            out.append(processOf: kernel.originator, tellsPast: false)
            if out.count == end + 1 { out.truncate(to: end) }
        }
        write(kin, &out)
        out.newline()
    }

    private func append(_ end: SocketAddress, _ out: inout OutputBuffer) {
        if let name = name(of: end) { out.append(contentsOf: name[...]) } else { out.append(end) }
    }

    private func right(_ columns: Int, _ out: inout OutputBuffer, _ body: (inout OutputBuffer) -> Void) {
        let start = out.count
        body(&out)
        out.indent(from: start, to: columns)
    }
}
