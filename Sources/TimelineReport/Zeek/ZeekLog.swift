// `-T zeek`: Zeek's conn.log in the format of its ASCII writer, with the fields of Zeek 8.

public import TCPModel
public import TCPTimeline

/// conn.log as tab-separated values, for zeek-cut and other readers of Zeek's logs.
///
/// Each field is as Zeek 8 writes it by default. `service`, `local_orig`, `local_resp` and `tunnel_parents` are always
/// unset, because this program analyses no contents, knows no list of local networks and opens no tunnels.
public struct ZeekLog: PartitionedReport {
    /// The fields with their types, in order.
    static let fields: [(name: StaticString, type: StaticString)] = [
        ("ts", "time"), ("uid", "string"), ("id.orig_h", "addr"), ("id.orig_p", "port"), ("id.resp_h", "addr"),
        ("id.resp_p", "port"), ("proto", "enum"), ("service", "string"), ("duration", "interval"),
        ("orig_bytes", "count"), ("resp_bytes", "count"), ("conn_state", "string"), ("local_orig", "bool"),
        ("local_resp", "bool"), ("missed_bytes", "count"), ("history", "string"), ("orig_pkts", "count"),
        ("orig_ip_bytes", "count"), ("resp_pkts", "count"), ("resp_ip_bytes", "count"),
        ("tunnel_parents", "set[string]"), ("ip_proto", "count"),
    ]

    private let selection: ConnectionSelection
    private var openTime: Timestamp?
    private var wroteHeader = false

    /// A log of the selected connections.
    public init(selection: ConnectionSelection = ConnectionSelection()) { self.selection = selection }

    /// False: single segments are not needed.
    public var readsSegments: Bool { false }

    /// A report for a share of the connections, without the header.
    public func part(of count: Int) -> ZeekLog {
        var part = self
        part.wroteHeader = true
        return part
    }

    /// Writes the header before the first row.
    public mutating func merge(
        _ said: borrowing OutputBuffer, _ range: Range<Int>, number: UInt64, _ out: inout OutputBuffer
    ) {
        writeHeader(&out)
        out.append(said, range)
    }

    // MARK: TraceReport

    /// Zeek counts every copy of a frame.
    public var countsCopiesOnce: Bool { false }
    /// False: Zeek waits for the remaining fragments.
    public var countsIncomplete: Bool { false }

    /// Opens a live log now. A file's log opens with its first segment.
    public mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {
        guard let time else { return }
        openTime = time
        writeHeader(&out)
    }

    /// Records when the first segment came.
    public mutating func opens(at time: Timestamp) {
        if openTime == nil { openTime = time }
    }

    /// The first segment opens the log if `opens` has not.
    public mutating func segment(
        _ event: SegmentEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        opens(at: event.time)
    }

    /// Ignored: a conn.log has no place for lost frames.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {}

    /// Writes the row of a connection that is over.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let connection = connections[id]
        guard selection.shows(connection, kernel) else { return }
        writeHeader(&out)
        writeRow(connection, &out)
    }

    /// Closes the log.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        if openTime == nil { openTime = time }
        writeHeader(&out)
        out.append("#close\t")
        out.append(zeekDate: time)
        out.newline()
    }

    // MARK: Lines

    private mutating func writeHeader(_ out: inout OutputBuffer) {
        guard !wroteHeader else { return }
        wroteHeader = true
        out.append("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t")
        out.append(zeekDate: openTime)
        out.append("\n#fields")
        for field in Self.fields {
            out.append("\t")
            out.append(field.name)
        }
        out.append("\n#types")
        for field in Self.fields {
            out.append("\t")
            out.append(field.type)
        }
        out.newline()
    }

    private func writeRow(_ connection: Connection, _ out: inout OutputBuffer) {
        out.append(fixed: connection.firstTime.nanoseconds, decimals: 9, digits: 6)
        out.append("\t")
        out.append(uidOf: connection.name)
        out.append(connection.tuple, separator: 0x09)
        out.append("\ttcp\t-\t")
        // Zeek's clock has microseconds, and a connection without duration has no byte counts.
        let microseconds = connection.zeekDuration
        if microseconds > 0 {
            out.append(fixed: microseconds, decimals: 6, digits: 6)
            for side in 0..<2 {
                out.append("\t")
                // If a side itself was never seen, Zeek does not count what the other side acknowledges.
                let counters = connection.counters[side]
                out.append(number: counters.packets == 0 ? 0 : counters.uniqueBytes)
            }
        } else {
            out.append("-\t-\t-")
        }
        out.append("\t")
        out.append(connection.zeekConnectionState)
        out.append("\t-\t-\t")
        out.append(number: connection.missedBytes)
        out.append("\t")
        for index in 0..<connection.history.count { out.append(byte: connection.history[index]) }
        if connection.history.count == 0 { out.append("-") }
        for side in 0..<2 {
            out.append("\t")
            out.append(number: connection.counters[side].packets)
            out.append("\t")
            out.append(number: connection.counters[side].ipBytes)
        }
        out.append("\t-\t6\n")
    }
}

extension Connection {
    /// Zeek's duration in microseconds: up to the segment with which the second side ended, and no further.
    var zeekDuration: Int64 {
        func microseconds(_ time: Timestamp) -> Int64 {
            let (quotient, remainder) = time.nanoseconds.quotientAndRemainder(dividingBy: Span.microsecond)
            return remainder < 0 ? quotient - 1 : quotient
        }
        return microseconds(lastLiveTime) - microseconds(firstTime)
    }
}

extension OutputBuffer {
    /// Appends a time as `2026-11-22-16-07-14`, in UTC; `-` if there is none.
    fileprivate mutating func append(zeekDate time: Timestamp?) {
        guard let time else { return append("-") }
        var (seconds, rest) = time.nanoseconds.quotientAndRemainder(dividingBy: Span.second)
        if rest < 0 { seconds -= 1 }
        rest = (seconds % 86_400 + 86_400) % 86_400
        // Years begin in March here, so that the leap day comes last; a cycle of 400 years has 146097 days.
        let days = (seconds - rest) / 86_400 + 719_468
        let cycle = days / 146_097
        let dayOfCycle = days % 146_097
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1_460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let month = (5 * dayOfYear + 2) / 153
        append(number: cycle * 400 + yearOfCycle + (month >= 10 ? 1 : 0))
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        for part in [month < 10 ? month + 3 : month - 9, day, rest / 3600, rest / 60 % 60, rest % 60] {
            append("-")
            append(unsigned: UInt64(part), minimumDigits: 2)
        }
    }
}
