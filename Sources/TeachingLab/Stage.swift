// The stage of one scenario: a live tracer, the lab programs that it watches, and the page that tells the story.

import Glibc
import KernelSockets
import TCPModel
import TimelineReport
import TraceSession

/// Runs a scenario's programs and the tracer in turns: while it waits for one, it works for the other.
struct Stage: ~Copyable {
    /// How long anything on this host may take before it counts as failed, in milliseconds.
    static let patience = 5000
    /// Time for the tracer to see what happens by itself, in milliseconds: delayed ACKs, readings of the kernel's
    /// tables.
    static let settling = 250

    let port: UInt16
    let record = LabRecord()
    private let scenario: LabScenario
    private let programs: LabPrograms
    private let interruption: Interruption
    private var tracer: LiveTracer<LabReport>
    private var survey = SocketSurvey()
    private var page: LabPage
    private var running: [LabProgram] = []
    /// Connections that existed before this scenario.
    private var earlier: Set<FourTuple> = []
    private var hasSaidWhatIsHidden = false
    private var isTraceFinished = false

    init(
        _ scenario: LabScenario, _ options: LabOptions, _ programs: LabPrograms, _ interruption: Interruption
    ) throws(TourError) {
        self.scenario = scenario
        self.programs = programs
        self.interruption = interruption
        port = options.port
        page = LabPage(options.style)
        tracer = try Self.tracer(scenario, options, record)
    }

    private static func tracer(
        _ scenario: LabScenario, _ options: LabOptions, _ record: LabRecord
    ) throws(TourError) -> LiveTracer<LabReport> {
        var trace = TraceOptions()
        trace.interfaces = ["lo"]
        // Another server may have this port at another address; the tour leaves that out.
        trace.filter = "host 127.0.0.1 and tcp port \(options.port)"
        if let directory = options.saveDirectory {
            trace.output = "\(directory)/\(scenario.rawValue).pcapng"
            // The lab's messages are short, so this keeps every frame whole.
            trace.snapshotLength = 2048
        }
        do throws(TraceError) {
            return try LiveTracer(trace, report: LabReport(style: options.style, record: record))
        } catch {
            throw .trace(error)
        }
    }

    /// Plays the scenario from its heading to its last sentence, then ends its programs.
    mutating func play() throws(TourError) {
        try look()
        for row in rowsOfPort() where row.socket.state != .listen { earlier.insert(Self.tuple(row)) }
        page.heading(scenario.rawValue, scenario.summary)
        try page.write()
        try scenario.play(&self)
        for program in running { program.end() }
        running.removeAll()
    }

    // MARK: Programs

    /// Starts the server, and waits until it is listening.
    mutating func startServer(_ arguments: [String] = []) throws(TourError) -> LabProgram {
        let server = try start("lab-server", programs.server, ["--port", "\(port)"] + arguments)
        guard try wait(until: { server.hasSaid("listening on ") || server.hasEnded }), !server.hasEnded else {
            throw .failed("lab-server is not listening: " + Self.reason(server))
        }
        return server
    }

    /// Starts a server that may fail to listen, waits for either outcome, and shows the command and its output.
    mutating func tryServer(_ arguments: [String], _ title: String) throws(TourError) -> LabProgram {
        page.title("\(title): \((["lab-server", "--port", "\(port)"] + arguments).joined(separator: " "))")
        let server = try start("lab-server", programs.server, ["--port", "\(port)"] + arguments)
        _ = try wait(until: { server.hasSaid("listening on ") || server.hasEnded })
        for line in server.lines + server.complaint.split(separator: "\n").map(String.init) {
            page.paragraph(printable(line), first: "  ", next: "    ")
        }
        try page.write()
        return server
    }

    /// Starts a client, and waits until it is connected; its port is nil if it ended before that.
    mutating func startClient(_ arguments: [String] = []) throws(TourError) -> (program: LabProgram, port: UInt16?) {
        let client = try start("lab-client", programs.client, ["--port", "\(port)"] + arguments)
        return (client, try connectedPort(of: client))
    }

    /// Waits until a client is connected; returns its port, or nil if it ended before that.
    mutating func connectedPort(of client: LabProgram) throws(TourError) -> UInt16? {
        _ = try wait(until: { client.hasSaid("connected ") || client.hasEnded })
        // `connected 127.0.0.1:45678 > 127.0.0.1:9500 (pid 7511)`
        let own = client.lines.first { $0.hasPrefix("connected ") }?.split(separator: " ").dropFirst().first
        guard let ownPort = own?.split(separator: ":").last.flatMap({ UInt16($0) }) else { return nil }
        noteNew(ownPort)
        return ownPort
    }

    /// Starts a client, and waits until its SYN has been sent; returns its port, too.
    mutating func startUnansweredClient() throws(TourError) -> (program: LabProgram, port: UInt16) {
        let client = try start("lab-client", programs.client, ["--port", "\(port)"])
        try waitForSockets { $0.connecting(client) != nil }
        guard let row = rowsOfPort().connecting(client) else {
            throw .failed("lab-client is not seen in SYN_SENT: " + Self.reason(client))
        }
        noteNew(row.socket.local.port)
        return (client, row.socket.local.port)
    }

    /// On loopback, Linux reuses a port once its TIME_WAIT is a second old: such a connection is not the earlier one.
    private mutating func noteNew(_ port: UInt16) {
        earlier = earlier.filter { $0.source.port != port && $0.destination.port != port }
    }

    /// Starts a client that is expected to connect.
    mutating func startConnectedClient(_ arguments: [String] = []) throws(TourError) -> (
        program: LabProgram, port: UInt16
    ) {
        let client = try startClient(arguments)
        guard let port = client.port else {
            throw .failed("lab-client does not connect: " + Self.reason(client.program))
        }
        return (client.program, port)
    }

