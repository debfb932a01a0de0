// Why a process does not serve its connections, although its program may be correct.

/// What keeps a process from serving its connections.
public enum ProcessTrouble: UInt8, Sendable, BitwiseCopyable {
    /// It is stopped by a signal, SIGSTOP or SIGTSTP (Ctrl-Z): `T` in proc_pid_stat(5), field 3.
    case stopped = 1
    /// It is stopped by a debugger: `t`.
    case traced = 2
    /// It has reached its limit of open descriptors: accept() fails with EMFILE.
    case noDescriptors = 3
}
