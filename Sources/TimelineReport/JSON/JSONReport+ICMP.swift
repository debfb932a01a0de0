// The `icmp` record: an ICMP error about a segment of a connection.

import TCPMachine
import TCPModel
public import TCPTimeline

extension JSONReport {
    /// Takes in an ICMP error, and what it did.
    public mutating func icmp(_ event: ICMPEvent, _ timeline: borrowing Timeline, _ out: inout OutputBuffer) {
        let connection = timeline[event.connection]
        let uid = uid(event.connection, connection)
        record(event.connection, connection, &out) { report, out in
            var object = JSONObject(path: "icmp")
            object.add(event.time)
            object.add(uid)
            object.add("frame", number: event.frame)
            object.add("endpoint", literal: event.side.jsonName)
            object.add("from", string: event.error.sender.description)
            object.add("type", number: event.error.type)
            object.add("code", number: event.error.code)
            object.add("kind", literal: event.error.kind.name)
            object.add("seq", number: event.relativeSequence)
            if event.error.nextHopMTU > 0 { object.add("mtu", number: event.error.nextHopMTU) }
            object.add("effect", literal: event.effect.name)
            if event.effect == .ends, let name = event.error.kind.connectError { object.add("errno", literal: name) }
            object.write(to: &out)
            for index in 0..<event.reaction.count {
                var state = JSONObject(path: "state")
                state.add(event.time)
                state.add(uid)
                report.add(event.reaction[index], event.side, cause: "icmp", to: &state)
                state.add("frame", number: event.frame)
                state.write(to: &out)
            }
        }
    }
}
