// The socket list as NDJSON: `socket` records in the native format, one object per line, with a stable key order.

public import TCPModel

/// Writes socket rows as JSON objects. Unknown values are absent.
public struct SocketJSON: Sendable {
    /// A JSON writer.
    public init() {}

    /// Appends the rows as of `time`, one line per row.
    public func append(_ rows: [SocketRow], at time: Timestamp, to output: inout OutputBuffer) {
        for row in rows {
            output.record("socket") { object in
                object.add(time)
                object.add(row)
            }
        }
    }
}

extension JSONObject {
    fileprivate mutating func add(_ row: SocketRow) {
        let socket = row.socket
        add("proto", literal: row.protocolName)
        add("local_h", address: socket.local.address)
        add("local_p", number: socket.local.port)
        if row.hasPeer {
            add("peer_h", address: socket.remote.address)
            add("peer_p", number: socket.remote.port)
        }
        if let state = socket.state.openTelemetryName { add("state", literal: state) }
        if socket.inode != 0 { add("inode", number: socket.inode) }
        add("uid", number: socket.uid)
        if let process = row.processes.first {
            add("pid", number: process.pid)
            add("comm", string: process.command)
            if let descriptor = row.descriptor(0) { add("fd", number: descriptor) }
            if let details = process.details { add(details) }
        }
        if row.processes.count > 1 {
            // All processes that share the socket, including the one in `pid`.
            add("processes", objects: row.processes.count) { object, index in
                let process = row.processes[index]
                object.add("pid", number: process.pid)
                object.add("comm", string: process.command)
                object.add("uid", number: process.uid)
                if let descriptor = row.descriptor(index) { object.add("fd", number: descriptor) }
            }
        }
        if let name = row.holder.name { add("holder", literal: name) }
        add("rx_queue", number: socket.receiveQueue)
        add("tx_queue", number: socket.transmitQueue)
        if let timer = socket.timer.name { add("timer", literal: timer) }
        guard let details = row.details else { return }
        for measure in SocketMeasures.all {
            if let value = measure.value(details) { add(measure.name, number: value) }
        }
    }
}
