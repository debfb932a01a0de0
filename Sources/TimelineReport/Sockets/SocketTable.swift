// The socket list as a human-readable table with netstat's columns.

import TCPModel

/// Writes socket rows as a table whose columns are as wide as their contents.
public struct SocketTable: Sendable {
    /// What the table shows about a socket's holder.
    public enum HolderColumn: Sendable {
        /// Nothing.
        case none
        /// The pid (netstat -o).
        case pid
        /// Pid and program (netstat -p).
        case pidAndProgram
    }

    /// What the table shows about holders.
    public var holderColumn: HolderColumn
    /// Whether the table begins with its column titles.
    public var hasHeader: Bool
    /// The maximum line width in columns; program names are cut to fit, numbers never. Nil for no limit.
    public var width: Int?

    /// Whether each row is followed by the details of its processes.
    public var isVerbose = false

    private static let titles: [StaticString] = [
        "Proto", "Recv-Q", "Send-Q", "Local Address", "Remote Address", "State",
    ]

    /// A table with these settings.
    public init(
        holderColumn: HolderColumn = .pidAndProgram, hasHeader: Bool = true, width: Int? = nil, isVerbose: Bool = false
    ) {
        self.isVerbose = isVerbose
        self.holderColumn = holderColumn
        self.hasHeader = hasHeader
        self.width = width
    }

    /// The number of lines that a row takes.
    public func lineCount(_ row: SocketRow) -> Int {
        1 + (isVerbose ? row.processes.count : 0) + SocketInfoText(width: width).lines(row).count
    }

    /// Appends the rows in the given order: one line per row, plus further lines for processes (if verbose) and for
    /// measurements.
    public func append(_ rows: [SocketRow], to output: inout OutputBuffer) {
        let cells = rows.map(Self.cells)
        var widths = Self.titles.map { hasHeader ? $0.utf8CodeUnitCount : 0 }
        for row in cells {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.utf8.count) }
        }
        if hasHeader {
            line(Self.titles.map { "\($0)" }, widths, to: &output) { output in
                switch holderColumn {
                case .none: break
                case .pid: output.append("PID")
                case .pidAndProgram: output.append("PID/Program")
                }
            }
        }
        for (row, cells) in zip(rows, cells) {
            line(cells, widths, to: &output) { appendHolder(row, room: room(widths), to: &$0) }
            if isVerbose { appendProcesses(row, to: &output) }
            for line in SocketInfoText(width: width).lines(row) { output.append(text: line + "\n") }
        }
    }

    /// Appends a line for each process that holds the socket, saying where it comes from. Not cut, because it was asked
    /// for.
    private func appendProcesses(_ row: SocketRow, to output: inout OutputBuffer) {
        for (index, process) in row.processes.enumerated() {
            output.append("      ")
            output.append(process, descriptor: row.descriptor(index))
            output.newline()
        }
    }

    /// The cells are our own text (numbers, addresses and states), so they are ASCII.
    private static func cells(_ row: SocketRow) -> [String] {
        let socket = row.socket
        let remote = row.hasPeer ? "\(socket.remote)" : "\(socket.remote)".dropLast() + "*"
        return [
            "\(row.protocolName)", "\(socket.receiveQueue)", "\(socket.transmitQueue)", "\(socket.local)", remote,
            "\(socket.state.displayName)",
        ]
    }

    private func line(
        _ cells: [String], _ widths: [Int], to output: inout OutputBuffer, _ last: (inout OutputBuffer) -> Void
    ) {
        let start = output.count
        var column = 0
        for (index, cell) in cells.enumerated() {
            let isNumber = index == 1 || index == 2
            if isNumber { output.pad(to: column + widths[index] - cell.utf8.count, from: start) }
            output.append(text: cell)
            column += widths[index] + 1
            if index < cells.count - 1 || holderColumn != .none { output.pad(to: column, from: start) }
        }
        last(&output)
        while output.bytes.last == 0x20 { output.truncate(to: output.count - 1) }
        output.newline()
    }

    /// The number of columns left for the holder.
    private func room(_ widths: [Int]) -> Int {
        guard let width else { return .max }
        return width - widths.reduce(0) { $0 + $1 + 1 }
    }

    private func appendHolder(_ row: SocketRow, room: Int, to output: inout OutputBuffer) {
        let start = output.count
        switch (row.holder, holderColumn) {
        case (_, .none): break
        case (.processes(let processes), .pid):
            output.append(number: processes.first?.pid ?? 0)
            appendOthers(processes.count - 1, to: &output)
        case (.processes(let processes), .pidAndProgram):
            guard let process = processes.first else { break }
            output.append(number: process.pid)
            output.append("/")
            let nameStart = output.count
            output.appendPrintable(process.command)
            let others = processes.count > 1 ? 2 + String(processes.count - 1).utf8.count : 0
            cutName(from: nameStart, room: max(1, room - (nameStart - start) - others), in: &output)
            appendOthers(processes.count - 1, to: &output)
        case (.unknown, _): output.append("?")
        case (.notAccepted, _): output.append("(not accepted)")
        case (.noProcess, _), (.none, _): output.append("(no process)")
        }
    }

    /// Appends ` +2` if two more processes hold the same socket.
    private func appendOthers(_ count: Int, to output: inout OutputBuffer) {
        guard count > 0 else { return }
        output.append(" +")
        output.append(number: count)
    }

    /// Cuts the text from `start` on to `room` columns, the last of which then shows `~`.
    private func cutName(from start: Int, room: Int, in output: inout OutputBuffer) {
        let name = output.bytes[start...]
        guard TextColumns.count(name) > room else { return }
        let end = room > 1 ? TextColumns.end(of: name, within: room - 1) : start
        output.truncate(to: end)
        output.append("~")
    }
}
