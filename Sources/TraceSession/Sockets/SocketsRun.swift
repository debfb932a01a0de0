// `tcptrace sockets`: the netstat view, once or repeatedly.

import Glibc
import KernelSockets
public import TCPModel
public import TimelineReport

/// The arguments of `tcptrace sockets`.
public struct SocketsRequest: Sendable {
    /// Output formats of the list.
    public enum Format: String, CaseIterable, Sendable {
        /// A table for the terminal.
        case text
        /// CSV (RFC 4180).
        case csv
        /// JSON, one object per line.
        case json
    }

    /// Selects the sockets to show.
    public var filter: SocketFilter
    /// Show only these states; empty for every state, with listeners only if `includesListeners`.
    public var states: Set<TCPState> = []
    /// Whether listeners are shown (netstat -a).
    public var includesListeners = false
    /// The output format.
    public var format = Format.text
    /// What the table shows of a socket's holder.
    public var holderColumn = SocketTable.HolderColumn.pidAndProgram
    /// Whether to write the column titles.
    public var hasHeader = true
    /// The table's width in columns; nil for the terminal's, or for no limit without a terminal.
    public var width: Int?
    /// Whether the table shows where each process comes from.
    public var isVerbose = false
    /// Whether to show the kernel's measurements of each socket, too.
    public var wantsDetails = false
    /// Seconds between two lists, until interrupted; nil for a single list.
    public var interval: Double?

    /// A request with the defaults.
    public init(filter: SocketFilter) { self.filter = filter }

    /// Whether to show a row.
    func shows(_ row: SocketRow) -> Bool {
        let state = row.socket.state
        let stateFits = states.isEmpty ? includesListeners || state != .listen : states.contains(state)
        return stateFits && filter.accepts(row.socket, processes: row.processes)
    }
}

/// Runs `tcptrace sockets`.
public struct SocketsRun {
    private let request: SocketsRequest
    private let output = ResultOutput(descriptor: STDOUT_FILENO)
    private var survey: SocketSurvey
    private var buffer = OutputBuffer()
    private var saidWhatIsHidden = false
    private var saidFaults = false
    private var looks = 0

    private init(_ request: SocketsRequest) {
        self.request = request
        survey = SocketSurvey(wantsDetails: request.wantsDetails)
    }

    /// Lists the sockets on standard output. Returns the exit code: 0, or 1 after reporting a failure on standard
    /// error.
    public static func run(_ request: SocketsRequest) -> Int32 {
        // Makes a write to a closed pipe fail with EPIPE instead of ending this program; nothing else changes.
        _ = signal(SIGPIPE, SIG_IGN)
        var run = SocketsRun(request)
        do {
            if let interval = request.interval {
                try run.watch(every: interval)
            } else {
                try run.look()
                try run.output.write(&run.buffer)
                if let remark = request.remark(on: run.survey.rows) { complain(remark) }
            }
            return 0
        } catch let error as KernelViewError {
            complain("\(error)")
        } catch let error as ResultOutputError {
            return error.complainAndExitCode()
        } catch {
            complain("\(error)")
        }
        return 1
    }

    private mutating func look(isScreen: Bool = false) throws(KernelViewError) {
        try survey.look()
        let rows = survey.rows.filter(request.shows)
        let time = survey.snapshot.readBegan
        switch request.format {
        case .text:
            let screen = terminalSize()
            let table = SocketTable(
                holderColumn: request.holderColumn, hasHeader: request.hasHeader,
                width: request.width ?? screen?.columns, isVerbose: request.isVerbose)
            if isScreen, let screen {
                var lines = max(1, screen.rows - (request.hasHeader ? 3 : 2))
                let shown = rows.prefix { row in
                    lines -= table.lineCount(row)
                    return lines >= 0
                }
                table.append(Array(shown), to: &buffer)
                if rows.count > shown.count { buffer.append(text: "... \(rows.count - shown.count) more") }
            } else {
                table.append(rows, to: &buffer)
            }
        case .csv:
            let csv = SocketCSV(hasDetails: request.wantsDetails)
            if request.hasHeader && looks == 0 { csv.appendHeader(to: &buffer) }
            csv.append(rows, at: time, to: &buffer)
        case .json: SocketJSON().append(rows, at: time, to: &buffer)
        }
        looks += 1
        sayWhatIsHidden(rows.count { $0.holder == .unknown })
        // Once, as what is not understood in one list is not understood in the next either.
        guard !saidFaults, !survey.faults.isEmpty else { return }
        saidFaults = true
        for sentence in survey.faults.sentences { complain(sentence) }
    }

    /// Reports, once, that some owners are not visible, and what would help.
    private mutating func sayWhatIsHidden(_ count: Int) {
        guard !saidWhatIsHidden, count > 0, request.holderColumn != .none else { return }
        saidWhatIsHidden = true
        let whose = count == 1 ? "1 socket (shown as ?) is" : "\(count) sockets (shown as ?) are"
        if geteuid() != 0 {
            complain("\(whose) held by processes of other users, which only root may see: sudo tcptrace sockets ...")
        } else {
            complain(
                "\(whose) held by no process that is visible here: by a protected one, another container's, or none at all"
            )
        }
    }

    // MARK: Watching

    private mutating func watch(every seconds: Double) throws {
        let isScreen = request.format == .text && isatty(STDOUT_FILENO) == 1
        guard let interruptions = SignalWait([SIGINT, SIGTERM]) else {
            throw ResultOutputError.failed(code: errno)
        }
        let pause = Int32(min(seconds * 1000, Double(Int32.max)))
        while true {
            if isScreen {
                buffer.append("\u{1b}[H\u{1b}[2J")
                let text = Int(exactly: seconds).map(String.init) ?? "\(seconds)"
                buffer.append(text: "every \(text) s, Ctrl-C ends   \(localTime())\n")
            } else if request.format == .text {
                buffer.append(text: "--- \(localTime()) ---\n")
            }
            try look(isScreen: isScreen)
            try output.write(&buffer)
            switch interruptions.wait(milliseconds: pause, orClosed: STDOUT_FILENO) {
            case .timeout: continue
            case .signal:
                // Puts the shell's prompt below the last list, not into it.
                if isScreen { buffer.newline() }
                try output.write(&buffer)
                return
            case .ready: return
            }
        }
    }

    /// The time of the next reading: local time with milliseconds.
    private func localTime() -> String {
        var text = OutputBuffer()
        text.append(date: wallClockNow())
        // A reading takes longer than a microsecond, so three digits suffice.
        text.truncate(to: text.count - 3)
        return String(decoding: text.bytes, as: UTF8.self)
    }
}
