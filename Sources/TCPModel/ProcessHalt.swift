// Why a process does not run: neither busy nor asleep, but held by somebody.

/// Why a process does not run, whatever comes for it (proc_pid_stat(5), field 3).
public enum ProcessHalt: UInt8, Sendable, BitwiseCopyable {
    /// `T`: by a signal, SIGSTOP or SIGTSTP (Ctrl-Z).
    case stopped = 1
    /// `t`: by a debugger.
    case traced = 2
}
