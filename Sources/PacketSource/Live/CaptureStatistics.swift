// A capture's counters: the kernel's 32-bit ones, continued over their wraps.

/// What the kernel counted since the capture was opened.
public struct CaptureStatistics: Hashable, BitwiseCopyable, Sendable {
    /// Frames that matched the filter. On lo Linux counts each frame twice, unless `LiveCapture.leavesOutgoingOut`.
    public var received: UInt64 = 0
    /// Frames lost because the ring was full.
    public var droppedByKernel: UInt64 = 0
    /// Frames lost by the interface or its driver.
    public var droppedByInterface: UInt64 = 0

    /// Statistics from their fields.
    public init(received: UInt64 = 0, droppedByKernel: UInt64 = 0, droppedByInterface: UInt64 = 0) {
        self.received = received
        self.droppedByKernel = droppedByKernel
        self.droppedByInterface = droppedByInterface
    }
}

/// Adds up how far 32-bit counters went since they were last looked at; right as long as that is less than 2^32.
struct CaptureCounters {
    private(set) var total = CaptureStatistics()
    private var last: (received: UInt32, kernel: UInt32, interface: UInt32) = (0, 0, 0)

    /// Takes the counters' present values.
    mutating func update(received: UInt32, kernel: UInt32, interface: UInt32) {
        total.received += UInt64(received &- last.received)
        total.droppedByKernel += UInt64(kernel &- last.kernel)
        // libpcap takes the difference of what the interface's driver says, which starts anew, or is nothing, once the interface
        // has gone: a step back, which is no wrap.
        let lost = interface &- last.interface
        if lost <= UInt32.max / 2 { total.droppedByInterface += UInt64(lost) }
        last = (received, kernel, interface)
    }
}
