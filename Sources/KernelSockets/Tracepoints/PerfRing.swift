// One CPU's perf events and the memory-mapped ring that they share. Closing the descriptors frees all kernel resources.

import CLinux
import Glibc

/// The events of one CPU and their ring.
@safe final class PerfRing {
    // The mapping of one page and `size` octets, owned by this object alone from init to deinit.
    private let base: UnsafeMutableRawPointer
    private let page: Int
    private let size: Int
    private let cpu: Int32
    /// The descriptors of the events; the first one owns the ring.
    private var events: [Int32]

    /// Opens the ring with the event that records process names, forks and exits; nil with errno set on failure.
    /// `pages` must be a power of two.
    init?(cpu: Int32, clock: Int32, pages: Int) {
        self.cpu = cpu
        page = Int(sysconf(Int32(_SC_PAGESIZE)))
        size = pages * page
        let leader = tcptrace_perf_open_names(cpu, clock, UInt32(size / 4))
        guard leader >= 0 else { return nil }
        // The kernel maps a control page and `size` octets, or fails.
        guard let mapped = unsafe mmap(nil, page + size, PROT_READ | PROT_WRITE, MAP_SHARED, leader, 0),
            unsafe mapped != MAP_FAILED
        else {
            let code = errno
            close(leader)
            errno = code
            return nil
        }
        unsafe base = mapped
        events = [leader]
    }

    // The mapping is ours and has exactly this length; nothing uses it after deinit.
    deinit {
        unsafe munmap(base, page + size)
        for event in events { close(event) }
    }

    /// The descriptor for epoll, readable when the ring is a quarter full.
    var descriptor: Int32 { events[0] }

    /// Whether events of this tracepoint support this clock; false with errno set if not.
    func accepts(_ identifier: UInt16, clock: Int32) -> Bool {
        let event = tcptrace_perf_open_tracepoint(UInt64(identifier), cpu, clock, UInt32(size / 4))
        guard event >= 0 else { return false }
        close(event)
        return true
    }

    /// Adds a tracepoint to the ring; false with errno set on failure.
    func add(_ identifier: UInt16, filter: String?, clock: Int32) -> Bool {
        let event = tcptrace_perf_open_tracepoint(UInt64(identifier), cpu, clock, UInt32(size / 4))
        guard event >= 0 else { return false }
        // The filter is a String: the compiler passes a NUL-terminated copy that lives for the duration of the call.
        let isFiltered = filter.map { unsafe tcptrace_perf_filter(event, $0) } ?? 0
        guard isFiltered == 0, tcptrace_perf_share_ring(event, events[0]) == 0 else {
            let code = errno
            close(event)
            errno = code
            return false
        }
        events.append(event)
        return true
    }

    /// Removes the most recently added tracepoint.
    func removeLatest() {
        if events.count > 1, let latest = events.popLast() { close(latest) }
    }

    /// Starts recording.
    func enable() { for event in events { tcptrace_perf_enable(event) } }

    /// Stops recording: nothing is written afterwards.
    func disable() { for event in events { tcptrace_perf_disable(event) } }

    /// The number of samples that the tracepoints' own counters promise, without those that found no room; nil where
    /// the kernel does not report it.
    func promised() -> UInt64? {
        var sum: UInt64 = 0
        for event in events.dropFirst() {
            var records: UInt64 = 0
            // The call writes one number, to a variable that outlives it.
            guard unsafe tcptrace_perf_records(event, &records) != 0 else { return nil }
            sum &+= records
        }
        return sum
    }

    /// Appends what the kernel has written to `bytes` and frees the space in the ring. The ring holds only complete
    /// records.
    func drain(into bytes: inout [UInt8]) {
        // The control page stays mapped for this object's lifetime. Only the kernel writes the head, and only we write
        // the tail.
        let head = unsafe tcptrace_ring_head(base)
        let tail = unsafe base.load(fromByteOffset: Self.tailOffset, as: UInt64.self)
        guard head > tail else { return }
        let count = Int(min(head - tail, UInt64(size)))
        let start = Int(tail % UInt64(size))
        let first = min(count, size - start)
        // start < size and first <= size - start: both pieces lie inside the mapped ring behind the control page.
        unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: base + page + start, count: first))
        if count > first {
            unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: base + page, count: count - first))
        }
        unsafe tcptrace_ring_set_tail(base, head)
    }

    /// The offset of `data_tail` in the control page, which is part of the kernel's ABI.
    private static let tailOffset = MemoryLayout<perf_event_mmap_page>.offset(of: \.data_tail) ?? 1032
}
