// `tcptrace kill`: names the holder of a port, asks, ends it, and shows the effect on its sockets.

import Glibc
import KernelSockets
import PacketSource
import TCPModel
import TimelineReport

/// The arguments of `tcptrace kill`.
public struct KillRequest: Sendable {
    /// Selects the sockets that a process must hold.
    public var filter: SocketFilter
    /// The sockets in the user's own words, for messages: `port 9500`.
    public var subject: String
    /// End only this one of several holders.
    public var pid: Int32?
    /// End all holders.
    public var all = false
    /// Do not ask for confirmation.
    public var assumeYes = false
    /// End single connections (SOCK_DESTROY) instead of processes.
    public var endsConnections = false
    /// Only say what would happen.
    public var isDryRun = false
    /// The signal to send.
    public var signal: Int32 = SIGTERM

    /// A request with the defaults.
    public init(filter: SocketFilter, subject: String) {
        self.filter = filter
        self.subject = subject
    }
}

/// Runs `tcptrace kill`.
public struct KillRun {
    /// Asks the user; nil if there is no one to ask (standard input is not a terminal).
    typealias Question = (String) -> Bool?

    private static let patience: Int32 = 3000  // Milliseconds for the process to end.
    private static let settling: UInt32 = 50_000  // Microseconds for the last segments on this host.

    private let request: KillRequest
    private let output: ResultOutput
    private let ask: Question
    private let explain: (String) -> Void
    private var survey = SocketSurvey()
    private var buffer = OutputBuffer()

    private init(
        _ request: KillRequest, _ output: ResultOutput, _ ask: @escaping Question,
        _ complain: @escaping (String) -> Void
    ) {
        self.request = request
        self.output = output
        self.ask = ask
        self.explain = complain
    }

    /// Ends the process that holds the requested sockets. Returns the exit code: 0 when it has ended, 1 after
    /// explaining on standard error why not.
    public static func run(_ request: KillRequest) -> Int32 {
        run(request, to: STDOUT_FILENO, ask: askOnTerminal, complain: { complain($0) })
    }

    static func run(
        _ request: KillRequest, to descriptor: Int32, ask: @escaping Question, complain: @escaping (String) -> Void
    ) -> Int32 {
        // Makes a write to a closed pipe fail with EPIPE instead of ending this program; nothing else changes.
        _ = signal(SIGPIPE, SIG_IGN)
        let output = ResultOutput(descriptor: descriptor)
        do {
            if request.endsConnections {
                var run = DestroyRun(request, output, ask, complain)
                return try run.perform()
            }
            var run = KillRun(request, output, ask, complain)
            return try run.perform()
        } catch let error as KillRefusal {
            complain("\(request.subject): \(error)")
        } catch ResultOutputError.closedPipe {
            return 0
        } catch ResultOutputError.failed(let code) {
            complain("standard output: \(describeErrno(code))")
        } catch {
            complain("\(error)")
        }
        return 1
    }

    private mutating func perform() throws -> Int32 {
        try survey.look()
        let matching = survey.rows.filter { request.filter.accepts($0.socket, processes: $0.processes) }
        if matching.isEmpty {
            throw KillRefusal(
                description: "nothing holds it: there is no such socket" + OtherNamespaces.remark(on: request.filter))
        }
        let choice = KillChoice(pid: request.pid, all: request.all, protected: protectedProcesses())
        let targets = try KillPlan.targets(matching, choice)
        let before = affectedRows(targets)

        for target in targets {
            buffer.append(text: "\(KillPlan.name(target)), user \(printable(userName(target.uid))), holds:\n")
            let held = before.filter { $0.processes.contains { $0.pid == target.pid } }
            SocketTable(holderColumn: .none, width: nil).append(held, to: &buffer)
        }
        if request.isDryRun {
            let what = targets.count == 1 ? "this process" : "these \(targets.count) processes"
            buffer.append(text: "dry run: \(what) would get \(SignalName.text(of: request.signal))\n")
            for target in targets where waitsToGoOn(target) { append(stopped: target) }
        }
        try output.write(&buffer)
        if request.isDryRun { return 0 }

        var refusals: [KillRefusal] = []
        var stillRunning = false
        for target in targets {
            do {
                if !(try end(target, matching)) { stillRunning = true }
            } catch let refusal as KillRefusal {
                refusals.append(refusal)
            }
        }
        // Nothing was signalled, so there is nothing to compare.
        if refusals.count == targets.count, var last = refusals.popLast() {
            for refusal in refusals { explain("\(request.subject): \(refusal)") }
            last.description += "; nothing was ended"
            throw last
        }

        usleep(Self.settling)
        try survey.look()
        let after = survey.rows
        buffer.newline()
        SocketChangeTable().append(before.map { SocketChange(before: $0, among: after) }, to: &buffer)
        try output.write(&buffer)
        for refusal in refusals { explain("\(request.subject): \(refusal)") }
        return stillRunning || !refusals.isEmpty ? 1 : 0
    }

