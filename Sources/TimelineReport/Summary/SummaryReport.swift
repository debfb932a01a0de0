// `-q`: a table, one line a connection.

public import TCPModel
public import TCPTimeline

import TCPMachine

/// The table of connections. Columns keep their places; a longer address widens its column from that line on.
public struct SummaryReport: TraceReport {
    private let width: Int
    private let hasHeader: Bool
    private let selection: ConnectionSelection
    private var wroteHeader = false
    private var clientWidth = 15
    private var serverWidth = 14
    /// Columns of `>B` and `<B`.
    private var octetsWidth: Int { width >= 100 ? 8 : 6 }

    /// A table for `width` columns: from 100 with closer and process, from 80 without, below one plain line each.
    public init(width: Int, header: Bool = true, selection: ConnectionSelection = ConnectionSelection()) {
        self.width = width
        hasHeader = header
        self.selection = selection
    }

    /// Says that frames were lost.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {
        out.append("# ")
        out.append(number: count)
        out.append(" frames lost by the capture\n")
    }

    /// Reports a connection that is over.
    public mutating func finish(
        _ id: ConnectionID, _ timeline: borrowing Timeline, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let connection = timeline[id]
        guard selection.shows(connection, kernel) else { return }
        if width < 80 {
            writeLine(connection, kernel, &out)
        } else {
            writeHeader(&out)
            writeRow(connection, kernel, &out)
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
        out.pad(to: 4 + clientWidth + 1, from: start)
        out.append("SERVER")
        out.pad(to: 4 + clientWidth + 1 + serverWidth + 1, from: start)
        out.append("OUTCOME          SETUP DURATION ")
        right(octetsWidth, &out) { $0.append(">B") }
        out.append(" ")
        right(octetsWidth, &out) { $0.append("<B") }
        if width >= 100 { out.append(" CLOSER PROCESS") }
        out.newline()
    }

    private mutating func writeRow(_ connection: Connection, _ kernel: KernelView?, _ out: inout OutputBuffer) {
        let start = out.count
        right(3, &out) { $0.append(number: connection.number) }
        out.append(" ")
        let clientStart = out.count
        out.append(address: connection.tuple.source)
        clientWidth = max(clientWidth, out.count - clientStart)
        out.pad(to: clientWidth + 1, from: clientStart)
        let serverStart = out.count
        out.append(address: connection.tuple.destination)
        serverWidth = max(serverWidth, out.count - serverStart)
        out.pad(to: serverWidth + 1, from: serverStart)
        let outcomeStart = out.count
        out.append(connection.outcome.displayName)
        out.append(" ")
        out.append(connection.zeekConnectionState)
        out.pad(to: 16, from: outcomeStart)
        right(6, &out) {
            if connection.openDelay >= 0 {
                $0.append(span: connection.openDelay, compact: true)
            } else {
                $0.append("-")
            }
        }
        out.append(" ")
        right(8, &out) { $0.append(span: connection.duration) }
        out.append(" ")
        right(octetsWidth, &out) { $0.append(number: connection.counters[0].uniqueBytes) }
        out.append(" ")
        right(octetsWidth, &out) { $0.append(number: connection.counters[1].uniqueBytes) }
        if width >= 100 {
            out.append(" ")
            let closer: StaticString =
                switch connection.closer {
                case .originator: "client"
                case .responder: "server"
                case nil: "-     "
                }
            out.append(closer)
            if let kernel { writeProcesses(kernel, start, &out) }
            writeReason(connection, &out)
        }
        out.newline()
    }

    private func writeProcesses(_ kernel: KernelView, _ start: Int, _ out: inout OutputBuffer) {
        let client = processText(kernel.originator)
        let server = processText(kernel.responder)
        if client.isEmpty && server.isEmpty { return }
        out.append(" ")
        out.append(text: client.isEmpty ? "-" : client)
        if !server.isEmpty {
            out.append(" > ")
            out.append(text: server)
        }
    }

    /// Why nobody answered, if an ICMP error says so.
    private func writeReason(_ connection: Connection, _ out: inout OutputBuffer) {
        guard connection.facts.contains(.unreachable) else { return }
        out.append(" ICMP ")
        out.append(connection.icmpKind.displayName)
    }

    private func writeLine(_ connection: Connection, _ kernel: KernelView?, _ out: inout OutputBuffer) {
        out.append(clock: connection.firstTime)
        out.append(" ")
        out.append(connection.outcome.displayName)
        out.append(" ")
        out.append(connection.zeekConnectionState)
        out.append(" ")
        out.append(address: connection.tuple.source)
        out.append(" > ")
        out.append(address: connection.tuple.destination)
        if connection.openDelay >= 0 {
            out.append(" setup ")
            out.append(span: connection.openDelay)
        }
        out.append(" dur ")
        out.append(span: connection.duration)
        out.append(" ")
        out.append(number: connection.counters[0].uniqueBytes)
        out.append("/")
        out.append(number: connection.counters[1].uniqueBytes)
        out.append(" B")
        if let closer = connection.closer { out.append(closer == .originator ? " by client" : " by server") }
        writeReason(connection, &out)
        if let kernel {
            let client = processText(kernel.originator)
            if !client.isEmpty {
                out.append(" ")
                out.append(text: client)
            }
        }
        out.newline()
    }

    private func right(_ columns: Int, _ out: inout OutputBuffer, _ body: (inout OutputBuffer) -> Void) {
        let start = out.count
        body(&out)
        out.indent(from: start, to: columns)
    }
}

extension OutputBuffer {
    /// Appends `127.0.0.1:9500` or `[::1]:9500`, without making a String for IPv4.
    mutating func append(address end: SocketAddress) {
        guard end.address.isV4 else { return append(text: end.description) }
        for index in 12..<16 {
            append(number: end.address.byte(index))
            append(byte: index < 15 ? 0x2e : 0x3a)
        }
        append(number: end.port)
    }

    /// Puts spaces before the text from `start` on, so that it takes `columns` columns.
    mutating func indent(from start: Int, to columns: Int) {
        let missing = columns - (count - start)
        guard missing > 0 else { return }
        append(repeating: 0x20, count: missing)
        rotate(from: start, by: missing)
    }
}
