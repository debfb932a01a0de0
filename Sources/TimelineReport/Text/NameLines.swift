// The host and service names of a ladder's ends: a line below their addresses.

import TCPModel
import TCPTimeline

extension TimelineWriter {
    /// Writes `localhost:53202 ... localhost:ssh` in the columns of the addresses, if one of the hosts has a name. If
    /// both do not fit into the lane, the server's is on a line of its own.
    func writeHostNames(_ connection: Connection, _ prefix: UInt64?, _ out: inout OutputBuffer) {
        guard let names = style.names(of: connection.tuple) else { return }
        guard layout.form != .line else { return writeLineOfNames(names, connection, prefix, &out) }
        let layout = layout(beside: prefix)
        // Up to the end of the server's state.
        let room = layout.lane + TimelineLayout.stateWidth
        let client = text { $0.append(connection.tuple.source, named: names.client, room: room) }
        var line = Line(in: &out)
        putPrefix(prefix, &line)
        line.pad(to: layout.stateEdge + 2)
        line.put(ascii: client)
        // A self-connect has only one end.
        if !connection.isSelfConnect {
            let server = text { $0.append(connection.tuple.destination, named: names.server, room: room) }
            if client.count + server.count + 2 > layout.lane {
                line.end(to: &out)
                line = Line(in: &out)
                putPrefix(prefix, &line)
            }
            line.put(rightAligned: server, to: layout.rightBar)
        }
        line.end(to: &out)
    }

    /// Below 80 columns: writes `  localhost:53202 > localhost:ssh`, on two lines if one is not enough.
    private func writeLineOfNames(
        _ names: (client: EndName, server: EndName), _ connection: Connection, _ prefix: UInt64?,
        _ out: inout OutputBuffer
    ) {
        // Two columns before each name, two after the client's.
        let room = layout.width - 4
        let client = text { $0.append(connection.tuple.source, named: names.client, room: room) }
        let server = text { $0.append(connection.tuple.destination, named: names.server, room: room) }
        var line = Line(in: &out)
        putPrefix(prefix, &line)
        line.put("  ", columns: 2)
        line.put(ascii: client)
        line.put(" >", columns: 2)
        if line.column + 1 + server.count > layout.width {
            line.end(to: &out)
            line = Line(in: &out)
            putPrefix(prefix, &line)
            line.put(" ", columns: 1)
        }
        line.put(" ", columns: 1)
        line.put(ascii: server)
        line.end(to: &out)
    }
}
