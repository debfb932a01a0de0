// `-q`: a table, one line a connection.

public import TCPModel
public import TCPTimeline

import TCPMachine

/// The table of connections. Columns keep their places; a longer address widens its column from that line on, and on a wide page
/// the first name for which there is no room by as much as any name may have.
public struct SummaryReport: PartitionedReport {
    private var width: Int
    /// On a terminal: the columns there is room for; nil where lines may be longer than the page.
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
    /// Of connections whose rows are still to be merged: the number of the one that each is the translation of.
    private var sources: [UInt64: UInt64] = [:]
    /// Rows that never come, as of connections that are not shown, do not pile up.
    private static let mostSources = 65_536
    /// Columns of `>B` and `<B`.
    private var octetsWidth: Int { width >= 100 ? 8 : 6 }

    /// A table for `width` columns: from 100 with closer and process, from 80 without, below one plain line each.
    ///
    /// With `fits` no row of the table is wider, but for what stands behind its columns: columns are given up for long addresses
    /// (`FittedColumns`). Else nothing is.
    ///
    /// `reserving` columns are kept for each address with its port, as far as a page below 100 has room: live nobody knows
    /// how long the next address is, and columns are not to move. With `names` a host's stands in the place of its address.
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
        // What a page of 80 columns has room for, as 127.0.0.1 needs it, and one of 99 with the closer; then a column for each of two more.
        let room = max(0, width - (width < 100 ? 80 : 99))
        let isLimited = width < 100 || fits
        clientWidth = max(15, isLimited ? min(reserving, 15 + room / 2) : reserving)
        serverWidth = max(14, isLimited ? min(reserving, 14 + (room + 1) / 2) : reserving)
        fitColumns()
    }

    /// Another heading comes where a column is given up.
    private mutating func fitColumns() {
        guard fits else { return }
        let columns = FittedColumns(
            width: width, client: clientWidth, server: serverWidth, octets: octetsWidth, hasCloser: width >= 100)
        guard columns != fitted else { return }
        fitted = columns
        wroteHeader = false
    }

    /// Another table begins, with its own heading, for the page as it is now.
    public mutating func fit(columns: Int) {
        width = columns
        wroteHeader = false
        reserveColumns()
    }

    /// Segments are not asked for, but as the beginnings of connections whose ends have names.
    public var readsSegments: Bool { names != nil }

    /// Has the names of a new connection's ends looked up: they are to be known when it is over.
    public mutating func segment(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        if event.isFirst { names?.prepare(event.segment.tuple) }
    }

    /// Columns of a name with its service: as many as an IPv4 address takes with its port, or half of what a wide page has besides;
    /// no more than a row has room for.
    private var nameRoom: Int { min(40, max(21, (width - 76) / 2)) }

    /// `localhost:ssh`, cut to its room; nil if the host has no name.
    private func name(of end: SocketAddress) -> [UInt8]? {
        guard let names, case let name = names.name(of: end), name.host != nil else { return nil }
        var text = OutputBuffer()
        text.append(end, named: name, room: nameRoom)
        return Array(text.bytes)
    }

    /// The rows of some connections, as `merge` wants them: its number and columns are not known before.
    public func part(of count: Int) -> SummaryReport {
        var part = self
        part.isPart = true
        return part
    }

    /// Keeps it for the connection's row.
    public mutating func link(_ number: UInt64, translationOf source: UInt64) {
        // A third copy is linked to the first connection too.
        if sources.count < Self.mostSources { sources[number] = sources[source] ?? source }
    }

    /// Writes a row, and at its end of what other one it is the translation, if its part could not know.
    public mutating func merge(
        _ said: borrowing OutputBuffer, _ range: Range<Int>, number: UInt64, _ out: inout OutputBuffer
    ) {
        writeMerged(said, range, number, &out)
        guard !sources.isEmpty, let source = sources.removeValue(forKey: number) else { return }
        out.truncate(to: out.count - 1)
        write(source: source, &out)
        out.newline()
    }

    /// What a row says at its end, where no column is.
    private struct Kin {
        /// What its sockets have for their ends, if that was translated.
        let ends: SocketEnds
        /// The number of the connection that it is the translation of.
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

    /// It is a connection that has a row of its own.
    private func write(source: UInt64, _ out: inout OutputBuffer) {
        out.append(" = ")
        out.append(number: source)
        out.append(" (NAT)")
    }

    /// Number, client and server in columns that are as wide as the widest so far, and the rest.
    private mutating func writeMerged(
        _ said: borrowing OutputBuffer, _ range: Range<Int>, _ number: UInt64, _ out: inout OutputBuffer
    ) {
        guard width >= 80 else { return out.append(said, range) }
        // The widths of both columns where the row was written, and other marks, then the row itself.
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
        // A longer address may have widened them elsewhere meanwhile.
        let middle = start + client
        out.append(said, start..<middle)
        out.append(repeating: 0x20, count: clientWidth - client)
        out.append(said, middle..<middle + 1 + server)
        out.append(repeating: 0x20, count: serverWidth - server)
        out.append(said, middle + 1 + server..<range.upperBound)
    }

    /// Says that frames were lost.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {
        out.append("# ")
        out.append(number: count)
        out.append(count == 1 ? " frame lost by the capture\n" : " frames lost by the capture\n")
    }

    /// Reports a connection that is over, in a replay.
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

    /// Reports a connection that is over.
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
            // Taken out while it is read, so that nothing is copied. Its columns are ours, so that `merge` widens nothing; the heading
            // comes with the first row, above its columns.
            var row = OutputBuffer()
            swap(&row, &self.row)
            writeParts(connection, kernel, kin, &row)
            merge(row, 0..<row.count, number: connection.number, &out)
            row.clear()
            swap(&row, &self.row)
        }
    }

    /// Ends the report.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        // An empty table still has its heading, so that a script sees its columns.
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

    /// Writes a row in the parts that `merge` puts together, up to who ended it. Its length is bounded, so that it is put together
    /// in one place.
    private mutating func writeUsualParts(
        _ connection: ConnectionSummary, endsLine: Bool, _ out: inout OutputBuffer
    ) {
        // Locals, so that nothing of the report is held on to while the row is put together.
        let (octetsWidth, hasCloser, fits) = (octetsWidth, width >= 100, fits)
        var (client, server) = (clientWidth, serverWidth)
        let (source, destination) = (connection.tuple.source, connection.tuple.destination)
        let (clientName, serverName) = names == nil ? (nil, nil) : (name(of: source), name(of: destination))
        if hasCloser {
            if clientName.map({ $0.count > client }) ?? false { client = nameRoom }
            if serverName.map({ $0.count > server }) ?? false { server = nameRoom }
        }
        ShortText.append(to: &out) { row in
            // The two widths, which are known further down, and where columns end.
            let prefix = SummaryPieces.prefix
            row.pad(to: prefix)
            if let clientName { row.append(bytes: clientName) } else { row.append(source, &clientText) }
            client = max(client, row.count - prefix)
            row.pad(to: prefix + client + 1)
            let start = row.count
            if let serverName { row.append(bytes: serverName) } else { row.append(destination, &serverText) }
            server = max(server, row.count - start)
            row.pad(to: start + server + 1)
            row.set(UInt8(truncatingIfNeeded: client), at: 0)
            row.set(UInt8(truncatingIfNeeded: server), at: 1)
            let outcomeStart = row.count
            row.append(connection.outcome.displayName)
            row.append(ShortWord(0x20))
            row.append(connection.zeekState)
            // "half-closed RSTO" fills the column: the next one moves, so that they stay two words.
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

    /// A row in the parts that `merge` puts together, with all that may stand at its end.
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
        // That a process has let go of its socket by the end is nothing special here, and `server was` above two columns reads as one.
        out.append(processOf: kernel.originator, tellsPast: false)
        if out.count == start { out.append("-") }
        if hasServer {
            out.append(" > ")
            out.append(processOf: kernel.responder, tellsPast: false)
        }
    }

    /// Why nobody answered, if an ICMP error or the kernel says so.
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
