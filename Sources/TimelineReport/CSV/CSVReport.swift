// `-T csv`: RFC 4180, with one header line, one line per connection, and the names of the `conn` record.

public import TCPModel
public import TCPTimeline

import TCPMachine

/// The CSV report: CRLF line ends, no padding, and empty fields for unknown values.
///
/// An object of the `conn` record becomes a column for each of its keys, joined by a dot. Keys that have several values
/// or apply to few connections are left out, as are those of statistics, which are not computed for this report; the
/// schema page lists them.
public struct CSVReport: PartitionedReport {
    /// The columns, in order.
    public static let fields: [StaticString] = [
        "ts", "ts_ns", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "duration", "orig_bytes",
        "resp_bytes", "conn_state", "missed_bytes", "history", "orig_pkts", "orig_ip_bytes", "resp_pkts",
        "resp_ip_bytes", "community_id", "tunnel", "completeness", "outcome", "closed_by", "orig_state", "resp_state",
        "handshake.synack_s", "handshake.ack_s", "orig_process.pid", "orig_process.comm", "orig_process.uid",
        "orig_process.inode", "orig_process.fd", "orig_process.closed_by_exit", "orig_process.exe",
        "orig_process.cgroup", "orig_process.container",
        "orig_process.runtime", "orig_process.pod", "orig_process.unit", "resp_process.pid", "resp_process.comm",
        "resp_process.uid", "resp_process.inode", "resp_process.fd", "resp_process.closed_by_exit", "resp_process.exe",
        "resp_process.cgroup",
        "resp_process.container", "resp_process.runtime", "resp_process.pod", "resp_process.unit", "accept.min_s",
        "accept.max_s", "retransmissions",
    ]

    private let selection: ConnectionSelection
    private var needsHeader: Bool
    /// The codes of the findings about connections that are not over, by slot.
    private var findings: [UInt32: (number: UInt64, codes: [FindingCode])] = [:]

    /// A report of the selected connections. With `findings`, the last column holds the codes of their findings.
    public init(
        header: Bool = true, selection: ConnectionSelection = ConnectionSelection(), findings: Bool = false
    ) {
        needsHeader = header
        self.selection = selection
        wantsFindings = findings
    }

    /// Findings are requested only for their own column, because computing them takes time.
    public let wantsFindings: Bool

    /// Records a finding for its connection's line.
    public mutating func finding(
        _ finding: Finding, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer
    ) {
        guard wantsFindings else { return }
        let number = connections.number(of: finding.connection)
        let codes = findings[finding.connection.slot].flatMap { $0.number == number ? $0.codes : nil } ?? []
        findings[finding.connection.slot] = (number, codes + [finding.code])
    }

    /// False: single segments are not needed.
    public var readsSegments: Bool { false }

    /// A report for a share of the connections, without the header.
    public func part(of count: Int) -> CSVReport {
        CSVReport(header: false, selection: selection, findings: wantsFindings)
    }

    // MARK: TraceReport

    /// Writes the header line.
    public mutating func begin(_ capture: CaptureDescription, at time: Timestamp?, _ out: inout OutputBuffer) {
        writeHeader(&out)
    }

    /// Ignored: lost frames belong to no connection.
    public mutating func gap(_ count: UInt64, at time: Timestamp?, _ out: inout OutputBuffer) {}

    /// Writes the line of a connection that is over.
    public mutating func finish(
        _ id: ConnectionID, _ connections: borrowing KnownConnections, _ kernel: KernelView?, _ out: inout OutputBuffer
    ) {
        let connection = connections[id]
        let made = wantsFindings ? findings.removeValue(forKey: id.slot) : nil
        guard selection.shows(connection, kernel) else { return }
        writeHeader(&out)
        writeIdentity(connection, &out)
        writeCounts(connection, &out)
        writeEnd(connection, &out)
        writeProcess(kernel?.originator, &out)
        writeProcess(kernel?.responder, &out)
        let accept = kernel?.responder.acceptDelay(connection)
        seconds(accept?.least, &out)
        seconds(accept.flatMap { $0.most }, &out)
        out.append(
            number: UInt64(connection.counters[0].retransmissions) + UInt64(connection.counters[1].retransmissions))
        if wantsFindings {
            out.append(",")
            let codes = made?.number == connection.number ? made?.codes ?? [] : []
            for (index, code) in codes.enumerated() {
                if index > 0 { out.append(";") }
                out.append(text: code.rawValue)
            }
        }
        out.append("\r\n")
    }

