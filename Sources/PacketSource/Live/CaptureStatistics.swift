// A capture's counters: the kernel's 32-bit counters, extended to 64 bits across their wraps.

/// The kernel's counts since the capture was opened.
public struct CaptureStatistics: Hashable, BitwiseCopyable, Sendable {
    /// Frames that matched the filter. Linux counts each frame on lo twice, unless `LiveCapture.leavesOutgoingOut`.
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

/// Accumulates the increases of 32-bit counters; correct as long as each increase between updates is less than 2^32.
struct CaptureCounters {
    private(set) var total = CaptureStatistics()
    private var last: (received: UInt32, kernel: UInt32, interface: UInt32) = (0, 0, 0)

    /// Adds the increases since the last update, given the counters' present values.
    mutating func update(received: UInt32, kernel: UInt32, interface: UInt32) {
        total.received += UInt64(received &- last.received)
        total.droppedByKernel += UInt64(kernel &- last.kernel)
        // libpcap reports the increase of a counter of the interface's driver. When the interface goes away, that
        // counter restarts or vanishes, so the value steps back, which is not a wrap.
        let lost = interface &- last.interface
        if lost <= UInt32.max / 2 { total.droppedByInterface += UInt64(lost) }
        last = (received, kernel, interface)
    }
}
