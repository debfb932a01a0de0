// The head of a connection in the text timeline: its ends, when and where it was seen, and the names over the lanes.

import TCPModel
import TCPTimeline

extension TimelineWriter {
    /// Writes `TCP 1  127.0.0.1:35924 > 127.0.0.1:9500   lo   DATE TIME    COMMUNITY-ID`, then the names above the
    /// lanes.
    func writeHead(_ connection: Connection, _ kernel: KernelView?, prefix: UInt64?, _ out: inout OutputBuffer) {
        if style.color { out.append(Ink.strong) }
        // Colours take no columns.
        var start = out.count
        out.append("TCP ")
        out.append(number: connection.number)
        out.append("  ")
        out.append(connection.tuple.source)
        let destination = text {
            $0.append(" > ")
            $0.append(connection.tuple.destination)
            if connection.facts.contains(.rolesGuessed) { $0.append(" ?") }
        }
        // Two IPv6 addresses of full length.
        if out.count - start + destination.count > layout.width {
            out.newline()
            appendPrefix(prefix, &out)
            start = out.count
            out.append(" ")
        }
        out.append(contentsOf: destination)
        if style.color {
            let columns = out.count - start
            out.append(Ink.off)
            start = out.count - columns
        }
        let place = text { appendPlace(connection, columns: out.count - start, &$0) }
        if out.count - start + TextColumns.count(place) <= layout.width {
            out.append(contentsOf: place)
        } else {
            // Two IPv6 addresses leave no room on a page of usual width.
            out.newline()
            appendPrefix(prefix, &out)
            out.append(contentsOf: text { appendPlace(connection, columns: 0, &$0) })
        }
        out.newline()
        writeColumnHeads(connection, prefix: prefix, &out)
        writeHostNames(connection, prefix, &out)
        guard layout.form != .line else { return }
        writeProcesses(kernel, prefix, &out)
    }

    private func appendPrefix(_ prefix: UInt64?, _ out: inout OutputBuffer) {
        guard let prefix else { return }
        out.append(number: prefix)
        out.append("|")
    }

    /// Appends where and when a connection was first seen, and its Community ID if there is room after this many
    /// columns. The buffer must be empty.
    private func appendPlace(_ connection: Connection, columns: Int, _ out: inout OutputBuffer) {
        let gap: StaticString = layout.form == .wide ? "   " : "  "
        let interface =
            interfaces.indices.contains(Int(connection.interface)) ? interfaces[Int(connection.interface)] : ""
        if !interface.isEmpty {
            out.append(gap)
            let start = out.count
            out.appendPrintable(interface)
            // Windows names an interface by 50 letters; the time stands behind it.
            let name = out.bytes.dropFirst(start)
            let room = max(12, layout.width - 36)
            if columns == 0, TextColumns.count(name) > room {
                out.truncate(to: TextColumns.end(of: name, within: room - 3) - out.bytes.startIndex)
                out.append("...")
            }
        }
        if connection.tunnel != .none {
            out.append(gap)
            out.append("in ")
            out.append(connection.tunnel.name)
        }
        out.append(gap)
        // Even a narrow page has room for the time of day.
        let stamp = style.nanoseconds ? 29 : 26
        if layout.form == .line && columns + TextColumns.count(out.bytes) + stamp > layout.width {
            out.append(clock: connection.firstTime, nanoseconds: style.nanoseconds)
        } else {
            out.append(date: connection.firstTime, nanoseconds: style.nanoseconds)
        }
        let room = layout.width - columns - TextColumns.count(out.bytes) - 4
        if layout.form == .wide && room >= 12 {
            out.append("    ")
            let identity = out.count
            out.append(communityIDOf: connection.tuple)
            if out.count - identity > room {
                out.truncate(to: identity + room - 3)
                out.append("...")
            }
        }
    }

    /// `#  time  delta  client  127.0.0.1:35924    127.0.0.1:9500  server`, if the layout has columns.
    func writeColumnHeads(_ connection: Connection, prefix: UInt64?, _ out: inout OutputBuffer) {
        guard layout.form != .line else { return }
        let layout = layout(beside: prefix)
        let client = text { $0.append(connection.tuple.source) }
        let server = text { $0.append(connection.tuple.destination) }
        var line = Line(in: &out)
        putPrefix(prefix, &line)
        line.put(rightAligned: "#", to: TimelineLayout.numberEdge)
        if layout.form == .wide && layout.timeWidth > 0 { line.put(rightAligned: "time", to: 5 + layout.timeWidth) }
        line.put(rightAligned: "delta", to: layout.deltaEdge)
        let guess = connection.facts.contains(.rolesGuessed)
        line.put(rightAligned: guess ? "client?" : "client", to: layout.stateEdge)
        line.pad(to: layout.stateEdge + 2)
        line.put(ascii: client)
        if connection.isSelfConnect {
            if Self.columns(of: prefix) + line.column + 47 <= layout.width {
                line.put("  (connected to itself: one socket, both roles)", columns: 47)
            } else {
                line.put("  (one socket, connected to itself)", columns: 35)
            }
        } else {
            if client.count + server.count + 2 > layout.lane {
                line.end(to: &out)
                line = Line(in: &out)
                putPrefix(prefix, &line)
            }
            line.put(rightAligned: server, to: layout.rightBar)
            line.put(guess ? "  server?" : "  server", columns: guess ? 9 : 8)
        }
        line.end(to: &out)
    }

    private func writeProcesses(_ kernel: KernelView?, _ prefix: UInt64?, _ out: inout OutputBuffer) {
        guard let kernel else { return }
        let client = text { $0.append(processOf: kernel.originator) }
        let server = text { $0.append(processOf: kernel.responder) }
        guard !client.isEmpty || !server.isEmpty else { return }
        let layout = layout(beside: prefix)
        var line = Line(in: &out)
        putPrefix(prefix, &line)
        // An escaped name may be wider than the lane.
        let room = layout.width - Self.columns(of: prefix)
        if !client.isEmpty {
            line.pad(to: min(layout.stateEdge + 2, room - TextColumns.count(client)))
            line.put(client)
        }
        if !server.isEmpty {
            if line.column + 1 + TextColumns.count(server) > room {
                line.end(to: &out)
                line = Line(in: &out)
                putPrefix(prefix, &line)
            }
            line.put(rightAligned: server, to: layout.rightBar)
        }
        line.end(to: &out)
    }
}
