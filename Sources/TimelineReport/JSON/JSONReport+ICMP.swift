// The `icmp` record: an ICMP error about a segment of a connection.

import TCPMachine
import TCPModel
public import TCPTimeline

extension JSONReport {
    /// Writes an ICMP error and the transitions that it caused.
    public mutating func icmp(_ event: ICMPEvent, _ connections: borrowing KnownConnections, _ out: inout OutputBuffer)
    {
        let number = connections.number(of: event.connection)
        let uid = uid(event.connection, number, connections)
        record(event.connection, number, &out) { _, out in
            out.record("icmp") { object in
                object.add(event.time)
                object.add(uid)
                object.add(event)
            }
            for index in 0..<event.reaction.count {
                out.record("state") { object in
                    object.add(event.time)
                    object.add(uid)
                    object.add(event.reaction[index], event.side, cause: "icmp")
                    object.add("frame", number: event.frame)
                }
            }
        }
    }
}

extension JSONObject {
    fileprivate mutating func add(_ event: ICMPEvent) {
        add("frame", number: event.frame)
        add("endpoint", literal: event.side.jsonName)
        add("from", address: event.error.sender)
        add("type", number: event.error.type)
        add("code", number: event.error.code)
        add("kind", literal: event.error.kind.name)
        add("seq", number: event.relativeSequence)
        if event.error.nextHopMTU > 0 { add("mtu", number: event.error.nextHopMTU) }
        add("effect", literal: event.effect.name)
        if event.effect == .ends && event.side == .originator,
            let name = event.error.kind.connectError(isIPv4: event.error.quoted.source.address.isV4)?.name
        {
            add("errno", literal: name)
        }
    }
}