    /// Makes sure that even an empty report has its header line.
    public mutating func end(
        _ capture: CaptureDescription, _ counts: CaptureCounts, at time: Timestamp?, _ out: inout OutputBuffer
    ) {
        writeHeader(&out)
    }

    // MARK: Lines

    private mutating func writeHeader(_ out: inout OutputBuffer) {
        guard needsHeader else { return }
        needsHeader = false
        for (index, field) in Self.fields.enumerated() {
            if index > 0 { out.append(",") }
            out.append(field)
        }
        if wantsFindings { out.append(",findings") }
        out.append("\r\n")
    }

    private func writeIdentity(_ connection: Connection, _ out: inout OutputBuffer) {
        out.append(fixed: connection.firstTime.nanoseconds, decimals: 9, digits: 6)
        out.append(",")
        field(connection.firstTime.nanoseconds, &out)
        out.append(uidOf: connection.name)
        out.append(connection.tuple, separator: 0x2c)
        out.append(",tcp,")
    }

    private func writeCounts(_ connection: Connection, _ out: inout OutputBuffer) {
        seconds(connection.duration, &out)
        field(connection.counters[0].uniqueBytes, &out)
        field(connection.counters[1].uniqueBytes, &out)
        field(connection.zeekConnectionState, &out)
        field(connection.missedBytes, &out)
        for index in 0..<connection.history.count { out.append(byte: connection.history[index]) }
        out.append(",")
        for side in 0..<2 {
            field(connection.counters[side].packets, &out)
            field(connection.counters[side].ipBytes, &out)
        }
    }

    private func writeEnd(_ connection: Connection, _ out: inout OutputBuffer) {
        out.append(communityIDOf: connection.tuple)
        out.append(",")
        field(connection.tunnel == .none ? nil : connection.tunnel.name, &out)
        field(connection.completeness.rawValue, &out)
        field(connection.outcome.name, &out)
        field(connection.closer?.jsonName, &out)
        field(connection.originator.state.openTelemetryName, &out)
        field(connection.endpoint(.responder).state.openTelemetryName, &out)
        let hasSynAck = connection.synAckDelay >= 0
        seconds(hasSynAck ? connection.synAckDelay : nil, &out)
        seconds(
            hasSynAck && connection.handshakeTime >= 0
                ? max(0, connection.handshakeTime - connection.synAckDelay) : nil, &out)
    }

    private func writeProcess(_ view: KernelSideView?, _ out: inout OutputBuffer) {
        guard let view, let process = view.process else { return out.append(",,,,,,,,,,,,") }
        field(process.pid, &out)
        out.appendCSVField(process.command)
        out.append(",")
        if process.uid != .max { out.append(number: process.uid) }
        out.append(",")
        if let inode = view.socket?.inode, inode != 0 { out.append(number: inode) }
        out.append(",")
        if let descriptor = view.descriptor { out.append(number: descriptor) }
        out.append(",")
        if view.wasClosedByExit { out.append("true") }
        out.append(",")
        out.appendCSV(process.details)
        out.append(",")
    }

    // MARK: Fields, each with the comma after it

    private func field<Number: BinaryInteger>(_ number: Number, _ out: inout OutputBuffer) {
        out.append(number: number)
        out.append(",")
    }

    private func field(_ literal: StaticString?, _ out: inout OutputBuffer) {
        if let literal { out.append(literal) }
        out.append(",")
    }

    private func seconds(_ nanoseconds: Int64?, _ out: inout OutputBuffer) {
        if let nanoseconds { out.append(seconds: nanoseconds) }
        out.append(",")
    }
}
