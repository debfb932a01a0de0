// The socket list as CSV (RFC 4180): one header line, CRLF line ends, no padding.

public import TCPModel

/// Writes socket rows as CSV, with the field names of the JSON form. Unknown values are empty fields.
public struct SocketCSV: Sendable {
    /// The columns, in order.
    public static let fields: [StaticString] = [
        "ts", "proto", "local_h", "local_p", "peer_h", "peer_p", "state", "rx_queue", "tx_queue", "timer", "uid",
        "inode", "holder", "pid", "comm", "fd", "exe", "cgroup", "container", "runtime", "pod", "unit", "processes",
    ]

    private let measures: [SocketMeasures.Measure]

    /// A CSV writer.
    ///
    /// - Parameter hasDetails: whether the kernel's measurements get columns as well.
    public init(hasDetails: Bool = false) { measures = hasDetails ? SocketMeasures.all : [] }

    /// Appends the header line.
    public func appendHeader(to output: inout OutputBuffer) {
        for (index, field) in (Self.fields + measures.map(\.name)).enumerated() {
            if index > 0 { output.append(",") }
            output.append(field)
        }
        output.append("\r\n")
    }

    /// Appends the rows as of `time`, one line per row.
    public func append(_ rows: [SocketRow], at time: Timestamp, to output: inout OutputBuffer) {
        for row in rows {
            let socket = row.socket
            output.append(fixed: time.nanoseconds, decimals: 9, digits: 6)
            output.append(",")
            output.append(row.protocolName)
            output.append(",")
            output.append(text: "\(socket.local.address),\(socket.local.port),")
            if row.hasPeer {
                output.append(text: "\(socket.remote.address),\(socket.remote.port),")
            } else {
                output.append(",,")
            }
            if let state = socket.state.openTelemetryName { output.append(state) }
            output.append(text: ",\(socket.receiveQueue),\(socket.transmitQueue),")
            if let timer = socket.timer.name { output.append(timer) }
            output.append(text: ",\(socket.uid),")
            if socket.inode != 0 { output.append(number: socket.inode) }
            output.append(",")
            if let name = row.holder.name { output.append(name) }
            output.append(",")
            if let process = row.processes.first {
                output.append(number: process.pid)
                output.append(",")
                output.appendCSVField(process.command)
                output.append(",")
                if let descriptor = row.descriptor(0) { output.append(number: descriptor) }
            } else {
                output.append(",,")
            }
            output.append(",")
            output.appendCSV(row.processes.first?.details)
            output.append(",")
            Self.append(row.processes, of: row, to: &output)
            for measure in measures {
                output.append(",")
                if let value = row.details.flatMap(measure.value) { output.append(number: value) }
            }
            output.append("\r\n")
        }
    }

    /// Appends the pid, descriptor and name of every process that shares the socket, as in
    /// `"5105/3/python3;5106/3/python3"`. Only the name, which comes last, can contain a slash; semicolons in it are
    /// escaped.
    private static func append(_ processes: [ProcessIdentity], of row: SocketRow, to output: inout OutputBuffer) {
        guard !processes.isEmpty else { return }
        output.append("\"")
        for (index, process) in processes.enumerated() {
            if index > 0 { output.append(";") }
            output.append(number: process.pid)
            output.append("/")
            if let descriptor = row.descriptor(index) { output.append(number: descriptor) }
            output.append("/")
            for (place, part) in process.command.split(separator: ";", omittingEmptySubsequences: false).enumerated() {
                if place > 0 { output.append("\\x3b") }
                output.appendCSVText(part)
            }
        }
        output.append("\"")
    }
}

extension KernelSocket.Timer {
    /// The timer's name in machine-readable output; nil if no timer runs.
    var name: StaticString? {
        switch self {
        case .none: nil
        case .retransmission: "retransmission"
        case .keepalive: "keepalive"
        case .timeWait: "time_wait"
        case .persist: "persist"
        }
    }
}
