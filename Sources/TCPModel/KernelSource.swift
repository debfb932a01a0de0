// The kernel interfaces that facts come from.

/// The kernel interface that a fact comes from.
public enum KernelSource: Sendable {
    /// /proc/net/tcp and tcp6.
    case proc
    /// sock_diag(7).
    case sockDiag
    /// A tracepoint's event.
    case tracepoint

    /// For programs.
    public var name: StaticString {
        switch self {
        case .proc: "proc"
        case .sockDiag: "sock_diag"
        case .tracepoint: "tracepoint"
        }
    }
}
