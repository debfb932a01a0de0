// The `kernel` record: news from the kernel about one endpoint.

import TCPModel
import TCPTimeline

extension JSONObject {
    /// Adds the keys specific to a `kernel` record, after those of every record.
    mutating func add(_ event: KernelEvent) {
        add("endpoint", literal: event.side.jsonName)
        switch event.kind {
        case .state(let from, let to):
            add("event", literal: "state")
            if let name = from?.openTelemetryName { add("from", literal: name) }
            if let name = to?.openTelemetryName { add("to", literal: name) }
        case .owner: add("event", literal: "owner")
        case .notAccepted(let since):
            add("event", literal: "not_accepted")
            add("since", seconds: since.nanoseconds)
        case .accepted(let least, let most):
            add("event", literal: "accepted")
            add("after_s", seconds: most)
            add("min_s", seconds: least)
        case .dropped(let from):
            add("event", literal: "dropped")
            if let name = from.openTelemetryName { add("from", literal: name) }
            add("to", literal: "closed")
        case .contradiction(let state, let wire):
            add("event", literal: event.lacksAnswer ? "uncaptured" : "mismatch")
            if let name = state?.openTelemetryName { add("state", literal: name) }
            if let name = wire.openTelemetryName { add("wire_state", literal: name) }
        case .uncaptured(let state, let wire, let led):
            add("event", literal: led.isResetCaptured ? "mismatch" : "uncaptured")
            if let name = state.openTelemetryName { add("state", literal: name) }
            if let name = wire.openTelemetryName { add("wire_state", literal: name) }
        case .translated(let end):
            add("event", literal: "translated")
            add(end)
        case .traced(let fact): add(fact)
        }
        add("source", literal: event.source.name)
        // A tracepoint event involves no reading of the tables: their contents are in the record of the reading itself.
        if event.source != .tracepoint, let socket = event.socket {
            add("inode", number: socket.inode)
            add("rx_queue", number: socket.receiveQueue)
            add("tx_queue", number: socket.transmitQueue)
        }
        if let process = event.process {
            add("pid", number: process.pid)
            add("comm", string: process.command)
        }
    }
}
