// The kernel's 32-bit capture counters, extended to 64 bits across wraparound.

import Testing

@testable import PacketSource

@Suite("Counters of a capture") struct CaptureCounterTests {
    @Test("they go on where 32 bits end")
    func wraps() {
        var counters = CaptureCounters()
        counters.update(received: 0xffff_fff0, kernel: 0xffff_ffff, interface: 0x7fff_ffff)
        counters.update(received: 0x10, kernel: 1, interface: 0xffff_fff0)
        counters.update(received: 0x11, kernel: 1, interface: 0x10)
        #expect(
            counters.total
                == CaptureStatistics(
                    received: 0x1_0000_0011, droppedByKernel: 0x1_0000_0001, droppedByInterface: 0x1_0000_0010))
    }

    /// libpcap reads the driver's counters from /sys; once the interface is gone, those files are gone too.
    @Test("an interface that goes has lost no four thousand million frames")
    func interfaceGone() {
        var counters = CaptureCounters()
        counters.update(received: 10, kernel: 0, interface: 0)
        // The interface had dropped 7 frames before the trace and has dropped 2 since.
        counters.update(received: 20, kernel: 0, interface: 2)
        counters.update(received: 20, kernel: 0, interface: 2 &- 9)
        counters.update(received: 20, kernel: 0, interface: 2 &- 9)
        #expect(counters.total.droppedByInterface == 2)
        // The interface returns, and its counter starts from zero.
        counters.update(received: 20, kernel: 0, interface: 5 &- 7)
        #expect(counters.total.droppedByInterface == 7)
    }
}
