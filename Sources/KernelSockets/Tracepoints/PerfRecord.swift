// Splits the contents of a perf ring into records (perf_event_open(2)), with the sample format used here: TID, TIME,
// RAW.

/// One record of a ring.
enum PerfRecord: Equatable {
    /// A process hit a tracepoint at `time` on the events' clock; `record` is the range of the data that the `format`
    /// file describes.
    case sample(pid: Int32, time: UInt64, record: Range<Int>)
    /// This many records did not fit into the ring.
    case lost(UInt64)
    /// A process has changed its name.
    case name(pid: Int32, name: String, time: UInt64)
    /// A process (not just a thread) was forked by `parent` at `time` on the events' clock.
    case fork(pid: Int32, parent: Int32, time: UInt64)
    /// A process (not just a thread) has ended.
    case exit(pid: Int32)
    /// Any other record.
    case other
    /// The record is malformed; if its length is invalid, nothing after it can be read.
    case damaged

    /// The record that starts at `position`, and the position of the next one; nil if `bytes` ends before the record is
    /// complete.
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
        // The name is padded with zeros and followed by 16 octets of identity and time.
        guard let pid = unsigned(body, 0, 4), let tid = unsigned(body, 4, 4), body.byteCount >= 24,
            let time = unsigned(body, body.byteCount - 8, 8)
        else { return nil }
        // Ignore threads, which have names of their own.
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
