// The socket list as NDJSON: `socket` records of the native stream, one object a line, stable key order.

public import TCPModel

/// Writes socket rows as JSON objects. What is not known is absent.
public struct SocketJSON: Sendable {
    /// A writer.
    public init() {}

    /// Appends the rows as they were at `time`, one line each.
    public func append(_ rows: [SocketRow], at time: Timestamp, to output: inout OutputBuffer) {
        for row in rows { object(row, time).write(to: &output) }
    }

    private func object(_ row: SocketRow, _ time: Timestamp) -> JSONObject {
        let socket = row.socket
        var object = JSONObject(path: "socket")
        object.add(time)
        object.add("proto", literal: row.protocolName)
        object.add("local_h", string: socket.local.address.description)
        object.add("local_p", number: socket.local.port)
        if row.hasPeer {
            object.add("peer_h", string: socket.remote.address.description)
            object.add("peer_p", number: socket.remote.port)
        }
        if let state = socket.state.openTelemetryName { object.add("state", literal: state) }
        if socket.inode != 0 { object.add("inode", number: socket.inode) }
        object.add("uid", number: socket.uid)
        if let process = row.processes.first {
            object.add("pid", number: process.pid)
            object.add("comm", string: process.command)
            if let descriptor = row.descriptor { object.add("fd", number: descriptor) }
            if let details = process.details { object.add(details) }
        }
        if row.processes.count > 1 {
            // All processes that share the socket, the one in `pid` too.
            object.add("processes", objects: row.processes.count) { self.object(row.processes[$0]) }
        }
        if let name = row.holder.name { object.add("holder", literal: name) }
        object.add("rx_queue", number: socket.receiveQueue)
        object.add("tx_queue", number: socket.transmitQueue)
        if let timer = socket.timer.name { object.add("timer", literal: timer) }
        return object
    }

    private func object(_ process: ProcessIdentity) -> JSONObject {
        var object = JSONObject()
        object.add("pid", number: process.pid)
        object.add("comm", string: process.command)
        object.add("uid", number: process.uid)
        return object
    }
}
