// One CPU's perf events and the memory-mapped ring that they share. Closing the descriptors takes everything back.

import CLinux
import Glibc

/// The events of one CPU and their ring.
@safe final class PerfRing {
    // The mapping, of one page and `size` octets, ours alone from init to deinit.
    private let base: UnsafeMutableRawPointer
    private let page: Int
    private let size: Int
    private let cpu: Int32
    /// The first one owns the ring.
    private var events: [Int32]

    /// Opens the ring with the events that watch names; nil with errno set. `pages` is a power of two.
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

    // The mapping is ours, with this very length; nothing uses it after deinit.
    deinit {
        unsafe munmap(base, page + size)
        for event in events { close(event) }
    }

    /// Wakes epoll when the ring is a quarter full.
    var descriptor: Int32 { events[0] }

    /// Whether this tracepoint's events can have this clock; false with errno set.
    func accepts(_ identifier: UInt16, clock: Int32) -> Bool {
        let event = tcptrace_perf_open_tracepoint(UInt64(identifier), cpu, clock, UInt32(size / 4))
        guard event >= 0 else { return false }
        close(event)
        return true
    }

    /// Adds a tracepoint; false with errno set.
    func add(_ identifier: UInt16, filter: String?, clock: Int32) -> Bool {
        let event = tcptrace_perf_open_tracepoint(UInt64(identifier), cpu, clock, UInt32(size / 4))
        guard event >= 0 else { return false }
        // The filter is a String: the compiler hands over a NUL-terminated copy for the time of the call.
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

    /// Takes the tracepoint away that was added last.
    func removeLatest() {
        if events.count > 1, let latest = events.popLast() { close(latest) }
    }

    /// Begins.
    func enable() { for event in events { tcptrace_perf_enable(event) } }

    /// Ends: nothing is written after that.
    func disable() { for event in events { tcptrace_perf_disable(event) } }

    /// How many samples the tracepoints' counts promise, those without room left out; nil where the kernel does not tell.
    func promised() -> UInt64? {
        var sum: UInt64 = 0
        for event in events.dropFirst() {
            var records: UInt64 = 0
            // One number is written, into a variable that lives longer than the call.
            guard unsafe tcptrace_perf_records(event, &records) != 0 else { return nil }
            sum &+= records
        }
        return sum
    }

    /// Moves what the kernel has written to the end of `bytes`, and gives the room back. Only complete records are there.
    func drain(into bytes: inout [UInt8]) {
        // The control page is mapped as long as this value lives. The kernel writes the head, only we the tail.
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

    /// Where `data_tail` is in the control page: an octet offset that is part of the kernel's ABI.
    private static let tailOffset = MemoryLayout<perf_event_mmap_page>.offset(of: \.data_tail) ?? 1032
}