    /// Asks about one process, verifies that it is still the same, signals it and waits; returns whether it has ended.
    private mutating func end(_ target: ProcessIdentity, _ matching: [SocketRow]) throws -> Bool {
        let held = matching.compactMap { row in
            survey.owners[row.socket.inode]?.first { $0.process == target }.map { (row.socket.inode, $0) }
        }
        // From here on the handle stands for this very process: its pid may be reused, the handle cannot.
        guard let handle = ProcessHandle(pid: target.pid), let owner = held.first?.1, survey.finder.isPresent(owner)
        else { throw KillRefusal(description: "\(KillPlan.name(target)) is already gone") }

        let verb = request.signal == SIGCONT ? "Continue" : Self.stops.contains(request.signal) ? "Stop" : "End"
        let name = KillPlan.name(target)
        try request.confirm("\(verb) \(name)?", by: ask, else: "\(name) was left alone")
        // The user may have taken a long time to answer: verifies that it still holds the socket.
        guard held.contains(where: { survey.finder.holds($0.1, inode: $0.0) }) else {
            throw KillRefusal(description: "\(KillPlan.name(target)) no longer holds it and was left alone")
        }
        let signal = SignalName.text(of: request.signal)
        let code = handle.send(signal: request.signal)
        if code != 0 {
            let remedy = code == EPERM ? "; try with sudo" : ""
            throw KillRefusal(
                description: "\(signal) to \(KillPlan.name(target)): \(describeErrno(code))\(remedy)")
        }
        let stops = Self.stops.contains(request.signal)
        if stops || request.signal == SIGCONT, hasCome(target, handle, isStopped: stops) {
            buffer.append(
                text: "\(KillPlan.name(target)) "
                    + (stops ? "is stopped by \(signal): kill -CONT \(target.pid) lets it continue\n" : "continues\n"))
            try output.write(&buffer)
            return true
        }
        let hasEnded = handle.waitForEnd(milliseconds: stops ? 0 : Self.patience)
        if hasEnded {
            buffer.append(text: "\(KillPlan.name(target)) ended after \(signal)\n")
        } else if waitsToGoOn(target) {
            append(stopped: target)
        } else {
            buffer.append(
                text: "\(KillPlan.name(target)) is still running \(Self.patience / 1000) s after \(signal)"
                    + (request.signal == SIGKILL ? "\n" : "; --signal KILL cannot be ignored\n"))
        }
        try output.write(&buffer)
        return hasEnded
    }

    /// Signals that stop a process.
    private static let stops: Set<Int32> = [SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU]

    private func isStopped(_ target: ProcessIdentity) -> Bool {
        survey.finder.troubled(among: [target.pid])[target.pid] == .stopped
    }

    /// Waits until a process is stopped, or continues, for at most the time given to ending; false also if it has
    /// ended.
    private func hasCome(_ target: ProcessIdentity, _ handle: borrowing ProcessHandle, isStopped: Bool) -> Bool {
        let step: Int32 = 20  // Milliseconds.
        for _ in 0..<Self.patience / step {
            if handle.waitForEnd(milliseconds: step) { return false }
            if self.isStopped(target) == isStopped { return true }
        }
        return false
    }

    /// Whether the signal stays pending until the process continues.
    private func waitsToGoOn(_ target: ProcessIdentity) -> Bool {
        request.signal != SIGKILL && request.signal != SIGCONT && !Self.stops.contains(request.signal)
            && isStopped(target)
    }

    private mutating func append(stopped target: ProcessIdentity) {
        buffer.append(
            text:
                "\(KillPlan.name(target)) is stopped (Ctrl-Z, SIGSTOP) and gets \(SignalName.text(of: request.signal)) only "
                + "when it continues: kill -CONT \(target.pid) does that; --signal KILL does not wait\n")
    }

    /// The sockets affected when the targets end: their own, those waiting in their listeners' queues, and the other
    /// ends on this host.
    private func affectedRows(_ targets: [ProcessIdentity]) -> [SocketRow] {
        let pids = Set(targets.map(\.pid))
        let held = survey.rows.filter { $0.processes.contains { pids.contains($0.pid) } }
        let listening = Set(held.filter { $0.socket.state == .listen }.map(\.socket.inode))
        var ends = Set(held.map { FourTuple(source: $0.socket.local, destination: $0.socket.remote) })
        for row in survey.rows where row.holder == .notAccepted {
            if let listener = survey.snapshot.listener(for: row.socket.local), listening.contains(listener.inode) {
                ends.insert(FourTuple(source: row.socket.local, destination: row.socket.remote))
            }
        }
        return survey.rows.filter { row in
            let tuple = FourTuple(source: row.socket.local, destination: row.socket.remote)
            return row.processes.contains { pids.contains($0.pid) }
                || row.socket.state != .listen && (ends.contains(tuple) || ends.contains(tuple.reversed))
        }
    }

    private func protectedProcesses() -> [Int32: String] {
        var protected: [Int32: String] = [:]
        for pid in survey.finder.lineage(of: getpid()) { protected[pid] = "this command was started from it" }
        protected[getpid()] = "it is this very command"
        protected[1] = "it is the first process of the system"
        return protected
    }
}

extension KillRequest {
    /// Asks, unless `--yes` has answered already. Any other answer than yes throws a refusal, whose words begin with
    /// `outcome`.
    func confirm(_ question: String, by ask: KillRun.Question, else outcome: String) throws(KillRefusal) {
        if assumeYes { return }
        switch ask("\(question) [y/N] ") {
        case true?: return
        case false?: throw KillRefusal(description: outcome)
        case nil:
            throw KillRefusal(
                description: "\(outcome): standard input is not a terminal to ask on; --yes skips the question")
        }
    }
}

/// Asks on the terminal; nil if standard input is not one. Anything but a yes counts as a no.
private func askOnTerminal(_ question: String) -> Bool? {
    guard isatty(STDIN_FILENO) == 1 else { return nil }
    var buffer = OutputBuffer()
    buffer.append(text: question)
    try? ResultOutput(descriptor: STDERR_FILENO).write(&buffer)
    let answer = (readLine() ?? "").lowercased()
    return answer == "y" || answer == "yes"
}

/// The name of a user, or the number if there is no name.
private func userName(_ uid: UInt32) -> String {
    // getpwuid returns null or a record that is valid until the next call; the name is copied at once.
    guard let record = unsafe getpwuid(uid), let name = unsafe record.pointee.pw_name else { return "\(uid)" }
    return unsafe String(cString: name)
}
