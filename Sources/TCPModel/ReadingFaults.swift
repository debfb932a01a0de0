// What could not be read from the kernel. Nothing is left out of a picture silently.

/// Counts of what could not be read from the kernel or was not understood, over all readings of a trace. Everything is
/// 0 without a fault.
public struct ReadingFaults: Hashable, Sendable {
    /// Rows of /proc/net/tcp and messages of sock_diag that were truncated or do not describe a socket.
    public var malformedRows = 0
    /// Sockets with an unknown state number, as a newer kernel might use.
    public var unknownStates = 0
    /// Lists of sockets that changed during every attempt to read them, and so may be incomplete.
    public var incompleteLists = 0
    /// How often sock_diag refused a request or did not answer; /proc/net/tcp was read instead.
    public var sockDiagFailures = 0
    /// Readings for which both sources failed.
    public var failedReadings = 0
    /// Processes whose descriptors could not be listed while the owner of a socket was not found among the others: the
    /// largest number at any one time.
    public var hiddenProcesses = 0
    /// Tracepoint events lost because a ring was full.
    public var lostEvents: UInt64 = 0
    /// Tracepoint events that were truncated or malformed.
    public var malformedEvents: UInt64 = 0

    /// No faults.
    public init() {}

    /// Whether there are none.
    public var isEmpty: Bool { self == ReadingFaults() }
}
