// A tracepoint event, as keys of a `kernel` record.

import TCPModel

extension JSONObject {
    /// Adds the event's name and details.
    mutating func add(_ fact: SocketEvent.Kind) {
        switch fact {
        case .transition(let from, let to):
            add("event", literal: "transition")
            if let name = from.openTelemetryName { add("from", literal: name) }
            if let name = to.openTelemetryName { add("to", literal: name) }
        case .resetSent(let reason):
            add("event", literal: "reset_sent")
            if let reason { add("reason", string: reason.text) }
        case .resetReceived: add("event", literal: "reset_received")
        case .retransmit: add("event", literal: "retransmit")
        case .synAckRetransmit: add("event", literal: "synack_retransmit")
        case .socketError(let code):
            add("event", literal: "socket_error")
            add("errno", number: code)
            if let name = LinuxErrno(rawValue: code).name { add("reason", literal: name) }
        case .destroyed: add("event", literal: "destroyed")
        case .dropped(let reason):
            add("event", literal: "packet_dropped")
            add("reason", string: reason.text)
        }
    }
}
