// The socket list as NDJSON: `socket` records of the native stream, one object a line, stable key order.

public import TCPModel

/// Writes socket rows as JSON objects. What is not known is absent.
public struct SocketJSON: Sendable {
    /// A writer.
    public init() {}

    /// Appends the rows as they were at `time`, one line each.
    public func append(_ rows: [SocketRow], at time: Timestamp, to output: inout OutputBuffer) {
        for row in rows {
            let socket = row.socket
            output.append("{\"_path\":\"socket\",\"schema_version\":1,\"ts\":")
            output.append(fixed: time.nanoseconds, decimals: 9, digits: 6)
            output.append(",\"ts_ns\":")
            output.append(number: time.nanoseconds)
            output.append(",\"proto\":\"")
            output.append(row.protocolName)
            output.append("\"")
            appendEnd(socket.local, "local", to: &output)
            if row.hasPeer { appendEnd(socket.remote, "peer", to: &output) }
            if let state = socket.state.openTelemetryName { appendName("state", state, to: &output) }
            if socket.inode != 0 { appendNumber("inode", socket.inode, to: &output) }
            appendNumber("uid", socket.uid, to: &output)
            if let process = row.processes.first {
                appendNumber("pid", process.pid, to: &output)
                output.append(",\"comm\":")
                output.appendJSONString(process.command)
            }
            if row.processes.count > 1 { appendProcesses(row.processes, to: &output) }
            if let name = row.holder.name { appendName("holder", name, to: &output) }
            appendNumber("rx_queue", socket.receiveQueue, to: &output)
            appendNumber("tx_queue", socket.transmitQueue, to: &output)
            if let timer = socket.timer.name { appendName("timer", timer, to: &output) }
            output.append("}\n")
        }
    }

    /// All processes that share the socket, the one in `pid` too.
    private func appendProcesses(_ processes: [ProcessIdentity], to output: inout OutputBuffer) {
        output.append(",\"processes\":[")
        for (index, process) in processes.enumerated() {
            output.append(index == 0 ? "{\"pid\":" : ",{\"pid\":")
            output.append(number: process.pid)
            output.append(",\"comm\":")
            output.appendJSONString(process.command)
            appendNumber("uid", process.uid, to: &output)
            output.append("}")
        }
        output.append("]")
    }

    private func appendEnd(_ end: SocketAddress, _ prefix: StaticString, to output: inout OutputBuffer) {
        output.append(text: ",\"\(prefix)_h\":\"\(end.address)\",\"\(prefix)_p\":\(end.port)")
    }

    private func appendName(_ key: StaticString, _ name: StaticString, to output: inout OutputBuffer) {
        output.append(text: ",\"\(key)\":\"\(name)\"")
    }

    private func appendNumber(_ key: StaticString, _ number: some BinaryInteger, to output: inout OutputBuffer) {
        output.append(text: ",\"\(key)\":")
        output.append(number: number)
    }
}