    private mutating func start(_ name: String, _ path: String, _ arguments: [String]) throws(TourError) -> LabProgram {
        let program = try LabProgram(name: name, path: path, arguments)
        running.append(program)
        return program
    }

    private static func reason(_ program: LabProgram) -> String {
        let complaint = printable(program.complaint.split(separator: "\n").first.map(String.init) ?? "")
        if !complaint.isEmpty { return complaint }
        if program.exitCode == 127 { return "it cannot be executed; `swift build` rebuilds it" }
        return program.hasEnded ? "it ended without a message" : "it prints nothing; is this machine very busy?"
    }

    // MARK: Time

    /// Waits until `condition` holds, at most `Stage.patience`; returns whether it does.
    mutating func wait(until condition: () -> Bool) throws(TourError) -> Bool {
        try wait(milliseconds: Self.patience, until: condition)
    }

    /// Lets time pass.
    mutating func pause(milliseconds: Int = Stage.settling) throws(TourError) {
        _ = try wait(milliseconds: milliseconds, until: { false })
    }

    /// Waits until the port's sockets in the kernel's tables meet the condition, at most `Stage.patience`.
    mutating func waitForSockets(_ condition: ([SocketRow]) -> Bool) throws(TourError) {
        let deadline = ContinuousClock.now + .milliseconds(Self.patience)
        repeat {
            try look()
            if condition(rowsOfPort()) { return }
            try pause(milliseconds: 20)
        } while ContinuousClock.now < deadline
    }

    private mutating func wait(milliseconds: Int, until condition: () -> Bool) throws(TourError) -> Bool {
        let deadline = ContinuousClock.now + .milliseconds(milliseconds)
        repeat {
            try interruption.check()
            if isTraceFinished {
                usleep(5000)
            } else {
                do throws(TraceError) { try tracer.step(waitMilliseconds: 5) } catch { throw .trace(error) }
            }
            for program in running { program.collect() }
            if condition() { return true }
        } while ContinuousClock.now < deadline
        return false
    }

    // MARK: What is shown

    /// Shows the port's sockets under a title, and returns them. Connections from before this scenario are omitted.
    @discardableResult
    mutating func sockets(_ title: String) throws(TourError) -> [SocketRow] {
        try look()
        let all = rowsOfPort()
        let earlier = earlier
        let rows = all.filter { $0.socket.state == .listen || !earlier.contains(Self.tuple($0)) }
        page.title(title)
        page.table(rows, others: hasSaidWhatIsHidden ? nil : Self.hidden(all, earlier))
        hasSaidWhatIsHidden = true
        try page.write()
        return rows
    }

    /// The remark on the omitted sockets, by state; nil if there are none.
    private static func hidden(_ all: [SocketRow], _ earlier: Set<FourTuple>) -> String? {
        let hidden = all.filter { $0.socket.state != .listen && earlier.contains(tuple($0)) }
        if hidden.isEmpty { return nil }
        let states = Set(hidden.map(\.stateName)).sorted().joined(separator: " and ")
        return "(not shown in this scenario: \(counted(hidden.count, "socket")) of earlier connections, in \(states))"
    }

    /// Shows the tracer's output since the last call.
    mutating func timeline(_ title: String) throws(TourError) {
        page.title(title)
        tracer.withOutput { page.timeline(&$0) }
        try page.write()
    }

    /// Shows the observations of the scenario.
    mutating func notice(_ observations: Observations) throws(TourError) {
        page.notice(observations.sentences)
        try page.write()
    }

    /// Ends the trace, and shows the rest of the timeline.
    mutating func finishTimeline(_ title: String) throws(TourError) {
        isTraceFinished = true
        do throws(TraceError) { try tracer.finish() } catch { throw .trace(error) }
        try timeline(title)
        for warning in tracer.warnings { StandardStreams.complain(warning) }
    }

    /// Runs `tcptrace kill port N --yes` as the user would; returns whether it ended this process. No other process is
    /// ended, even if one has this port at another address.
    mutating func kill(
        _ holder: LabProgram, _ title: String, with signal: Int32 = SIGTERM
    ) throws(TourError) -> Bool {
        try look()
        let isOnly = survey.rows.allSatisfy { row in
            row.socket.state != .listen || row.socket.local.port != port || row.processes.map(\.pid) == [holder.pid]
        }
        let words = ["port", "\(port)"]
        let command =
            ["tcptrace", "kill"] + words + (isOnly ? [] : ["--pid", "\(holder.pid)"])
            + (signal == SIGTERM ? [] : ["--signal", "\(signal)"]) + ["--yes"]
        page.title("\(title): \(command.joined(separator: " "))")
        try page.write()
        let filter: SocketFilter
        do throws(SocketFilterError) {
            filter = try SocketFilter(words: words, portsAreLocal: true)
        } catch {
            throw .failed(error.description)
        }
        var request = KillRequest(filter: filter, subject: words.joined(separator: " "))
        request.pid = holder.pid
        request.signal = signal
        request.assumeYes = true
        return KillRun.run(request) == 0
    }

    // MARK: The kernel's tables

    private mutating func look() throws(TourError) {
        do throws(KernelViewError) { try survey.look() } catch { throw .failed(error.description) }
    }

    /// The tour's sockets: both of its programs are on 127.0.0.1.
    private func rowsOfPort() -> [SocketRow] {
        let port = port
        return survey.rows.filter {
            $0.socket.local.address == .loopbackV4 && ($0.socket.local.port == port || $0.socket.remote.port == port)
        }
    }

    private static func tuple(_ row: SocketRow) -> FourTuple {
        FourTuple(source: row.socket.local, destination: row.socket.remote)
    }
}
