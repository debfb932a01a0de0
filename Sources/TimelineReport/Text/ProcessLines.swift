// Full details of the processes: a line per side below the closing line with `-v`, and the same facts in
// machine-readable form.

import TCPModel
import TCPTimeline

/// Writes `client process lab-client[7511] uid 1000, fd 3, /usr/bin/lab-client, unit ssh.service` for each side whose
/// process is known, and how long the server's took to accept.
func writeProcessLines(
    _ connection: Connection, _ kernel: KernelView?, layout: TimelineLayout, prefix: UInt64?, _ out: inout OutputBuffer
) {
    guard let kernel else { return }
    let accept = kernel.responder.acceptDelay(connection)
    for side in connection.isSelfConnect ? [Side.originator] : [.originator, .responder] {
        let view = kernel[side]
        guard view.process != nil || side == .responder && accept != nil else { continue }
        let start = out.count
        if let prefix {
            out.append(number: prefix)
            out.append("| ")
        }
        out.append("  ")
        let margin = out.count - start
        out.append(connection.isSelfConnect ? "socket" : side.roleName)
        if let process = view.process {
            out.append(" process ")
            out.append(process, descriptor: view.descriptor)
            out.append(sharersOf: view)
        }
        if side == .responder, let accept {
            out.append(view.process == nil ? " " : ", ")
            out.append(accept: accept)
        }
        out.fold(from: start, to: layout.width, margin: margin)
        out.newline()
    }
}

extension OutputBuffer {
    /// Appends `lab-client[7511] uid 1000, fd 3, /usr/bin/lab-client, docker 4bb1..., unit ssh.service`, with all names
    /// escaped.
    mutating func append(_ process: ProcessIdentity, descriptor: Int32?) {
        appendPrintable(process.command)
        append("[")
        append(number: process.pid)
        append("]")
        if process.uid != .max {
            append(" uid ")
            append(number: process.uid)
        }
        if let descriptor {
            append(", fd ")
            append(number: descriptor)
        }
        guard let details = process.details else { return append(", executable unknown (it had gone)") }
        append(", ")
        if let path = details.executable { appendPrintable(path) } else { append("executable unknown") }
        if let container = details.container {
            append(", ")
            appendPrintable(container.runtime ?? "container")
            append(" ")
            // Twelve digits are customary, as in `docker ps`.
            let isNumber = container.identifier.utf8.count == 64
            appendPrintable(isNumber ? String(container.identifier.prefix(12)) : container.identifier)
            if let pod = container.pod {
                append(" of pod ")
                appendPrintable(pod)
            }
        } else if let unit = details.unit {
            append(", unit ")
            appendPrintable(unit)
        } else if let group = details.controlGroup, group != "/" {
            append(", cgroup ")
            appendPrintable(group)
        }
    }

    /// Appends `, shared with worker[7512] (fd 3), worker[7513] (fd 3) and 4 more`, or nothing if a single process
    /// holds the socket. Escaped.
    fileprivate mutating func append(sharersOf view: KernelSideView) {
        for (index, holder) in view.sharers.enumerated() {
            append(index == 0 ? ", shared with " : ", ")
            appendPrintable(holder.process.command)
            append("[")
            append(number: holder.process.pid)
            append("] (fd ")
            append(number: holder.descriptor)
            append(")")
        }
        let more = view.sharerCount - view.sharers.count
        guard more > 0 else { return }
        append(" and ")
        append(number: more)
        append(" more")
    }

    /// Appends `accepted after 12ms`, `accepted within 100ms`, `accepted after 80ms to 103ms`, or `not accepted for
    /// at least 3s`.
    mutating func append(accept delay: (least: Int64, most: Int64?)) {
        guard let most = delay.most else {
            append("not accepted for at least ")
            return append(span: delay.least)
        }
        if delay.least == 0 {
            append("accepted within ")
        } else {
            append("accepted after ")
            append(span: delay.least)
            guard most > delay.least else { return }
            append(" to ")
        }
        append(span: most)
    }

    /// Appends the fields `exe` to `unit` of a CSV line, without a comma after the last one.
    mutating func appendCSV(_ details: ProcessDetails?) {
        let container = details?.container
        let fields = [
            details?.executable, details?.controlGroup, container?.identifier, container?.runtime, container?.pod,
            details?.unit,
        ]
        for (index, field) in fields.enumerated() {
            if index > 0 { append(",") }
            if let field { appendCSVField(field) }
        }
    }
}

extension JSONObject {
    /// Adds what is known of a process beyond its name.
    mutating func add(_ details: ProcessDetails) {
        if let path = details.executable { add("exe", string: path) }
        if let group = details.controlGroup { add("cgroup", string: group) }
        if let container = details.container {
            add("container", string: container.identifier)
            if let runtime = container.runtime { add("runtime", string: runtime) }
            if let pod = container.pod { add("pod", string: pod) }
        }
        if let unit = details.unit { add("unit", string: unit) }
    }
}
