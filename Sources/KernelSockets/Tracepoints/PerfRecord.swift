// Cuts the octets of a perf ring into records (perf_event_open(2)), as the events here are opened: TID, TIME, RAW.

/// One record of a ring.
enum PerfRecord: Equatable {
    /// A tracepoint was hit by a process at a time of the events' clock; `record` is what its format describes.
    case sample(pid: Int32, time: UInt64, record: Range<Int>)
    /// So many records did not fit into the ring.
    case lost(UInt64)
    /// A process has a new name.
    case name(pid: Int32, name: String, time: UInt64)
    /// A process (not only one of its threads) has begun; its parent, and when, on the events' clock.
    case fork(pid: Int32, parent: Int32, time: UInt64)
    /// A process (not only one of its threads) has ended.
    case exit(pid: Int32)
    /// Something else.
    case other
    /// The length makes no sense: what follows cannot be read.
    case damaged

    /// The record that begins at `position`, and where the next one begins; nil if `bytes` ends before it is complete.
    static func next(_ bytes: RawSpan, at position: Int) -> (record: PerfRecord, end: Int)? {
        guard let type = unsigned(bytes, position, 4), let size = unsigned(bytes, position + 6, 2) else { return nil }
        let length = Int(size)
        guard length >= 8, length % 8 == 0 else { return (.damaged, bytes.byteCount) }
        guard length <= bytes.byteCount - position else { return nil }
        let body = bytes.extracting((position + 8)..<(position + length))
        let end = position + length
        switch type {
        case 9: return (sample(body, at: position + 8) ?? .damaged, end)  // PERF_RECORD_SAMPLE
        case 2: return (unsigned(body, 8, 8).map { .lost($0) } ?? .damaged, end)  // PERF_RECORD_LOST
        case 3: return (name(body) ?? .damaged, end)  // PERF_RECORD_COMM
        case 4, 7: return (task(body, isFork: type == 7) ?? .damaged, end)  // PERF_RECORD_EXIT, PERF_RECORD_FORK
        default: return (.other, end)
        }
    }

    private static func sample(_ body: RawSpan, at position: Int) -> PerfRecord? {
        guard let pid = unsigned(body, 0, 4), let time = unsigned(body, 8, 8), let size = unsigned(body, 16, 4),
            Int(size) <= body.byteCount - 20
        else { return nil }
        let start = position + 20
        return .sample(pid: Int32(truncatingIfNeeded: pid), time: time, record: start..<(start + Int(size)))
    }

    private static func name(_ body: RawSpan) -> PerfRecord? {
        // 16 octets of who and when follow the name, which is padded with zeros.
        guard let pid = unsigned(body, 0, 4), let tid = unsigned(body, 4, 4), body.byteCount >= 24,
            let time = unsigned(body, body.byteCount - 8, 8)
        else { return nil }
        // Threads have names of their own.
        if pid != tid { return .other }
        var text: [UInt8] = []
        for offset in 8..<(body.byteCount - 16) {
            guard let byte = unsigned(body, offset, 1), byte != 0 else { break }
            text.append(UInt8(truncatingIfNeeded: byte))
        }
        return .name(pid: Int32(truncatingIfNeeded: pid), name: String(decoding: text, as: UTF8.self), time: time)
    }

    private static func task(_ body: RawSpan, isFork: Bool) -> PerfRecord? {
        guard let pid = unsigned(body, 0, 4), let parent = unsigned(body, 4, 4), let tid = unsigned(body, 8, 4),
            let time = unsigned(body, 16, 8)
        else { return nil }
        if pid != tid { return .other }
        return isFork
            ? .fork(pid: Int32(truncatingIfNeeded: pid), parent: Int32(truncatingIfNeeded: parent), time: time)
            : .exit(pid: Int32(truncatingIfNeeded: pid))
    }
}
