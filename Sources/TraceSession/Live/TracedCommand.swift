// `-- COMMAND ARGS`: runs it once it can be traced, and says how it ended. Its standard streams are ours, untouched.

import CLinux
import Glibc
import TCPModel

/// The command that is traced: a process that waits until `run`, and is gone without having run anything if that never comes.
struct TracedCommand: ~Copyable {
    /// How long its connections are waited for once it has ended, in nanoseconds.
    static let patience = 5 * Span.second
    /// How long late segments are waited for in any case.
    static let linger = 300 * Span.millisecond
    /// The most children that are waited for in one turn.
    private static let turn = 256

    let pid: Int32
    /// As it was called.
    private let name: String
    private let handle: ProcessHandle
    /// Where it waits; negative once it does not.
    private var gate: Int32
    /// When it was seen to have ended, and with what. `collectEnded` alone finds out, so that it says so whenever that happens.
    private var end: (time: Int64, status: Int32)?

    /// Makes its process: as the user that the trace becomes, if it becomes another, else as we are, with all our powers.
    init(_ words: [String], plan: borrowing PrivilegePlan) throws(TraceError) {
        guard let name = words.first else { throw .command("--: the command is missing", code: 127) }
        _ = tcptrace_adopt_orphans()
        // Copies of the words, freed below; the array ends with a null pointer, as execvp(3) wants it.
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { unsafe arguments.forEach { unsafe free($0) } }
        var groups = plan.user.map { [$0.group] } ?? []
        if let user = plan.user, user.isKnown { groups = Self.groups(of: user) }
        var gate: Int32 = -1
        let started = unsafe tcptrace_prepare_command(
            &arguments, plan.user == nil ? 0 : 1, plan.user?.user ?? 0, plan.user?.group ?? 0, groups, groups.count,
            &gate)
        guard started > 0 else { throw .system(what: "\(printable(name)) cannot be started", code: errno) }
        guard let handle = ProcessHandle(pid: started) else {
            tcptrace_abandon_command(started, gate)
            throw .system(what: "\(printable(name)) cannot be watched: pidfd_open", code: errno)
        }
        pid = started
        self.name = name
        self.handle = handle
        self.gate = gate
    }

    deinit {
        if gate >= 0 { tcptrace_abandon_command(pid, gate) }
    }

    /// Lets it run; everything that the trace needs is there.
    mutating func run() throws(TraceError) {
        let ran = tcptrace_run_command(pid, gate)
        gate = -1
        guard ran == 0 else {
            throw .command(
                "\(printable(name)): \(errno == ENOENT ? "there is no such command" : describeErrno(errno))",
                code: errno == ENOENT ? 127 : 126)
        }
    }

    /// All groups of a user; his own alone if they cannot be told.
    private static func groups(of user: PrivilegePlan.User) -> [gid_t] {
        var room: Int32 = 256
        while room <= 65_536 {
            var count = room
            var groups = [gid_t](repeating: 0, count: Int(room))
            // At most `count` groups are written, which the array has room for.
            if unsafe getgrouplist(user.name, user.group, &groups, &count) >= 0 {
                return Array(groups.prefix(Int(max(0, count))))
            }
            // How many there are: NGROUPS_MAX (65,536) at most.
            guard count > room else { break }
            room = count
        }
        return [user.group]
    }

    /// Readable when it has ended.
    var fileDescriptor: Int32 { handle.fileDescriptor }

    /// Whether the trace is over: it has ended, and so have its connections (or nobody waits for them any longer).
    mutating func isOver(hasOpenConnections: @autoclosure () -> Bool) -> Bool {
        guard let end else { return false }
        let since = monotonicNow() - end.time
        return since > Self.patience || since > Self.linger && !hasOpenConnections()
    }

    /// Its exit code as a shell would tell it: 128 and the signal if one ended it; nil while it runs.
    mutating func exitCode() -> Int32? {
        // A turn may be full of others who ended with it.
        while end == nil, !collectEnded().orphans.isEmpty {}
        guard let status = end?.status else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }

    // MARK: The end

    /// Waits for whoever of our children has ended, so that nobody stays a zombie for as long as the trace runs: we have no other
    /// children than the command and what its descendants leave behind, and only the command's status is wanted.
    /// - Returns: whether the command has just ended, and the others who have.
    mutating func collectEnded() -> (isCommand: Bool, orphans: [Int32]) {
        let wasRunning = end == nil
        var orphans: [Int32] = []
        while orphans.count < Self.turn {
            var status: Int32 = 0
            // waitpid(2) fills the number that is passed, nothing else.
            let child = unsafe waitpid(-1, &status, WNOHANG)
            guard child > 0 else { break }
            if child == pid {
                end = (monotonicNow(), status)
            } else {
                orphans.append(child)
            }
        }
        return (wasRunning && end != nil, orphans)
    }
}
