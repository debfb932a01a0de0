// What readings of the kernel did not tell: nothing that is left out of a picture is left out silently.

/// What could not be read of the kernel or was not understood, in all readings of a trace. Without a fault everything is 0.
public struct ReadingFaults: Hashable, Sendable {
    /// Rows of /proc/net/tcp, and messages of sock_diag, that were cut or are no sockets.
    public var malformedRows = 0
    /// Sockets whose state's number is not known here: a newer kernel's.
    public var unknownStates = 0
    /// Lists of sockets that changed while they were read, each time: they may lack some.
    public var incompleteLists = 0
    /// How often sock_diag refused, or gave no answer; /proc/net/tcp was read instead.
    public var sockDiagFailures = 0
    /// Readings that neither of the two gave.
    public var failedReadings = 0
    /// Processes whose descriptors could not be listed when a socket's owner was not found among the others: the most at a time.
    public var hiddenProcesses = 0
    /// Events of tracepoints that were lost: a ring was full.
    public var lostEvents: UInt64 = 0
    /// Events of tracepoints that were cut or are none.
    public var malformedEvents: UInt64 = 0

    /// None.
    public init() {}

    /// Whether there are none.
    public var isEmpty: Bool { self == ReadingFaults() }
}
