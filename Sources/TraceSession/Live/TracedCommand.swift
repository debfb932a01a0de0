// `-- COMMAND ARGS`: runs the command once it can be traced, and reports how it ended. It inherits our standard
// streams.

import CLinux
import Glibc
import KernelSockets
import PacketSource
import TCPModel

/// The traced command: a process that waits until `run`, and exits without running anything if that never comes.
struct TracedCommand: ~Copyable {
    /// How long the trace waits for the command's connections once it has ended, in nanoseconds.
    static let patience = 5 * Span.second
    /// How long the trace waits for late segments in any case, in nanoseconds.
    static let linger = 300 * Span.millisecond
    /// The most children to collect in one turn.
    private static let turn = 256

    let pid: Int32
    /// The command's name as typed.
    private let name: String
    private let handle: ProcessHandle
    /// The descriptor that releases the waiting process; negative once it was used.
    private var gate: Int32
    /// When it was seen to have ended, and its wait status. Only `collectEnded` sets it, so that the end is reported
    /// exactly once.
    private var end: (time: Int64, status: Int32)?

    /// Creates the process: as the user that the trace changes to, if any, otherwise as ourselves with all our
    /// privileges.
    init(_ words: [String], plan: borrowing PrivilegePlan) throws(TraceError) {
        guard let name = words.first else { throw .command("--: the command is missing", code: 127) }
        _ = tcptrace_adopt_orphans()
        // Copies of the words, freed below; the array ends with a null pointer, as execvp(3) requires.
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

    /// Lets the command run; everything that the trace needs is in place.
    mutating func run() throws(TraceError) {
        let ran = tcptrace_run_command(pid, gate)
        gate = -1
        guard ran == 0 else {
            throw .command(
                "\(printable(name)): \(errno == ENOENT ? "there is no such command" : describeErrno(errno))",
                code: errno == ENOENT ? 127 : 126)
        }
    }

    /// All groups of a user; only the primary one if the others cannot be determined.
    private static func groups(of user: PrivilegePlan.User) -> [gid_t] {
        var room: Int32 = 256
        while room <= 65_536 {
            var count = room
            var groups = [gid_t](repeating: 0, count: Int(room))
            // At most `count` groups are written, for which the array has room.
            if unsafe getgrouplist(user.name, user.group, &groups, &count) >= 0 {
                return Array(groups.prefix(Int(max(0, count))))
            }
            // The number needed: NGROUPS_MAX (65,536) at most.
            guard count > room else { break }
            room = count
        }
        return [user.group]
    }

    /// Readable when the command has ended.
    var fileDescriptor: Int32 { handle.fileDescriptor }

    /// Whether the trace is over: the command has ended, and its connections have ended or their time is up.
    mutating func isOver(hasOpenConnections: @autoclosure () -> Bool) -> Bool {
        guard let end else { return false }
        let since = monotonicNow() - end.time
        return since > Self.patience || since > Self.linger && !hasOpenConnections()
    }

    /// The command's exit code as a shell would report it, 128 plus the signal's number if one ended it; nil while it
    /// runs.
    mutating func exitCode() -> Int32? {
        // One turn may be filled by other processes that ended at the same time.
        while end == nil, !collectEnded().orphans.isEmpty {}
        guard let status = end?.status else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }

    // MARK: The end

    /// Reaps all our children that have ended, so that none stays a zombie for as long as the trace runs. Our only
    /// children are the command and the processes that its descendants leave behind, and only the command's status is
    /// needed.
    /// - Returns: whether the command has just ended, and the other processes that have.
    mutating func collectEnded() -> (isCommand: Bool, orphans: [Int32]) {
        let wasRunning = end == nil
        var orphans: [Int32] = []
        while orphans.count < Self.turn {
            var status: Int32 = 0
            // waitpid(2) writes only to the number passed to it.
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
