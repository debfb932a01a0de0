// `tcptrace sockets`: the netstat view, once or again and again.

import Glibc
import KernelSockets
public import TCPModel
public import TimelineReport

/// What `tcptrace sockets` is asked for.
public struct SocketsRequest: Sendable {
    /// How the list is written.
    public enum Format: String, CaseIterable, Sendable {
        /// A table for people.
        case text
        /// RFC 4180.
        case csv
        /// One object a line.
        case json
    }

    /// Which sockets.
    public var filter: SocketFilter
    /// Only these states; empty = every state, of listeners only with `includesListeners`.
    public var states: Set<TCPState> = []
    /// Whether listeners are shown (netstat -a).
    public var includesListeners = false
    /// How the list is written.
    public var format = Format.text
    /// What the table says of a socket's holder.
    public var holderColumn = SocketTable.HolderColumn.pidAndProgram
    /// Whether the column titles are written.
    public var hasHeader = true
    /// The table's width in columns; nil: the terminal's, or no limit if there is none.
    public var width: Int?
    /// Whether the table tells where each process comes from.
    public var isVerbose = false
    /// Whether what the kernel measures of each socket is told, too.
    public var wantsDetails = false
    /// Look again after this many seconds, until interrupted; nil: look once.
    public var interval: Double?

    /// A request with the defaults.
    public init(filter: SocketFilter) { self.filter = filter }

    /// Whether a row is to be shown.
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

    /// Lists the sockets on standard output; returns the exit code: 0, or 1 after saying on standard error what failed.
    public static func run(_ request: SocketsRequest) -> Int32 {
        // Only changes how writes to a closed pipe end: with EPIPE instead of death.
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
        // Once, as what is not understood in one list is not in the next one either.
        guard !saidFaults, !survey.faults.isEmpty else { return }
        saidFaults = true
        for sentence in survey.faults.sentences { complain(sentence) }
    }

    /// Once: that some owners cannot be seen, and what would help.
    private mutating func sayWhatIsHidden(_ count: Int) {
        guard !saidWhatIsHidden, count > 0, request.holderColumn != .none else { return }
        saidWhatIsHidden = true
        let whose = count == 1 ? "1 socket (shown as ?) is" : "\(count) sockets (shown as ?) are"
        if geteuid() != 0 {
            complain("\(whose) held by processes of other users, which only root may see: sudo tcptrace sockets ...")
        } else {
            complain(
                "\(whose) held by no process that can be seen here: a protected one, another container's, or none at all"
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
                // The shell's prompt is to stand below the last list, not in it.
                if isScreen { buffer.newline() }
                try output.write(&buffer)
                return
            case .ready: return
            }
        }
    }

    /// When the latest look will be: local time with milliseconds.
    private func localTime() -> String {
        var text = OutputBuffer()
        text.append(date: wallClockNow())
        // Microseconds are more than a look takes.
        text.truncate(to: text.count - 3)
        return String(decoding: text.bytes, as: UTF8.self)
    }
}
